"""How long a site may make us wait."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from services.ingest.web.politeness import (
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    MAX_PAUSES_IN_A_ROW,
    MAX_PAUSES_S,
    Patience,
    PatienceExhausted,
    retry_after_s,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("7", 7), (" 120 ", 120), ("9" * 30, math.inf),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30), ("Fri, 02 Jan 2026 04:04:35 +0100", 30),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30), ("Fri Jan  2 03:04:35 2026", 30),
        ("Fri, 02 Jan 2026 03:04:05 GMT", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("0x10", None), ("١٢", None),
        ("Fri, 99 Jan 2026 03:04:35 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_what_is_asked_for_is_waited_and_never_less_than_the_delay() -> None:
    patience = Patience()
    assert patience.pause_s(3, min_s=1) == 3
    assert patience.pause_s(0, min_s=1) == 1
    assert patience.waited_s == 4


def test_a_host_that_names_no_time_is_given_twice_as_much_each_time() -> None:
    patience = Patience()
    pauses = [patience.pause_s(None, min_s=0) for _ in range(MAX_PAUSES_IN_A_ROW - 1)]
    assert pauses == [FIRST_PAUSE_S * 2**n for n in range(MAX_PAUSES_IN_A_ROW - 1)]


def test_too_often_in_a_row() -> None:
    patience = Patience()
    for _ in range(3):  # an answer in between, and all is well
        for _ in range(MAX_PAUSES_IN_A_ROW - 1):
            patience.pause_s(0, min_s=0)
        patience.answered()
    for _ in range(MAX_PAUSES_IN_A_ROW - 1):
        patience.pause_s(0, min_s=0)
    with pytest.raises(PatienceExhausted, match="in a row"):
        patience.pause_s(0, min_s=0)


def test_too_long_at_once() -> None:
    assert Patience().pause_s(MAX_PAUSE_S, min_s=0) == MAX_PAUSE_S
    for requested_s in (MAX_PAUSE_S + 1, math.inf):
        with pytest.raises(PatienceExhausted, match="asked to wait for"):
            Patience().pause_s(requested_s, min_s=0)


def test_too_much_in_all() -> None:
    patience = Patience()
    for _ in range(int(MAX_PAUSES_S / MAX_PAUSE_S)):
        patience.pause_s(MAX_PAUSE_S, min_s=0)
        patience.answered()
    with pytest.raises(PatienceExhausted, match="in total"):
        patience.pause_s(1, min_s=0)
