"""Ids that stay the same."""

from __future__ import annotations

import re

import pytest

from services.ingest.pages.identifiers import canonical_url, imdb_movie_id, movie_id, review_id
from shared.record import ID_PATTERN


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


def test_other_movie_ids_are_kept_or_hashed_into_the_pattern() -> None:
    assert movie_id("s", "film-42") == "film-42"
    for external_id in ("https://a.example/ein film?x=1", "ü", "x" * 200):
        made = movie_id("s" * 64, external_id)
        assert re.fullmatch(ID_PATTERN, made)
        assert len(made) <= 64
        assert made == movie_id("s" * 64, external_id)
    assert movie_id("s", "ü") != movie_id("s", "ä")


def test_review_ids() -> None:
    link = "https://www.imdb.com/review/rw5504423/"
    assert review_id("s", external_id=None, permalink=link, movie="m", text="t") == "imdb:rw5504423"
    assert (
        review_id("s", external_id="rw5504423", permalink=None, movie="m", text="t")
        == "imdb:rw5504423"
    )
    other = "https://films.example/review/5504423"
    assert review_id("s", external_id="r-1", permalink=other, movie="m", text="t") == "s:r-1"
    odd = review_id("s", external_id="a b", permalink=None, movie="m", text="t")
    assert re.fullmatch(ID_PATTERN, odd)


def test_equal_texts_about_two_movies_are_two_reviews() -> None:
    one = review_id("s", external_id=None, permalink=None, movie="tt1", text="Great.")
    two = review_id("s", external_id=None, permalink=None, movie="tt2", text="Great.")
    assert one != two


def test_canonical_url() -> None:
    url = "http://A.example:80/f/1?page=2&x=1#review-3"
    assert canonical_url(url) == "http://a.example:80/f/1?x=1"
    assert canonical_url("http://a.example") == "http://a.example/"
