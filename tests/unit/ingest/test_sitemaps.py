"""Sitemaps, also hostile ones."""

from __future__ import annotations

import gzip

import pytest

from services.ingest.sitemaps import MAX_ENTRIES, parse_sitemap

_NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_LIMIT = 10_000_000


def _urlset(*urls: str) -> bytes:
    entries = "".join(f"<url><loc> {url}\n</loc><priority>1</priority></url>" for url in urls)
    return f'<?xml version="1.0"?><!-- c --><urlset {_NS}>{entries}</urlset>'.encode()


def test_pages_and_indexes() -> None:
    pages = parse_sitemap(_urlset("https://a/1", "https://a/2?x=1&amp;y=2"), most_bytes=_LIMIT)
    assert pages is not None
    assert not pages.is_index
    assert pages.urls == ("https://a/1", "https://a/2?x=1&y=2")
    index = parse_sitemap(
        f"<sitemapindex {_NS}><sitemap><loc>https://a/s.xml</loc></sitemap></sitemapindex>".encode(),
        most_bytes=_LIMIT,
    )
    assert index is not None
    assert index.is_index
    assert index.urls == ("https://a/s.xml",)


def test_compressed_and_without_namespace() -> None:
    body = gzip.compress(b"<urlset><url><loc>https://a/1</loc></url></urlset>")
    found = parse_sitemap(body, most_bytes=_LIMIT)
    assert found is not None
    assert found.urls == ("https://a/1",)


def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * 2_000_000)
    assert parse_sitemap(bomb, most_bytes=1_000_000) is None


def test_entities_are_not_resolved() -> None:
    body = (
        b'<!DOCTYPE u [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">'
        b'<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b"<urlset><url><loc>https://a/&b;</loc></url><url><loc>&f;</loc></url></urlset>"
    )
    found = parse_sitemap(body, most_bytes=_LIMIT)
    assert found is not None
    assert all("aaaa" not in url and "root" not in url for url in found.urls)


def test_no_more_than_the_protocol_allows() -> None:
    body = _urlset(*(f"https://a/{n}" for n in range(MAX_ENTRIES + 10)))
    found = parse_sitemap(body, most_bytes=_LIMIT)
    assert found is not None
    assert len(found.urls) == MAX_ENTRIES


@pytest.mark.parametrize(
    "body", [b"", b"User-agent: *", b"<html><body/></html>", b"\x1f\x8bnot gzip", b"<", b"{}"]
)
def test_what_is_not_a_sitemap(body: bytes) -> None:
    assert parse_sitemap(body, most_bytes=_LIMIT) is None


def test_a_truncated_one_gives_what_it_has() -> None:
    found = parse_sitemap(_urlset("https://a/1", "https://a/2")[:-40], most_bytes=_LIMIT)
    assert found is not None
    assert found.urls[0] == "https://a/1"
