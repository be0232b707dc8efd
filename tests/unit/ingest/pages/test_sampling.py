"""Which reviews are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.sampling import pick

_ratings = st.lists(st.none() | st.integers(1, 10).map(float), max_size=60)


def test_five_are_the_lowest_the_three_in_the_middle_and_the_highest() -> None:
    ratings: list[float | None] = [9, 1, 5, 10, 2, 6, 4, 8, 7, 3]
    kept = [ratings[at] for at in pick(ratings, 5)]
    assert sorted(rating for rating in kept if rating is not None) == [1, 4, 5, 6, 10]
    assert pick([3, 1, 2], 1) == [2]
    assert pick([3, 1, 2, 5], 2) == [1, 3]


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (5, [1, 2, 3, 4, 5]),
        (6, [1, 2, 3, 4, 6]),
        (7, [1, 3, 4, 5, 7]),
        (8, [1, 3, 4, 5, 8]),
        (9, [1, 4, 5, 6, 9]),
        (25, [1, 12, 13, 14, 25]),
        (4, [1, 2, 3, 4]),
        (1, [1]),
        (0, []),
    ],
)
def test_five_of_so_many_in_any_order(count: int, kept: list[int]) -> None:
    ranks = list(range(1, count + 1))
    for ratings in (ranks, ranks[::-1], ranks[::2] + ranks[1::2]):
        assert sorted(ratings[at] for at in pick([float(r) for r in ratings], 5)) == kept


def test_of_equal_ratings_the_first_come_stand_lowest() -> None:
    assert pick([7, 7, 7, 7, 7, 7, 7], 5) == [0, 2, 3, 4, 6]
    assert pick([10, 7, 7, 7, 7, 7, 1], 5) == [0, 2, 3, 4, 6]


def test_unrated_ones_only_fill_up() -> None:
    assert pick([None, 4, None, 9, None], 3) == [0, 1, 3]
    assert pick([None] * 7, 3) == [0, 1, 2]
    assert pick([None, 1, 2, 3, None], 3) == [1, 2, 3]


@given(_ratings, st.integers(0, 12))
def test_as_many_as_asked_for_each_once_and_in_order(ratings: list[float | None], n: int) -> None:
    kept = pick(ratings, n)
    assert kept == sorted(set(kept))
    assert all(0 <= at < len(ratings) for at in kept)
    assert len(kept) == (len(ratings) if n == 0 else min(n, len(ratings)))


@given(_ratings, st.integers(2, 12))
def test_both_ends_of_opinion_are_heard(ratings: list[float | None], n: int) -> None:
    rated = [rating for rating in ratings if rating is not None]
    kept = [ratings[at] for at in pick(ratings, n)]
    if len(rated) >= n:
        assert min(rated) in kept
        assert max(rated) in kept
