"""Whatever is damaged in a document, and how: what is not read is said to be unread.

The damages are drawn: a document is cut off, or loses a character of its structure, or gets raw
quotes, control characters or bytes of no encoding in it. The rule: all that the sound document has
is read, or something is unread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.schema_org.extraction import extract
from services.ingest.pages.sitemaps import parse_sitemap

URL = "https://films.example/film/7"
Damage = Callable[[bytes], bytes]

_JSON_STRUCTURE = b'{}[]:,"'
_XML_STRUCTURE = b'<>/"?'


def _position(length: int, share: float) -> int:
    return min(length - 1, int(length * share))


def _damages(structure: bytes) -> st.SearchStrategy[Damage]:
    """Ways to damage a document; a share says where in it."""
    shares = st.floats(0, 1, exclude_max=True)

    def cut(share: float) -> Damage:
        return lambda body: body[: _position(len(body), share)]

    def lose(share: float, length: int) -> Damage:
        def damaged(body: bytes) -> bytes:
            places = [at for at, byte in enumerate(body) if byte in structure]
            at = places[_position(len(places), share)] if places else 0
            return body[:at] + body[at + length :]

        return damaged

    def insert(share: float, what: bytes) -> Damage:
        # Not within a word: a name with a letter more is another name.
        def damaged(body: bytes) -> bytes:
            places = [at for at, byte in enumerate(body) if byte in structure and byte not in b'"']
            at = places[_position(len(places), share)] if places else 0
            return body[:at] + what + body[at:]

        return damaged

    return st.one_of(
        st.builds(cut, shares),
        st.builds(lose, shares, st.integers(1, 3)),
        st.builds(insert, shares, st.sampled_from([b'"', b"\x00", b"\x01\x1f", b"\xff\xfe", b"&",
                                                   b"<", b"]]>", b"\r\n", b"\xe2\x80", b"\\"])),
    )  # fmt: skip


_texts = st.text("ab é\"'.,&<>", min_size=1, max_size=20).map(lambda text: f"Seen: {text}")


def _script(reviews: list[str]) -> bytes:
    movie: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "name": "The Salt Road",
        "review": [
            {
                "@type": "Review",
                "identifier": f"r{number}",
                "reviewBody": f"{number}: {text}",
                "reviewRating": {"@type": "Rating", "ratingValue": number % 10, "bestRating": 10},
                "author": {"@type": "Person", "name": "Ada"},
            }
            for number, text in enumerate(reviews)
        ],
    }
    return json.dumps(movie, ensure_ascii=False, indent=1).replace("<", "\\u003c").encode()


def _page(script: bytes) -> bytes:
    return (
        b'<!doctype html><html><head><meta charset="utf-8"><title>x</title>'
        b'<script type="application/ld+json">' + script + b"</script></head>"
        b"<body><h1>x</h1></body></html>"
    )


def _read(page: bytes) -> tuple[int, int]:
    """The number of a page's reviews, and how much of it is unread."""
    content = extract(page, URL, "films")
    reviews = sum(len(movie.reviews) for movie in content.movies)
    return reviews, len(content.unread) + content.reviews_without_text


@given(st.lists(_texts, min_size=1, max_size=4), _damages(_JSON_STRUCTURE))
def test_a_damaged_script_hides_no_review(reviews: list[str], damage: Damage) -> None:
    script = _script(reviews)
    sound, unread = _read(_page(script))
    assert (sound, unread) == (len(reviews), 0)
    read, unread = _read(_page(damage(script)))
    assert read >= sound or unread > 0


@given(st.data())
def test_control_characters_anywhere_cost_nothing(data: st.DataObject) -> None:
    script = _script(["One.", "Two."])
    for character in data.draw(st.lists(st.sampled_from([b"\x00", b"\x01", b"\x0e", b"\x1f"]))):
        at = data.draw(st.integers(0, len(script)))
        script = script[:at] + character + script[at:]
    assert _read(_page(script)) == (2, 0)


@given(st.lists(_texts, min_size=1, max_size=4), st.floats(0, 1, exclude_max=True))
def test_a_page_cut_off_in_its_script_hides_no_review(reviews: list[str], share: float) -> None:
    page = _page(_script(reviews))
    begin = page.index(b"<script type") + 40
    cut = page[: begin + _position(page.index(b"</script>") - begin, share)]
    sound, _ = _read(page)
    read, unread = _read(cut)
    assert read >= sound or unread > 0


def _sitemap(paths: list[str]) -> bytes:
    entries = "".join(
        f"<url>\n<loc>https://films.example/{path}</loc><lastmod>2021-02-03</lastmod></url>\n"
        for path in paths
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    ).encode()


_paths = st.lists(st.text("abc123-/", min_size=1, max_size=12), min_size=1, max_size=5, unique=True)


@given(_paths, _damages(_XML_STRUCTURE))
def test_a_damaged_sitemap_hides_no_address(paths: list[str], damage: Damage) -> None:
    body = _sitemap(paths)
    sound = parse_sitemap(body, max_bytes=10**6, url=URL)
    assert sound is not None
    assert (len(sound.urls), sound.damage) == (len(paths), None)
    read = parse_sitemap(damage(body), max_bytes=10**6, url=URL)
    # A character more in an address is an address all the same; none may disappear.
    assert read is None or read.damage is not None or len(read.urls) >= len(sound.urls)
