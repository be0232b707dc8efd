"""When a source is crawled again: the decision alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.supervisor.crawl_schedule import Due, due_sources

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR_S = 3600


def _due(requested: datetime | None, *, every_s: int = HOUR_S, busy: bool = False) -> list[Due]:
    known = {} if requested is None else {"films": requested}
    return due_sources({"films": every_s}, known, {"films"} if busy else set(), NOW)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(0), False),
        (timedelta(minutes=59, seconds=59), False),
        (timedelta(hours=1), True),
        (timedelta(days=900), True),
        (timedelta(seconds=-5), False),  # another host's clock is a little ahead
        (timedelta(days=-365), True),  # the clock was set back
    ],
)
def test_due_from_request_to_request(ago: timedelta, expected: bool) -> None:
    assert bool(_due(NOW - ago)) is expected


def test_a_source_that_was_never_requested_is_due_at_once() -> None:
    assert [due.source for due in _due(None)] == ["films"]


def test_a_source_whose_run_has_not_ended_is_passed_over() -> None:
    assert _due(None, busy=True) == []
    assert _due(NOW - timedelta(days=9), busy=True) == []


def test_the_key_is_that_of_what_was_seen() -> None:
    """So two supervisors that see the same ask for the same, and later ones for another."""
    [first] = _due(NOW - timedelta(hours=2))
    [again] = _due(NOW - timedelta(hours=2))
    [other] = _due(NOW - timedelta(hours=3))
    [never] = _due(None)
    assert first == again
    assert len({first.key, other.key, never.key}) == 3


def test_each_source_by_itself() -> None:
    requested = {name: NOW - timedelta(minutes=30) for name in ("often", "seldom", "working")}
    every_s = {"often": 60, "seldom": 7 * 86_400, "new": 86_400, "working": 60}
    due = due_sources(every_s, requested, {"working", "unscheduled"}, NOW)
    assert [one.source for one in due] == ["often", "new"]


@given(
    every_s=st.integers(1, 10_000),
    looks=st.lists(
        st.tuples(
            st.integers(0, 50_000),  # seconds since the look before: downtime is a long one
            st.integers(0, 20_000),  # how long a run begun at this look takes
            st.booleans(),  # whether an operator asks for a run just then
        ),
        max_size=60,
    ),
)
def test_never_two_at_once_and_nothing_piles_up(
    every_s: int, looks: list[tuple[int, int, bool]]
) -> None:
    every = timedelta(seconds=every_s)
    now = NOW
    newest: datetime | None = None
    busy_until = NOW
    keys: set[str] = set()
    for pause_s, takes_s, by_hand in looks:
        now += timedelta(seconds=pause_s)
        busy = now < busy_until
        if by_hand and not busy:
            newest, busy_until = now, now + timedelta(seconds=takes_s)
            busy = now < busy_until
        requested = {} if newest is None else {"films": newest}
        due = due_sources({"films": every_s}, requested, {"films"} if busy else set(), now)
        waited = newest is None or now - newest >= every
        assert len(due) == (1 if waited and not busy else 0)
        for one in due:
            assert one.key not in keys
            keys.add(one.key)
            newest, busy_until = now, now + timedelta(seconds=takes_s)
            # However long it was down, it has asked once, and asks no more at this moment.
            assert due_sources({"films": every_s}, {"films": newest}, set(), now) == []
