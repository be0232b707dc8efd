"""Reads sitemaps (sitemaps.org): the pages, or further sitemaps, that a site lists. Pure.

Memory use is bounded for any document: no tree is built, nothing is fetched while parsing, a
document that declares entities is rejected, and a sitemap is not decompressed beyond a limit.
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
    """A sitemap.

    Args:
        is_index: Whether ``urls`` are further sitemaps; otherwise they are pages.
        urls: The listed URLs.
    """

    is_index: bool
    urls: tuple[str, ...]


def parse_sitemap(body: bytes, *, max_bytes: int) -> Sitemap | None:
    """Read a sitemap, compressed or not.

    Args:
        body: The document.
        max_bytes: Maximum size of the document after decompression.

    Returns:
        The sitemap; None when the document is not a sitemap, or is too large.
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
        for piece in _pieces(body, max_bytes):
            if is_first and b"<" not in piece[:1024]:
                return None
            is_first = False
            parser.feed(piece)
            if reader.is_over:
                break
        else:
            parser.close()
    except lxml.etree.XMLSyntaxError:
        pass  # the URLs before the error are valid
    except (_NotSitemap, zlib.error):
        return None
    if reader.kind is None:
        return None
    return Sitemap(reader.kind == "sitemapindex", tuple(reader.urls))


class _NotSitemap(Exception):
    pass


class _Reader:
    """Receives the parser's events; ``kind`` is the name of the root element of a sitemap."""

    def __init__(self) -> None:
        self.kind: str | None = None
        self.urls: list[str] = []
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._chars = 0

    @property
    def is_over(self) -> bool:
        """Whether the maximum number of URLs has been read."""
        return len(self.urls) >= MAX_ENTRIES

    def doctype(self, _name: str | None, _public: str | None, _system: str | None) -> None:
        self.kind = None
        raise _NotSitemap

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if not self._open:
            if name not in {"urlset", "sitemapindex"}:
                raise _NotSitemap
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


def _pieces(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """The document in small pieces, with all members of a gzip file decompressed.

    Raises:
        zlib.error: it is compressed, and damaged.
        _NotSitemap: it is larger than ``max_bytes``.
    """
    if not body.startswith(_GZIP_MAGIC):
        yield from (body[at : at + _PIECE_BYTES] for at in range(0, len(body), _PIECE_BYTES))
        return
    size = 0
    while body.startswith(_GZIP_MAGIC):
        decompressor = zlib.decompressobj(wbits=31)
        while body and not decompressor.eof:
            piece = decompressor.decompress(body, _PIECE_BYTES)
            size += len(piece)
            if size > max_bytes:
                raise _NotSitemap
            yield piece
            body = decompressor.unconsumed_tail
        body = decompressor.unused_data
