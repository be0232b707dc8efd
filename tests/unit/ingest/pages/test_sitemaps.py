"""Sitemaps, also hostile ones."""

from __future__ import annotations

import gzip

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages import sitemaps
from services.ingest.pages.sitemaps import (
    MAX_ENTRIES,
    TOO_MANY,
    Sitemap,
    is_like_sitemap,
    parse_sitemap,
)

_NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_LIMIT = 10_000_000


def _urlset(*urls: str) -> bytes:
    entries = "".join(f"<url><loc> {url}\n</loc><priority>1</priority></url>" for url in urls)
    return f'<?xml version="1.0"?><!-- c --><urlset {_NS}>{entries}</urlset>'.encode()


def test_pages_and_indexes() -> None:
    pages = parse_sitemap(_urlset("https://a/1", "https://a/2?x=1&amp;y=2"), max_bytes=_LIMIT)
    assert pages is not None
    assert not pages.is_index
    assert pages.urls == ("https://a/1", "https://a/2?x=1&y=2")
    index = parse_sitemap(
        f"<sitemapindex {_NS}><sitemap><loc>https://a/s.xml</loc></sitemap></sitemapindex>".encode(),
        max_bytes=_LIMIT,
    )
    assert index is not None
    assert index.is_index
    assert index.urls == ("https://a/s.xml",)


def test_compressed_and_without_namespace() -> None:
    body = gzip.compress(b"<urlset><url><loc>https://a/1</loc></url></urlset>")
    sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls == ("https://a/1",)


def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * 2_000_000)
    assert parse_sitemap(bomb, max_bytes=1_000_000) is None


_LAUGHS = b'<!DOCTYPE u [<!ENTITY a0 "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
) + b"]>"  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        _LAUGHS + b"<urlset><url><loc>https://a/&a11;</loc></url></urlset>",
        _LAUGHS + b"<urlset a='&a11;'><url><loc>https://a/</loc></url></urlset>",
        b'<!DOCTYPE u [<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset><url><loc>&f;</loc></url>',
        b'<!DOCTYPE u [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]><urlset></urlset>',
        b'<!DOCTYPE urlset SYSTEM "file:///etc/passwd"><urlset></urlset>',
    ],
    ids=["laughs", "laughs in an attribute", "file", "parameter entity", "external subset"],
)
def test_what_declares_entities_is_no_sitemap(body: bytes) -> None:
    assert parse_sitemap(body, max_bytes=_LIMIT) is None


def test_elements_that_list_nothing_cost_nothing() -> None:
    body = b"<urlset>" + b"<url></url>" * 900_000 + b"<url><loc>https://a/1</loc></url></urlset>"
    resident = psutil.Process().memory_info().rss
    sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    grown = psutil.Process().memory_info().rss - resident
    assert sitemap is not None
    assert sitemap.urls == ("https://a/1",)
    assert grown < 20 * 2**20  # a tree of it takes more than 200 MiB


def test_only_the_places_of_locations_are_read() -> None:
    body = (
        b"<urlset><loc>https://a/0</loc><url><x><loc>https://a/1</loc></x><loc>https://a/2</loc>"
        b"<image:image xmlns:image='i'><image:loc>https://a/3.png</image:loc></image:image>"
        b"<loc>https://a/" + b"x" * 3000 + b"</loc></url></urlset>"
    )
    sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls == ("https://a/2",)


def test_all_members_of_a_gzip_file_are_read_and_counted() -> None:
    whole = _urlset("https://a/1", "https://a/2")
    packed = gzip.compress(whole[:60]) + gzip.compress(whole[60:])
    sitemap = parse_sitemap(packed, max_bytes=len(whole))
    assert sitemap is not None
    assert len(sitemap.urls) == 2
    assert parse_sitemap(packed, max_bytes=len(whole) - 1) is None


def test_no_more_than_the_protocol_allows() -> None:
    body = _urlset(*(f"https://a/{n}" for n in range(MAX_ENTRIES + 10)))
    sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    assert sitemap is not None
    assert len(sitemap.urls) == MAX_ENTRIES
    assert sitemap.damage == TOO_MANY
    full = parse_sitemap(_urlset(*sitemap.urls), max_bytes=_LIMIT)
    assert full == Sitemap(is_index=False, urls=sitemap.urls)


