"""JSON-LD as sites really write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.extraction import PageContent, extract

URL = "https://films.example/film/42"


def _page(*scripts: str, media_type: str = "application/ld+json") -> bytes:
    blocks = "".join(f'<script type="{media_type}">{script}</script>' for script in scripts)
    return f"<!doctype html><html><head>{blocks}</head><body><p>x</p></body></html>".encode()


def _extract(*blocks: Any, url: str = URL) -> PageContent:
    return extract(_page(*(json.dumps(block) for block in blocks)), url, "site")


MOVIE: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Movie",
    "name": "Back to the Future",
    "sameAs": "https://www.imdb.com/title/tt0088763/",
    "datePublished": "1985-07-03",
    "genre": ["Adventure", "Comedy, Sci-Fi"],
    "director": [{"@type": "Person", "name": "Robert Zemeckis"}],
    "description": "A teenager travels to 1955.",
    "aggregateRating": {"@type": "AggregateRating", "ratingValue": "4.3", "bestRating": "5"},
}
REVIEW: dict[str, Any] = {
    "@type": "Review",
    "reviewBody": "A joy from end to end.",
    "name": "Joy",
    "author": {"@type": "Person", "name": "Ada"},
    "datePublished": "2020-02-03",
    "reviewRating": {"@type": "Rating", "ratingValue": 9, "bestRating": 10},
    "url": "#r1",
    "inLanguage": "en",
}


def test_a_movie_with_nested_reviews() -> None:
    [film] = _extract({**MOVIE, "review": [REVIEW, {**REVIEW, "reviewBody": "Dull."}]}).films
    movie = film.movie
    assert (movie.movie_id, movie.title, movie.year) == ("tt0088763", "Back to the Future", 1985)
    assert movie.genres == ("Adventure", "Comedy", "Sci-Fi")
    assert movie.directors == ("Robert Zemeckis",)
    assert movie.rating == 8.6
    assert movie.url == URL
    first, second = film.reviews
    assert (first.text, first.rating, first.author) == ("A joy from end to end.", 9.0, "Ada")
    assert (first.title, first.published, first.language) == ("Joy", "2020-02-03", "en")
    assert first.url == f"{URL}#r1"
    assert second.text == "Dull."
    assert {first.movie_id, second.movie_id} == {"tt0088763"}


@pytest.mark.parametrize(
    "block",
    [
        [{**MOVIE, "review": REVIEW}],
        {"@context": "x", "@graph": [{"@type": "WebPage"}, {**MOVIE, "review": REVIEW}]},
        {"@type": "WebPage", "mainEntity": {**MOVIE, "review": [REVIEW]}},
        {**MOVIE, "@type": ["Product", "Movie"], "reviews": [REVIEW]},
        {**MOVIE, "@type": "http://schema.org/Movie", "review": REVIEW},
        {**MOVIE, "review": {**REVIEW, "@type": "schema:Review"}},
        {**REVIEW, "itemReviewed": MOVIE},
        [MOVIE, {**REVIEW, "itemReviewed": {"@type": "Movie", "name": "Back to the Future"}}],
        {"@graph": [{**MOVIE, "@id": "#film"}, {**REVIEW, "itemReviewed": {"@id": "#film"}}]},
        {"@graph": [{**MOVIE, "review": [{"@id": "#r"}]}, {**REVIEW, "@id": "#r"}]},
        {**MOVIE, "review": {**REVIEW, "itemReviewed": {"@type": "Movie", "name": "Other"}}},
        {**MOVIE, "name": [{"@value": "Back to the Future", "@language": "en"}], "review": REVIEW},
    ],
)  # fmt: skip
def test_shapes_of_the_same_thing(block: Any) -> None:
    [film] = _extract(block).films
    assert film.movie.movie_id == "tt0088763"
    assert film.movie.title == "Back to the Future"
    assert [review.text for review in film.reviews] == ["A joy from end to end."]


@pytest.mark.parametrize(
    "wrapped",
    [
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/{}/*]]>*/",
        "<![CDATA[{}]]>",
        "<!-- begin -->\n{}",
        "\n\n  {}\n",
    ],
)
def test_wrapped_scripts(wrapped: str) -> None:
    script = wrapped.replace("{}", json.dumps({**MOVIE, "review": REVIEW}))
    content = extract(_page(script), URL, "site")
    assert content.bad_blocks == 0
    assert len(content.films[0].reviews) == 1


def test_a_media_type_with_parameters() -> None:
    body = _page(json.dumps(MOVIE), media_type="application/ld+json; charset=utf-8")
    assert len(extract(body, URL, "site").films) == 1


def test_a_broken_block_costs_only_itself() -> None:
    good = json.dumps({**MOVIE, "review": REVIEW})
    content = extract(_page("{not json", good, "", "[" * 100_000), URL, "site")
    assert content.bad_blocks == 3
    assert len(content.films) == 1


def test_an_entry_of_a_list_is_left_to_its_own_page() -> None:
    entries = [{**MOVIE, "url": "/film/1"}, {**MOVIE, "url": "/film/2"}]
    assert _extract({"@type": "ItemList", "itemListElement": entries}).films == []
    assert len(_extract({**MOVIE, "url": "/film/42/"}).films) == 1


def test_without_an_imdb_id_the_page_names_the_film_whatever_page_of_reviews_it_is() -> None:
    movie = {key: value for key, value in MOVIE.items() if key != "sameAs"}
    [first] = _extract({**movie, "review": REVIEW}).films
    [second] = _extract({**movie, "review": REVIEW}, url=f"{URL}?page=2#x").films
    assert first.movie.movie_id == second.movie.movie_id
    assert first.movie.movie_id.startswith("site:")


def test_an_own_number_of_a_review_is_made_unique_by_its_film() -> None:
    [film] = _extract({**MOVIE, "review": {**REVIEW, "identifier": 7}}).films
    assert film.reviews[0].own_id == "tt0088763:7"


def test_reviews_without_text_are_counted() -> None:
    textless = [{"@type": "Review", "reviewRating": {}}, {**REVIEW, "reviewBody": "<p> </p>"}]
    content = _extract({**MOVIE, "review": textless})
    assert content.reviews_without_text == 2
    assert content.films[0].reviews == []


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        ({"ratingValue": 4}, 8.0),
        ({"ratingValue": "8"}, 8.0),
        ({"ratingValue": "7,5", "bestRating": "10"}, 7.5),
        ({"ratingValue": "3/4"}, 7.5),
        ({"ratingValue": "85%", "bestRating": 100}, 8.5),
        ({"ratingValue": 11, "bestRating": 10}, None),
        ({"ratingValue": "good"}, None),
        ({"ratingValue": 3, "bestRating": 0}, None),
        ([{}, {"ratingValue": 5}], 10.0),
        ("9", None),
        (None, None),
    ],
)
def test_ratings_on_a_scale_of_ten(rating: Any, expected: float | None) -> None:
    [film] = _extract({**MOVIE, "review": {**REVIEW, "reviewRating": rating}}).films
    assert film.reviews[0].rating == expected


def test_other_encodings() -> None:
    body = _page(json.dumps({**MOVIE, "name": "Amélie"}, ensure_ascii=False))
    latin = body.decode().encode("latin-1")
    assert extract(latin, URL, "site", encoding="latin-1").films[0].movie.title == "Amélie"


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["@type", "@id", "@graph", "name", "review", "itemReviewed", "reviewBody", "url",
             "reviewRating", "ratingValue", "genre", "director", "datePublished", "sameAs"]
        ) | st.text(max_size=3),
        inner | st.sampled_from(["Movie", "Review", "tt0088763", "#a"]),
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(_json)
def test_no_json_whatever_raises(block: Any) -> None:
    script = json.dumps(block).replace("<", "\\u003c")
    assert extract(_page(script), URL, "site").bad_blocks == 0


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(body: bytes) -> None:
    assert extract(b'<script type="application/ld+json">' + body, URL, "site").films is not None


def test_an_empty_page() -> None:
    assert extract(b"", URL, "site").films == []
    assert extract(b"<html></html>", URL, "site", encoding="no-such-encoding").films == []
