"""TMDB's answers become items; what cannot be read is listed, and costs no more than it must."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.tmdb.answers import (
    MovieAnswer,
    parse_found,
    parse_movie,
    parse_reviews,
    reviews_url,
)
from services.ingest.pages.unreadable import PageUnreadable
from shared.record import MOVIE_FIELDS, MovieRecord
from tests.support.crawl.tmdb_site import tmdb_movie, tmdb_review

URL = "https://api.example/3/movie/278"
IMAGES = "https://images.example/w342"

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _read(answer: Any, imdb_id: str | None = None) -> MovieAnswer:
    return parse_movie(json.dumps(answer).encode(), URL, imdb_id=imdb_id, image_url=IMAGES)


def _page(*results: Any, page: Any = 1, pages: Any = 1) -> bytes:
    answer = {"id": 278, "page": page, "results": results, "total_pages": pages}
    return json.dumps(answer).encode()


def test_all_facts_of_a_movie() -> None:
    answer = _read(tmdb_movie(278, "tt0000278", "The Fjord"))
    assert (answer.tmdb_id, answer.unread) == (278, ())
    assert to_movie(answer.movie) == MovieRecord(
        movie_id="tt0000278",
        title="The Fjord",
        year=1994,
        genres=("Drama", "History"),
        directors=("Di Directed",),
        description="The Fjord: a ferryman & his goat cross the fjord.",
        rating=8.7,
        url="https://www.themoviedb.org/movie/278",
        original_title="The Fjord (på norsk)",
        people=("Ada Invented", "Bo Imagined"),
        countries=("Norway",),
        languages=("Norwegian", "Japanese"),
        keywords=("ferry", "goat"),
        runtime_minutes=142,
        votes=27123,
        poster_url="https://images.example/w342/poster278.jpg",
    )


def test_what_tmdb_does_not_know_is_no_fact() -> None:
    empty: dict[str, Any] = {
        "imdb_id": None, "release_date": "", "runtime": 0, "vote_average": 0.0, "vote_count": 0,
        "poster_path": None, "overview": "", "genres": [], "external_ids": {"imdb_id": ""},
    }  # fmt: skip
    answer = _read({**tmdb_movie(280, None, "The Oar"), **empty})
    movie = answer.movie
    assert (movie.movie_id, movie.votes, answer.unread) == ("tmdb:280", 0, ())
    assert [movie.year, movie.runtime_minutes, movie.rating, movie.poster_url] == [None] * 4


def test_the_id_by_which_a_movie_was_found_is_its_id() -> None:
    movie = tmdb_movie(278, "tt0000278", "The Fjord")
    assert _read(movie, "tt0000999").movie.movie_id == "tt0000999"
    only_appended = {**movie, "imdb_id": None}
    assert _read(only_appended).movie.movie_id == "tt0000278"


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("release_date", "9999-01-01", "year"),
        ("runtime", "long", "runtime_minutes"),
        ("vote_average", 11, "rating"),
        ("vote_count", -1, "votes"),
        ("poster_path", "//elsewhere.example/x.jpg", "poster_url"),
        ("genres", [{"id": 1}], "genres"),
        ("credits", {"cast": 5, "crew": []}, "people"),
        ("overview", {"en": "x"}, "description"),
    ],
)
def test_a_bad_value_is_listed_and_costs_only_its_field(key: str, value: Any, field: str) -> None:
    whole = _read(tmdb_movie(278, "tt0000278", "The Fjord")).movie
    answer = _read(tmdb_movie(278, "tt0000278", "The Fjord", **{key: value}))
    [unread] = answer.unread
    assert (unread.kind, unread.where.startswith(f"{URL} {key}")) == ("value", True)
    names = [field.name for field in MOVIE_FIELDS]
    differing = {name for name in names if getattr(whole, name) != getattr(answer.movie, name)}
    assert differing - {"directors"} == {field}


def test_a_part_that_was_asked_for_and_is_missing_is_listed() -> None:
    movie = tmdb_movie(278, "tt0000278", "The Fjord")
    del movie["credits"]
    answer = _read(movie)
    assert [unread.where for unread in answer.unread] == [f"{URL} credits"]
    assert answer.movie.people == ()


@given(key=st.sampled_from(sorted(tmdb_movie(1, None, "x"))), value=_JSON)
def test_no_value_of_any_kind_makes_the_reader_fail(key: str, value: Any) -> None:
    try:
        answer = _read({**tmdb_movie(278, "tt0000278", "The Fjord"), key: value})
    except PageUnreadable:
        assert key in {"id", "title"}
    else:
        to_movie(answer.movie, [])


def test_a_review_with_all_that_is_known_of_it() -> None:
    page = parse_reviews(_page(tmdb_review(3, "A *dark* fjord.", 7.0)), URL, "tt0000278")
    [item] = page.reviews
    review = to_review(item, "tmdb")
    assert review.review_id == f"tmdb:5f0{3:021x}"
    assert (review.rating, review.author, review.published) == (7.0, "Viewer 3", "2021-03-04")
    assert (page.textless, page.next_page, page.unread) == (0, None, ())


def test_the_pages_of_reviews_follow_one_another() -> None:
    assert parse_reviews(_page(page=1, pages=3), URL, "tt0000278").next_page == 2
    assert parse_reviews(_page(page=3, pages=3), URL, "tt0000278").next_page is None
    assert parse_reviews(_page(page=1, pages=0), URL, "tt0000278").next_page is None
    assert reviews_url("https://api.example/3", 278, "de-DE", 2) == (
        "https://api.example/3/movie/278/reviews?language=de-DE&page=2"
    )


@given(results=st.lists(_JSON | st.builds(tmdb_review, st.integers(0, 99), st.just("Fine."))))
def test_every_review_is_read_or_listed_as_unread(results: list[Any]) -> None:
    page = parse_reviews(_page(*results), URL, "tt0000278")
    unread = [one for one in page.unread if one.kind == "page"]
    assert len(page.reviews) + page.textless + len(unread) == len(results)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html></html>", b"[]", b'{"success": false, "status_code": 7}',
        b'{"results": {}, "page": 1, "total_pages": 1}', b'{"results": []}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_an_answer_of_another_structure_is_unreadable(body: bytes) -> None:
    with pytest.raises(PageUnreadable):
        parse_reviews(body, URL, "tt0000278")
    with pytest.raises(PageUnreadable):
        parse_movie(body, URL, imdb_id=None, image_url=IMAGES)
    with pytest.raises(PageUnreadable):
        parse_found(body)


def test_an_imdb_id_finds_a_movie_or_none() -> None:
    assert parse_found(b'{"movie_results": [{"id": 278}], "tv_results": []}') == 278
    assert parse_found(b'{"movie_results": [], "tv_results": [{"id": 5}]}') is None
    with pytest.raises(PageUnreadable):
        parse_found(b'{"movie_results": [{"id": "x"}]}')
