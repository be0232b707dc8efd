"""Which movie an id names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identity import own_movie_id, review_place
from shared.record import ID_PATTERN, MAX_MOVIE_ID_CHARS

sources = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
plain_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", fullmatch=True)
own_ids = st.one_of(st.text(min_size=1, max_size=90), plain_ids)


@pytest.mark.parametrize(
    ("own_id", "expected"),
    [
        ("tt0111161", "tt0111161"),
        ("TT0111161", "tt0111161"),
        (" 42 ", "shop:42"),
        ("amber-route", "shop:amber-route"),
        ("tt12", "shop:tt12"),
        ("shop:42", "shop:42"),
        ("club:42", "club:42"),
        ("tmdb:278", "tmdb:278"),
        ("title:the-lamp-room-1995", "title:the-lamp-room-1995"),
    ],
)
def test_own_ids_get_the_name_of_their_source(own_id: str, expected: str) -> None:
    assert own_movie_id("shop", own_id) == expected


def test_what_does_not_fit_is_hashed_with_the_name() -> None:
    assert re.fullmatch("shop:[0-9a-f]{20}", own_movie_id("shop", "https://a.example/film?x=1"))
    assert re.fullmatch("shop:[0-9a-f]{20}", own_movie_id("shop", "x" * 64))


@given(sources, own_ids)
def test_an_id_is_valid_and_naming_it_again_changes_nothing(source: str, own_id: str) -> None:
    named = own_movie_id(source, own_id)
    assert re.match(ID_PATTERN, named)
    assert len(named) <= MAX_MOVIE_ID_CHARS
    assert own_movie_id(source, named) == named


@given(sources, sources, plain_ids)
def test_two_sources_with_equal_ids_have_two_movies(one: str, other: str, own_id: str) -> None:
    is_shared = re.fullmatch(r"tt\d{7,10}", own_id, re.IGNORECASE) is not None
    is_one = own_movie_id(one, own_id) == own_movie_id(other, own_id)
    assert is_one == (is_shared or one == other)


@given(sources, st.lists(plain_ids, unique_by=str.lower, max_size=5))
def test_two_ids_of_a_source_are_two_movies(source: str, ids: list[str]) -> None:
    assert len({own_movie_id(source, own_id) for own_id in ids}) == len(ids)


@given(st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), plain_ids)
def test_reviews_keep_the_ids_that_they_had_before(source: str, own_id: str) -> None:
    named = own_movie_id(source, own_id)
    if named == f"{source}:{own_id}" and not re.fullmatch("[0-9a-f]{20}", own_id):
        assert review_place(source, named) == own_id
    hashed = own_movie_id(source, f"https://films.example/{own_id}")
    assert review_place(source, hashed) == hashed
