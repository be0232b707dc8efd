"""Ids that stay the same."""

from __future__ import annotations

import re

import pytest

from services.ingest.pages.identifiers import (
    canonical_url,
    imdb_movie_id,
    movie_id,
    review_id,
    spaced_id,
    titled_id,
)
from shared.record import ID_PATTERN, hashed_review_id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/title/tt0111161/", "tt0111161"),
        ("https://www.imdb.com/title/tt10272386/?ref_=x", "tt10272386"),
        ("tt0088763", "tt0088763"),
        ("letter-tt0088763x", None),
        ("att0088763", None),
    ],
)
def test_imdb_ids(given: str, expected: str | None) -> None:
    assert imdb_movie_id(None, given) == expected


def test_other_movie_ids_get_the_name_of_their_source() -> None:
    assert movie_id("s", "film-42") == "s:film-42"
    assert movie_id("s", "42") != movie_id("t", "42")
    assert movie_id("s", "TT0111161") == movie_id("t", "tt0111161") == "tt0111161"
    assert movie_id("s", "https://www.imdb.com/title/tt0111161/") == "tt0111161"
    for external_id in ("https://a.example/ein film?x=1", "ü", "x" * 200):
        made = movie_id("s" * 64, external_id)
        assert re.fullmatch(ID_PATTERN, made)
        assert len(made) <= 64
        assert made == movie_id("s" * 64, external_id)
    assert movie_id("s", "ü") != movie_id("s", "ä")


def test_ids_of_shared_spaces() -> None:
    assert spaced_id("tmdb", " 862 ") == "tmdb:862"
    assert re.fullmatch("tmdb:[0-9a-f]{20}", spaced_id("tmdb", "a b"))
    assert titled_id("The Lamp Room", 1995) == "title:the-lamp-room-1995"
    assert titled_id("Amélie & Co.", None) == titled_id("AMELIE and Co", None)
    assert titled_id("Viewer's Choice", 2001) == titled_id("Viewer\u2019s choice", 2001)
    assert titled_id("The Lamp Room", 1995) != titled_id("The Lamp Room", 1996)
    assert titled_id("!", 2001) != titled_id("?", 2001)
    for title in ("雨", "x" * 300, "!"):
        made = titled_id(title, 2001)
        assert re.fullmatch(ID_PATTERN, made)
        assert len(made) <= 64


def test_review_ids() -> None:
    link = "https://www.imdb.com/review/rw5504423/"
    at, none = "tt0111161", None
    assert review_id("s", external_id=none, permalink=link, movie=at, text="t") == "imdb:rw5504423"
    assert (
        review_id("s", external_id="rw5504423", permalink=none, movie=at, text="t")
        == "imdb:rw5504423"
    )
    other = "https://films.example/review/5504423"
    assert review_id("s", external_id="r-1", permalink=other, movie="s:m", text="t") == "s:r-1"
    odd = review_id("s", external_id="a b", permalink=None, movie="s:m", text="t")
    assert re.fullmatch(ID_PATTERN, odd)


def test_only_a_movie_of_imdb_has_reviews_of_imdb() -> None:
    made = {
        review_id(source, external_id="rw5504423", permalink=None, movie=f"{source}:1", text="t")
        for source in ("s", "t")
    }
    assert made == {"s:rw5504423", "t:rw5504423"}


def test_reviews_have_the_ids_that_they_had_when_movies_had_plain_ids() -> None:
    for own_id in ("42", "film-42"):
        movie = movie_id("s", own_id)
        made = review_id("s", external_id=None, permalink=None, movie=movie, text="Great.")
        assert made == hashed_review_id("s", own_id, "Great.")
        within = f"{movie}:7"  # numbered anew in each movie
        made = review_id("s", external_id=within, permalink=None, movie=movie, text="Great.")
        assert made == f"s:{own_id}:7"
    page = movie_id("s", "https://films.example/42")
    made = review_id("s", external_id=None, permalink=None, movie=page, text="Great.")
    assert made == hashed_review_id("s", page, "Great.")


def test_equal_texts_about_two_movies_are_two_reviews() -> None:
    one = review_id("s", external_id=None, permalink=None, movie="tt1", text="Great.")
    two = review_id("s", external_id=None, permalink=None, movie="tt2", text="Great.")
    assert one != two


def test_canonical_url() -> None:
    url = "http://A.example:80/f/1?page=2&x=1#review-3"
    assert canonical_url(url) == "http://a.example:80/f/1?x=1"
    assert canonical_url("http://a.example") == "http://a.example/"
