"""Texts, ids, numbers, running times, truth values, lists and titles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.values.name_lists import names
from services.ingest.pages.values.numbers import count, minutes, number, truth
from services.ingest.pages.values.texts import NULLS, ValueUnread, excerpt, identifier, text
from services.ingest.pages.values.written_titles import PartedTitle, parted_title


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" A text ", "A text"), (12, "12"), (12.0, "12"), (12.5, "12.5"), (b"caf\xc3\xa9", "café"),
        (["One.", None, "Two."], "One.\n\nTwo."), ([], None), (None, None), ("\\N", None),
        ("NULL", None), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_text_is_read(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize("value", [True, {"a": 1}, b"\xff\xfe", object()])
def test_what_is_no_text_is_unread_and_never_printed(value: Any) -> None:
    with pytest.raises(ValueUnread):
        text(value)


@pytest.mark.parametrize("value", [90011, 90011.0, "90011", "90011.0", " 90011 ", b"90011"])
def test_a_number_is_one_id_in_every_notation(value: Any) -> None:
    assert identifier(value) == "90011"


def test_an_id_keeps_its_leading_zeros_and_its_dots() -> None:
    assert identifier("0114700") == "0114700"
    assert identifier("m/1.5-lamp") == "m/1.5-lamp"


def test_the_excerpt_of_a_value_is_short() -> None:
    assert len(excerpt("x" * 10_000)) == 80
    assert excerpt("a\nb") == "a b"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("['Action', 'Science Fiction']", ("Action", "Science Fiction")),
        ('["Drama", "Romance"]', ("Drama", "Romance")),
        ('[{"id": 12, "name": "Drama"}, {"id": 13, "name": "Comedy"}]', ("Drama", "Comedy")),
        ("Action|Comedy", ("Action", "Comedy")), ("Action;Comedy", ("Action", "Comedy")),
        ("Action, Comedy", ("Action", "Comedy")), (["Drama", None, "Drama"], ("Drama",)),
        ("Coen, Joel|Coen, Ethan", ("Coen, Joel", "Coen, Ethan")), ([{"name": "Sea"}], ("Sea",)),
        ("['Drama' 'War']", ("Drama", "War")), ("", ()), (None, ()), ("\\N", ()), ([], ()),
        ("[]", ()), ("One", ("One",)), (["\\N", "One"], ("One",)),
        ({"name": "One"}, ("One",)), (b"One|Two", ("One", "Two")),
    ],
)  # fmt: skip
def test_names_are_read(value: Any, expected: tuple[str, ...]) -> None:
    assert names(value) == expected


@pytest.mark.parametrize("value", ["['Action', Comedy, 'x]", "[1 2]", 12, True, [{"id": 3}]])
def test_a_list_that_cannot_be_read_is_unread(value: Any) -> None:
    with pytest.raises(ValueUnread):
        names(value)


@given(
    st.lists(
        st.text("abcdefg '\"é", min_size=1, max_size=12).filter(lambda s: s.strip()), max_size=5
    )
)
def test_a_list_is_the_same_however_it_was_written(items: list[str]) -> None:
    stripped = tuple(dict.fromkeys(item.strip() for item in items if item.strip() not in NULLS))
    assert names(items) == names(json.dumps(items)) == names(repr(items)) == stripped


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (119, 119), ("119.0", 119), ("1h 57min", 117), ("1 h 30 min", 90), ("90 min", 90),
        ("2 hours", 120), ("PT1H57M", 117), ("1:57:00", 117), ("2:05", 125), (0, None), ("0", None),
        ("", None), ("\\N", None), ("PT45M30S", 46), ("1h57m", 117),
    ],
)  # fmt: skip
def test_a_running_time_is_read(value: Any, expected: int | None) -> None:
    assert minutes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(254421, 254421), ("254,421", 254421), ("1.2K", 1200), ("3M", 3_000_000), ("12.0", 12), (0, 0),
     ("1 234", 1234), (None, None)],
)  # fmt: skip
def test_a_count_is_read(value: Any, expected: int | None) -> None:
    assert count(value) == expected


@pytest.mark.parametrize(
    "value", ["1.0", "yes", "Y", "True", True, 1, "https://schema.org/True", "t"]
)
def test_a_yes_is_true(value: Any) -> None:
    assert truth(value) is True


@pytest.mark.parametrize("value", ["0.0", "no", "N", "False", False, 0, "https://schema.org/False"])
def test_a_no_is_false(value: Any) -> None:
    assert truth(value) is False


@pytest.mark.parametrize(
    ("read", "value"),
    [(truth, "maybe"), (truth, 2), (count, -1), (count, "many"), (number, "1.2.3"), (number, True),
     (number, float("inf")), (minutes, "long"), (minutes, 99_999), (minutes, -5),
     (number, 10**400)],
)  # fmt: skip
def test_what_cannot_be_read_is_said(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(ValueUnread):
        read(value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("The Lamp Room (1995)", PartedTitle("The Lamp Room", 1995)),
        ("Matrix, The (1999)", PartedTitle("The Matrix", 1999)),
        ("Matrix, The", PartedTitle("The Matrix")),
        ("City of Lost Children, The (Cité des enfants perdus, La) (1995)",
         PartedTitle("The City of Lost Children", 1995, "La Cité des enfants perdus")),
        ("Seven (a.k.a. Se7en) (1995)", PartedTitle("Seven", 1995, "Se7en")),
        ("2012 (2009)", PartedTitle("2012", 2009)), ("1984", PartedTitle("1984")),
        ("Avventura, L' (1960)", PartedTitle("L'Avventura", 1960)),
        ("(500) Days of Summer (2009)", PartedTitle("(500) Days of Summer", 2009)),
        ("I, Robot", PartedTitle("I, Robot")), ("Me, Myself & I", PartedTitle("Me, Myself & I")),
        ("Birdman (or the Unexpected Virtue)", PartedTitle("Birdman (or the Unexpected Virtue)")),
        ("Room (1408)", PartedTitle("Room (1408)")),
    ],
)  # fmt: skip
def test_a_title_is_parted(said: str, expected: PartedTitle) -> None:
    assert parted_title(said) == expected


@given(st.text(max_size=60))
def test_a_title_without_a_year_and_an_article_behind_it_is_unchanged(said: str) -> None:
    parted = parted_title(said)
    if parted.year is None and ", " not in said:
        assert parted == PartedTitle(said.strip())


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("read", [text, identifier, names, number, count, minutes, truth])
@given(value=_VALUES)
def test_a_reader_returns_a_value_or_says_that_it_cannot(
    read: Callable[[Any], Any], value: Any
) -> None:
    try:
        read(value)
    except ValueUnread as error:
        assert str(error).startswith("not ")  # noqa: PT017
