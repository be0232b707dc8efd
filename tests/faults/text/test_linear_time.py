"""Every function that reads foreign text takes time in proportion to it, whatever the text is.

A text is a unit, repeated: what is quadratic in it takes minutes at these lengths, what is linear a
tenth of a second. A longer text than ``CHARS`` is only read by functions that have limits of their
own, which the tests of these functions show.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.datasets.column_paths import values_at
from services.ingest.pages.datasets.csv_lines import CsvLines
from services.ingest.pages.identifiers import canonical_url, imdb_movie_id, titled_id
from services.ingest.pages.imdb.pages import parse_reviews, parse_title, parse_title_list
from services.ingest.pages.items import MovieItem, ReviewItem, to_movie, to_review
from services.ingest.pages.schema_org.extraction import extract
from services.ingest.pages.schema_org.json_ld import parse_lenient_json
from services.ingest.pages.sitemaps import is_like_sitemap, parse_sitemap
from services.ingest.pages.values import days, name_lists, numbers, ratings, texts, written_titles
from services.ingest.sources.toml_lines import key_lines
from services.ingest.web.blocks import BlockWatch
from services.ingest.web.politeness import retry_after_s
from services.ingest.web.robots import count_rules
from shared.record import MAX_REVIEW_CHARS
from shared.retrieval.evidence import denial, families, marking, polarity
from shared.retrieval.evidence.asking import asked_by
from shared.retrieval.interpretation.interpreter import interpret
from shared.retrieval.moods.mood_reader import read_mood, tones_of
from shared.retrieval.titles.title_frames import split_year, unframed, without_first_number
from shared.retrieval.titles.title_keys import keys_of, parts_of, whole_titles
from shared.text.language_guess import language_of
from shared.text.passages import sentences, split
from shared.text.phrases import phrases
from shared.text.query_text import MAX_QUERY_CHARS, clean
from shared.text.stemmer import stem
from shared.text.terms import terms
from shared.text.terms_v1 import terms as terms_v1
from tests.support.hostile_texts import UNITS, is_within, repeated
from tests.unit.retrieval.interpretation.catalogue import LEXICON, SPELLER, TITLES

CHARS = MAX_REVIEW_CHARS
CPU_S = 1.5
QUERY_CPU_S = 1.0
URL = "https://movies.example/m"

_IMDB_LIST = (
    '<h1 data-testid="hero__pageTitle">{0}</h1><ul class="ipc-metadata-list">'
    '<li class="ipc-metadata-list-summary-item"><a class="ipc-title-link-wrapper" '
    'href="/title/tt0111161/">{0}</a><span class="ipc-rating-star--rating">{0}</span></li></ul>'
)
_IMDB_REVIEW = (
    '<article class="user-review-item"><p class="ipc-html-content-inner-div">{0}</p>'
    '<b class="review-date">{0}</b></article>'
)
ASKED = asked_by(["a scary movie about dogs, not cats"], ["cats"])


def _rows_of_csv(text: str) -> None:
    lines = CsvLines(io.StringIO(text), 10_000_000)
    for row in lines.rows({}):
        if row.problem is not None:
            lines.go_back()


def _bytes(read: Callable[[bytes], Any]) -> Callable[[str], Any]:
    return lambda text: read(text.encode("utf-8", "replace"))


def _page(before: str, after: str = "") -> Callable[[str], Any]:
    return _bytes(lambda body: extract(before.encode() + body + after.encode(), URL, "s"))


def _values_of_page(text: str) -> None:
    """A text as every value of a movie and its review."""
    review = dict.fromkeys(
        ("reviewBody", "author", "datePublished", "reviewRating", "url", "name", "@id",
         "inLanguage", "identifier", "keywords", "spoiler"),
        text,
    )  # fmt: skip
    movie = dict.fromkeys(
        ("name", "url", "genre", "keywords", "duration", "dateCreated", "inLanguage", "image",
         "actor", "description", "@id", "sameAs"),
        text,
    )  # fmt: skip
    rating = {"ratingValue": text, "ratingCount": text, "bestRating": text}
    node = {
        **movie, "@type": "Movie", "aggregateRating": rating,
        "review": [{**review, "@type": "Review"}],
    }  # fmt: skip
    data = json.dumps(node).replace("</", "<\\/")
    extract(f'<script type="application/ld+json">{data}</script>'.encode(), URL, "s")


def _values_of_files(text: str) -> None:
    """A text as each value of a row."""
    readers: tuple[Callable[[str], Any], ...] = (
        days.day, days.year, name_lists.names, numbers.number, numbers.count, numbers.minutes,
        numbers.truth, ratings.rating, texts.text, texts.identifier, texts.excerpt,
        written_titles.parted_title,
    )  # fmt: skip
    for read in readers:
        for said in (text, f"1{text}", f"1{text}x", f"Feb 1{text}", f"['{text}]", f"[{text}]"):
            try:
                read(said)
            except texts.ValueUnread:
                continue


def _toml(text: str) -> None:
    for document in (text, f"a = {text}", f"a = [{text}", f"a = {{{text}", f"{text} = 1"):
        key_lines(document)


def _passage(text: str) -> None:
    """What is done to a passage that is shown with a hit."""
    plain = families.plain(text)
    found = ASKED.found_in(plain)
    ASKED.contradicted_by(plain, found)
    marking.marks(plain, ASKED, found)
    polarity.is_pan(plain, None)
    denial.denied_words(denial.tokens_of(plain))
    for word in families.words_of(plain):
        families.family(word)


def _imdb(text: str) -> None:
    for body in (
        text,
        f'<script id="__NEXT_DATA__" type="application/json">{text}</script>',
        _IMDB_LIST.format(text),
        _IMDB_REVIEW.format(text),
    ):
        page = body.encode("utf-8", "replace")
        for read in (
            lambda page: parse_title_list(page, "https://www.imdb.com/"),
            lambda page: parse_reviews(page, "https://www.imdb.com/title/tt1/", "tt0111161"),
            lambda page: parse_title(page, "https://www.imdb.com/title/tt1/", "tt0111161"),
        ):
            try:
                read(page)
            except ValueError:
                continue


READERS: dict[str, Callable[[str], Any]] = {
    "cleaning": clean_text,
    "a movie": lambda text: to_movie(MovieItem("m", title=text, genres=(text,)), []),
    "a review": lambda text: to_review(ReviewItem(movie_id="m", text=text, author=text), "s", []),
    "sentences": sentences,
    "passages": lambda text: split([text], lambda parts: [len(part) for part in parts], 64),
    "terms": terms,
    "terms of version 1": terms_v1,
    "German terms": lambda text: terms(text, "de"),
    "French terms": lambda text: terms(text, "fr"),
    "Japanese terms": lambda text: terms(text, "ja"),
    "terms in several languages": lambda text: terms(text, "mul"),
    "a stem": stem,
    "phrases": phrases,
    "a language": language_of,
    "a passage": _passage,
    "JSON": parse_lenient_json,
    "JSON in a string": lambda text: parse_lenient_json('[{"a":"' + text),
    "broken JSON": lambda text: parse_lenient_json("x" + text),
    "a page": _page("<html><body>"),
    "a page's JSON-LD": _page('<script type="application/ld+json">', "</script>"),
    "a page's microdata": _page(
        '<div itemscope itemtype="https://schema.org/Movie"><b itemprop="name">M</b>'
        '<div itemprop="review" itemscope itemtype="https://schema.org/Review">'
        '<p itemprop="reviewBody">',
        "</p></div></div>",
    ),
    "a page's attributes": _page('<div itemscope class="', '" itemtype="Movie">x</div>'),
    "the values of a page": lambda text: _values_of_page(text[: CHARS // 10] + text[-1:]),
    "the values of a file": _values_of_files,
    "a place in a file": lambda text: [
        values_at({"a": value}, "a.b") for value in (text, f"[{text}", f"[{text}]", f"{{{text}}}")
    ],
    "csv": _rows_of_csv,
    "TOML": _toml,
    "ids": lambda text: [
        imdb_movie_id(text), titled_id(text, 1999), canonical_url(f"https://a.example/?{text}")
    ],
    "IMDb's pages": _imdb,
    "a sitemap": _bytes(
        lambda body: [
            is_like_sitemap(body),
            parse_sitemap(body, max_bytes=10**8),
            parse_sitemap(b"<urlset><url><loc>https://" + body, max_bytes=10**8),
        ]
    ),
    "robots.txt": _bytes(count_rules),
    "a block": _bytes(
        lambda body: [BlockWatch().check(status, {}, body) for status in (200, 202)]
    ),
    "Retry-After": lambda text: retry_after_s(text, datetime.now(UTC)),
}  # fmt: skip
"""What reads texts of any length."""

QUERY_READERS: dict[str, Callable[[str], Any]] = {
    "cleaning": clean,
    "interpretation": lambda text: interpret(text, LEXICON, TITLES, SPELLER),
    "titles": TITLES.find,
    "suggestions": lambda text: TITLES.suggest(text, 10),
    "keys of titles": lambda text: [keys_of(text), parts_of(text), list(whole_titles(text))],
    "frames of titles": lambda text: [
        unframed(said) or split_year(said) or without_first_number(said)
        for said in (text, f"i want to see {text} again", f"the movie {text}")
    ],
    "what is asked": lambda text: asked_by([text], [text]),
    "moods": lambda text: [read_mood(text), tones_of(text)],
}
"""What reads queries, which have at most ``MAX_QUERY_CHARS``."""


@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_long(reader: str) -> None:
    slow = [
        (unit, ends)
        for unit in UNITS
        for ends in ("", "x")
        if not is_within(CPU_S, READERS[reader], repeated(unit, CHARS, first=ends, last=ends))
    ]
    assert slow == []


@pytest.mark.parametrize("reader", QUERY_READERS)
def test_no_query_takes_long(reader: str) -> None:
    slow = [
        (unit, ends)
        for unit in UNITS
        for ends in ("", "x")
        if not is_within(
            QUERY_CPU_S,
            QUERY_READERS[reader],
            repeated(unit, MAX_QUERY_CHARS - 2, first=ends, last=ends),
        )
    ]
    assert slow == []


@given(
    st.sampled_from(sorted(READERS)),
    st.lists(st.sampled_from(UNITS), min_size=1, max_size=4).map("".join),
    st.sampled_from(UNITS),
    st.sampled_from(UNITS),
)
def test_no_shape_takes_long(reader: str, unit: str, first: str, last: str) -> None:
    text = repeated(unit, CHARS // 2, first=first, last=last)
    assert is_within(CPU_S, READERS[reader], text)


@given(
    st.sampled_from(sorted(QUERY_READERS)),
    st.lists(st.sampled_from(UNITS), min_size=1, max_size=6).map("".join),
)
def test_no_shape_of_query_takes_long(reader: str, unit: str) -> None:
    assert is_within(QUERY_CPU_S, QUERY_READERS[reader], repeated(unit, MAX_QUERY_CHARS))
