"""Sitemaps (sitemaps.org): which pages, or which further sitemaps, a site lists. Pure.

No tree is built, nothing is fetched while parsing, a document that declares entities is none, and a
compressed sitemap is not unpacked beyond a limit: no document can make the crawler grow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import lxml.etree

MAX_ENTRIES = 50_000  # the protocol's own limit
MAX_LOCATION_CHARS = 2048  # the protocol's own limit
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Sitemap:
    """``is_index``: ``urls`` are further sitemaps, else pages."""

    is_index: bool
    urls: tuple[str, ...]


def parse_sitemap(body: bytes, *, most_bytes: int) -> Sitemap | None:
    """Read a sitemap, compressed or not; None when the document is not one.

    Args:
        body: The document.
        most_bytes: A larger one, once unpacked, is none.
    """
    reader = _Reader()
    parser = lxml.etree.XMLParser(
        target=reader,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
    )
    is_first = True
    try:
        for piece in _pieces(body, most_bytes):
            if is_first and b"<" not in piece[:1024]:
                return None
            is_first = False
            parser.feed(piece)
            if reader.is_over:
                break
        else:
            parser.close()
    except lxml.etree.XMLSyntaxError:
        pass  # what was read before it counts
    except (_NoSitemap, zlib.error):
        return None
    if reader.kind is None:
        return None
    return Sitemap(reader.kind == "sitemapindex", tuple(reader.urls))


class _NoSitemap(Exception):
    pass


class _Reader:
    """Takes the parser's events; ``kind`` is the root's name once it is that of a sitemap."""

    def __init__(self) -> None:
        self.kind: str | None = None
        self.urls: list[str] = []
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._chars = 0

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to learn."""
        return len(self.urls) >= MAX_ENTRIES

    def doctype(self, _name: str | None, _public: str | None, _system: str | None) -> None:
        self.kind = None
        raise _NoSitemap

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if not self._open:
            if name not in {"urlset", "sitemapindex"}:
                raise _NoSitemap
            self.kind = name
        self._open.append(name)
        if self._open[1:] in (["url", "loc"], ["sitemap", "loc"]):
            self._text, self._chars = [], 0

    def data(self, text: str) -> None:
        if self._text is not None and self._chars <= MAX_LOCATION_CHARS:
            self._text.append(text)
            self._chars += len(text)

    def end(self, _tag: str) -> None:
        self._open.pop()
        if self._text is None:
            return
        url = "".join(self._text).strip()
        self._text = None
        if url and len(url) <= MAX_LOCATION_CHARS and not self.is_over:
            self.urls.append(url)

    def close(self) -> None:
        pass


def _pieces(body: bytes, most_bytes: int) -> Iterator[bytes]:
    """The document in small pieces, all members of a gzip file unpacked.

    Raises:
        zlib.error: it is packed, and broken.
        _NoSitemap: it is larger than ``most_bytes``.
    """
    if not body.startswith(_GZIP_MAGIC):
        yield from (body[at : at + _PIECE_BYTES] for at in range(0, len(body), _PIECE_BYTES))
        return
    size = 0
    while body.startswith(_GZIP_MAGIC):
        unpacker = zlib.decompressobj(wbits=31)
        while body and not unpacker.eof:
            piece = unpacker.decompress(body, _PIECE_BYTES)
            size += len(piece)
            if size > most_bytes:
                raise _NoSitemap
            yield piece
            body = unpacker.unconsumed_tail
        body = unpacker.unused_data
