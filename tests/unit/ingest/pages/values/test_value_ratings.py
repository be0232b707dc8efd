"""Ratings in every notation that data sets and sites use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.values.ratings import LETTERS, rating
from services.ingest.pages.values.texts import ValueUnread


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8", 8.0), (8, 8.0), (7.5, 7.5), ("7,5", 7.5), ("8/10", 8.0), ("3.5/4", 8.75),
        ("4/5", 8.0), ("3 out of 4", 7.5), ("3 of 4", 7.5), ("60/100", 6.0), ("85%", 8.5),
        ("85 %", 8.5), ("85 per cent", 8.5), ("4.5 stars", 9.0), ("4½ stars", 9.0),
        ("1 star", 2.0), ("10 stars", 10.0), ("3 1/2 stars", 7.0), ("★★★★☆", 8.0), ("★★★½", 7.0),
        ("⭐⭐⭐", 6.0), ("***", 6.0), ("☆☆☆☆☆", 0.0), ("A+", 10.0), ("B+", 8.3), ("b-", 6.7),
        ("C", 5.0), ("F", 0.0), ("8 points", 8.0), ("4 stars out of 5", 8.0), ("0", 0.0),
    ],
)  # fmt: skip
def test_a_rating_of_a_file_is_read(value: Any, expected: float) -> None:
    assert rating(value) == expected


@pytest.mark.parametrize(
    ("value", "best", "worst", "expected"),
    [
        ("3", 4.0, 0.0, 7.5), ("3,5", 5.0, 0.0, 7.0), ("85", 100.0, 0.0, 8.5), (85, None, 0.0, 8.5),
        ("3½", 5.0, 0.0, 7.0), ("7.5/10", 10.0, 0.0, 7.5), (4, None, 0.0, 8.0), (0, 5.0, 0.0, 0.0),
        ("1", 5.0, 1.0, 2.0), ("1", 1.0, 0.0, 10.0), ("-2", 3.0, -3.0, 1.67), (4.5, 5.0, 0.5, 9.0),
        (8, None, 0.0, 8.0), ("½", 5.0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_a_rating_is_read_on_its_scale(
    value: Any, best: float | None, worst: float, expected: float
) -> None:
    assert rating(value, best=best, worst=worst) == expected


@pytest.mark.parametrize("value", [None, "", "  ", "nan", "\\N", float("nan"), "None"])
def test_a_missing_rating_is_none(value: Any) -> None:
    assert rating(value) is None


@pytest.mark.parametrize(
    "value",
    [11, "11", "85", -1, "-1", "thumbs up", "good", True, {"value": 8}, "12/10", "5/0",
     "1e9", "7 8", float("inf"), "Z", "++"],
)  # fmt: skip
def test_what_is_no_rating_or_outside_its_scale_is_unread(value: Any) -> None:
    with pytest.raises(ValueUnread):
        rating(value)


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.sampled_from([*LETTERS])))
def test_a_rating_is_never_outside_its_bounds(value: Any) -> None:
    try:
        found = rating(value)
    except ValueUnread:
        return
    assert found is None or 0 <= found <= 10


@given(st.floats(0, 5, allow_nan=False), st.sampled_from([5.0, 10.0, 100.0]))
def test_points_and_scale_say_the_same_in_one_text_and_apart(points: float, best: float) -> None:
    points = round(points, 2)
    assert rating(f"{points:.2f}/{best:g}") == rating(f"{points:.2f}", best=best)
