"""Sitemaps (sitemaps.org): which pages, or which further sitemaps, a site lists. Pure.

Entities are not resolved and nothing is fetched while parsing, and a compressed sitemap is not
unpacked beyond a limit, so that no document can make the crawler grow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import lxml.etree

MAX_ENTRIES = 50_000  # the protocol's own limit
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Sitemap:
    """``is_index``: ``urls`` are further sitemaps, else pages."""

    is_index: bool
    urls: tuple[str, ...]


def parse_sitemap(body: bytes, *, most_bytes: int) -> Sitemap | None:
    """Read a sitemap, compressed or not; None when the document is not one."""
    if body.startswith(_GZIP_MAGIC):
        unpacked = _gunzip(body, most_bytes)
        if unpacked is None:
            return None
        body = unpacked
    if b"<" not in body[:1024]:
        return None
    try:
        events = lxml.etree.iterparse(
            BytesIO(body),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            recover=True,
            remove_comments=True,
            remove_pis=True,
        )
        _, root = next(events)
        kind = _local_name(root.tag)
        if kind not in {"urlset", "sitemapindex"}:
            return None
        return Sitemap(kind == "sitemapindex", tuple(_locations(events)))
    except (lxml.etree.XMLSyntaxError, StopIteration):
        return None


def _locations(events: Iterator[tuple[str, lxml.etree._Element]]) -> Iterator[str]:
    found = 0
    for event, element in events:
        if event == "start" or _local_name(element.tag) not in {"url", "sitemap"}:
            continue
        for child in element:
            if _local_name(child.tag) == "loc" and child.text and child.text.strip():
                yield child.text.strip()
                found += 1
        element.clear()
        if found >= MAX_ENTRIES:
            return


def _local_name(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _gunzip(body: bytes, most_bytes: int) -> bytes | None:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, most_bytes)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else unpacked
