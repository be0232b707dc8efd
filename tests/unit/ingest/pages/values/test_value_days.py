"""Days and years in every notation that data sets and sites use."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.values.days import FIRST_YEAR, day, year
from services.ingest.pages.values.texts import ValueUnread

_TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2006-02-10", "2006-02-10"), ("2006-02-10T11:12:13.000Z", "2006-02-10"),
        ("2006/02/10", "2006-02-10"), ("2006.2.1", "2006-02-01"), ("20060210", "2006-02-10"),
        ("10 February 2006", "2006-02-10"), ("February 10, 2006", "2006-02-10"),
        ("Feb. 10, 2006", "2006-02-10"), ("10-Feb-2006", "2006-02-10"),
        ("3rd May 1999", "1999-05-03"), ("Sept 1, 2001", "2001-09-01"),
        ("Friday, 10 February 2006", "2006-02-10"),
        ("Fri, 10 Feb 2006 10:00:00 GMT", "2006-02-10"), ("13/02/2006", "2006-02-13"),
        ("02/13/2006", "2006-02-13"), ("05/05/2006", "2006-05-05"), (1588687728923, "2020-05-05"),
        ("1588687728923", "2020-05-05"), (1094785740, "2004-09-10"), (1094785740.0, "2004-09-10"),
        (date(2006, 2, 10), "2006-02-10"), (datetime(2006, 2, 10, 1, tzinfo=UTC), "2006-02-10"),
    ],
)  # fmt: skip
def test_a_day_is_read(value: Any, expected: str) -> None:
    assert day(value) == expected


@pytest.mark.parametrize(
    "value",
    ["02/03/2006", "2006-02-30", "31 June 2006", "yesterday", "2006", "March 1999", 7, True, "{}",
     "Foo 10, 2006", ["a", "b"], "99999999999999999"],
)  # fmt: skip
def test_what_is_no_day_or_could_be_two_is_unread(value: Any) -> None:
    with pytest.raises(ValueUnread):
        day(value)


@pytest.mark.parametrize("value", [None, "", "\\N", "NaT", float("nan")])
def test_a_missing_day_is_none(value: Any) -> None:
    assert day(value) is None
    assert year(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1999, 1999), ("1999", 1999), ("1999.0", 1999), (1999.0, 1999), ("(1999)", 1999),
        ("1999-2003", 1999), ("1999–", 1999), ("March 1999", 1999), ("1999-03-01", 1999),
        ("10 February 2006", 2006), (date(1950, 1, 1), 1950), ("1999/2000", 1999),
    ],
)  # fmt: skip
def test_a_year_is_read(value: Any, expected: int) -> None:
    assert year(value, today=_TODAY) == expected


@pytest.mark.parametrize(
    "value", [0, "0000", 9999, "1869", 2037, "soon", True, "19999", "tt0001999"]
)
def test_a_year_without_movies_is_unread(value: Any) -> None:
    with pytest.raises(ValueUnread):
        year(value, today=_TODAY)


@given(st.dates(date(1976, 1, 1), date(2090, 1, 1)))
def test_every_notation_of_a_day_is_that_day(moment: date) -> None:
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    for written in (
        moment.isoformat(), f"{moment:%d %B %Y}", f"{moment:%B %d, %Y}", f"{moment:%Y/%m/%d}",
        int((midnight + timedelta(hours=5)).timestamp()), int(midnight.timestamp() * 1000),
        f"{midnight:%a, %d %b %Y %H:%M:%S GMT}",
    ):  # fmt: skip
        assert day(written) == moment.isoformat()


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats()))
def test_a_year_is_never_outside_its_bounds(value: Any) -> None:
    try:
        found = year(value, today=_TODAY)
    except ValueUnread:
        return
    assert found is None or FIRST_YEAR <= found <= _TODAY.year + 10


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_days(text: str) -> None:
    try:
        found = day(text)
    except ValueUnread:
        return
    assert found is None or date.fromisoformat(found).isoformat() == found