def test_more_addresses_in_a_text_than_the_protocol_allows_are_damage() -> None:
    lines = [f"https://a/{n}" for n in range(MAX_ENTRIES + 1)]
    sitemap = parse_sitemap("\n".join(lines).encode(), max_bytes=_LIMIT)
    assert sitemap == Sitemap(is_index=False, urls=tuple(lines[:-1]), damage=TOO_MANY)


def test_an_address_that_is_none_is_damage() -> None:
    body = _urlset("https://a/1", "http://[a", "https://a/2")
    sitemap = parse_sitemap(body, max_bytes=_LIMIT, url="https://a/sitemap.xml")
    assert sitemap is not None
    assert sitemap.urls == ("https://a/1", "https://a/2")
    assert sitemap.damage is not None


@given(st.integers(0, 300), st.integers(1, 12))
def test_a_bare_ampersand_is_part_of_the_address(spaces: int, entity: int) -> None:
    address = "https://a/?q=1&page=2&lang=en&"
    body = _urlset(address + " " * spaces, "https://a/?x&amp;y&#38;z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitemaps, "_PIECE_BYTES", 128 + entity)
        sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    assert sitemap == Sitemap(is_index=False, urls=(address, "https://a/?x&y&z"))
    assert parse_sitemap(_urlset("https://a/1").decode().encode("utf-16"), max_bytes=_LIMIT)


@pytest.mark.parametrize(
    "body", [b"", b"User-agent: *", b"<html><body/></html>", b"\x1f\x8bnot gzip", b"<", b"{}"]
)
def test_what_is_not_a_sitemap(body: bytes) -> None:
    assert parse_sitemap(body, max_bytes=_LIMIT) is None


def test_a_truncated_one_gives_what_it_has() -> None:
    sitemap = parse_sitemap(_urlset("https://a/1", "https://a/2")[:-40], max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls[0] == "https://a/1"


def test_a_sitemap_as_text_has_an_address_in_each_line() -> None:
    sitemap = parse_sitemap(b"https://a/1\r\n\nhttps://a/2\n", max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls == ("https://a/1", "https://a/2")
    assert parse_sitemap(b"https://a/1\nError", max_bytes=_LIMIT) is None


def test_relative_addresses_are_resolved() -> None:
    body = b"<urlset><url><loc>/film/1</loc></url></urlset>"
    sitemap = parse_sitemap(body, url="https://a/maps/films.xml", max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls == ("https://a/film/1",)


def test_what_a_program_printed_before_the_document_is_ignored() -> None:
    body = b"<br />\n<b>Warning</b>: strpos() in <b>x.php</b>\n" + _urlset("https://a/1")
    assert is_like_sitemap(body)
    sitemap = parse_sitemap(body, max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.urls == ("https://a/1",)
    assert sitemap.damage is None


@pytest.mark.parametrize("cut", [10, 40, 70])
def test_a_damaged_sitemap_says_so(cut: int) -> None:
    whole = _urlset("https://a/1", "https://a/2", "https://a/3")
    assert parse_sitemap(whole, max_bytes=_LIMIT) == Sitemap(
        False, ("https://a/1", "https://a/2", "https://a/3")
    )
    sitemap = parse_sitemap(whole[:-cut], max_bytes=_LIMIT)
    assert sitemap is not None
    assert sitemap.damage is not None


@pytest.mark.parametrize(
    "body", [b"<html><body>urlset</body></html>", b"", b"\x1f\x8bno", b"<urls>"]
)
def test_a_page_is_not_like_a_sitemap(body: bytes) -> None:
    assert not is_like_sitemap(body)


def test_a_sitemap_is_known_by_its_content_in_any_encoding() -> None:
    assert is_like_sitemap(gzip.compress(_urlset("https://a/1")))
    assert is_like_sitemap(_urlset("https://a/1").decode().encode("utf-16"))
