"""Reads sitemaps (sitemaps.org): the pages, or further sitemaps, that a site lists. Pure.

A sitemap is known by its content, because sites serve it under any type: XML, also compressed and
behind the warning of a program, or a text with an address in each line.

Memory use is bounded for any document: no tree is built, nothing is fetched while parsing, a
document that declares entities is rejected, and a sitemap is not decompressed beyond a limit.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import lxml.etree

MAX_ENTRIES = 50_000  # the protocol's own limit
MAX_LOCATION_CHARS = 2048  # the protocol's own limit
TOO_MANY = f"it has more than {MAX_ENTRIES} addresses"
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 2**16
_START_BYTES = 4096
_ROOT = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b")
_BEGINNING = re.compile(rb"<\?xml\b|<!DOCTYPE\b|<(?:\w+:)?(?:urlset|sitemapindex)\b")
_BARE_AMPERSAND = re.compile(rb"&(?!#?\w{1,10};)")
_ENTITY_BYTES = 12  # the longest that is looked for
_ADDRESS = re.compile(rf"https?://\S{{1,{MAX_LOCATION_CHARS}}}")


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap.

    Args:
        is_index: Whether ``urls`` are further sitemaps; otherwise they are pages.
        urls: The listed URLs, absolute.
        damage: Why its end could not be read; None when all of it was.
    """

    is_index: bool
    urls: tuple[str, ...]
    damage: str | None = None


def is_like_sitemap(body: bytes) -> bool:
    """Whether a document begins as a sitemap in XML does, whatever its type is said to be."""
    start = body[:_START_BYTES]
    if start.startswith(_GZIP_MAGIC):
        try:
            start = zlib.decompressobj(wbits=31).decompress(body[:_PIECE_BYTES], _START_BYTES)
        except zlib.error:
            return False
    return _begins(start) is not None


def _begins(start: bytes) -> int | None:
    """Where a sitemap in XML begins, behind the warning of a program; None when there is none."""
    if _ROOT.search(start.replace(b"\0", b"")) is None:  # in UTF-16, every other byte is zero
        return None
    beginning = _BEGINNING.search(start)
    return beginning.start() if beginning is not None else 0


def parse_sitemap(body: bytes, *, max_bytes: int, url: str = "") -> Sitemap | None:
    """Read a sitemap, compressed or not.

    Args:
        body: The document.
        max_bytes: Maximum size of the document after decompression.
        url: Its URL, against which relative addresses are resolved.

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
    damage: str | None = None
    is_first = True
    try:
        for piece in _with_escaped_ampersands(_pieces(body, max_bytes)):
            if is_first:
                is_first = False
                begins = _begins(piece[:_START_BYTES])
                if begins is None:
                    return _parse_text(body, url, max_bytes)
                piece = piece[begins:]  # noqa: PLW2901
            parser.feed(piece)
            if reader.has_more:
                break
        else:
            parser.close()
    except lxml.etree.XMLSyntaxError as error:
        damage = str(error)  # the URLs before the error are valid
    except zlib.error as error:
        damage = str(error)
    except _NotSitemap:
        return None
    if reader.kind is None:
        return None
    damage = damage or _first_fault(parser) or reader.omission
    return _listed(reader.urls, url, damage, is_index=reader.kind == "sitemapindex")


def _first_fault(parser: lxml.etree.XMLParser) -> str | None:
    """The first fault behind which the parser guessed, so that it may have lost an address."""
    for entry in parser.feed_error_log:
        is_fatal = entry.level == lxml.etree.ErrorLevels.FATAL
        if is_fatal and entry.type != lxml.etree.ErrorTypes.ERR_DOCUMENT_END:
            return str(entry.message)
    return None


def _parse_text(body: bytes, url: str, max_bytes: int) -> Sitemap | None:
    """A sitemap as a text with an address in each line; None when a line is none."""
    try:
        text = b"".join(_pieces(body, max_bytes)).decode("utf-8-sig")
    except (UnicodeDecodeError, zlib.error, _NotSitemap):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not all(_ADDRESS.fullmatch(line) for line in lines):
        return None
    damage = TOO_MANY if len(lines) > MAX_ENTRIES else None
    return _listed(lines[:MAX_ENTRIES], url, damage)


def _listed(urls: list[str], base: str, damage: str | None, *, is_index: bool = False) -> Sitemap:
    absolute = []
    for url in urls:
        try:
            absolute.append(urljoin(base, url))
        except ValueError:
            damage = damage or f"an address is none: {url[:100]}"
    return Sitemap(is_index, tuple(absolute), damage)


class _NotSitemap(Exception):
    pass


class _Reader:
    """Receives the parser's events; ``kind`` is the name of the root element of a sitemap."""

    def __init__(self) -> None:
        self.kind: str | None = None
        self.urls: list[str] = []
        self.omission: str | None = None
        self.has_more = False
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._chars = 0

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
        if len(self.urls) >= MAX_ENTRIES:
            self.has_more = True
            self.omission = TOO_MANY
        elif len(url) > MAX_LOCATION_CHARS:
            self.omission = f"an address is longer than {MAX_LOCATION_CHARS} characters"
        elif url:
            self.urls.append(url)

    def close(self) -> None:
        pass


def _with_escaped_ampersands(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a document in which a bare ampersand, as in ``?a=1&b=2``, is escaped."""
    rest = b""
    for piece in pieces:
        if b"\0" in piece:  # in UTF-16
            yield piece
            continue
        text = rest + piece
        start = text.rfind(b"&", max(0, len(text) - _ENTITY_BYTES))
        text, rest = (text, b"") if start < 0 else (text[:start], text[start:])
        yield _BARE_AMPERSAND.sub(b"&amp;", text)
    if rest:
        yield _BARE_AMPERSAND.sub(b"&amp;", rest)


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
