"""Waiting as long as something moves, and no longer."""

from __future__ import annotations

import pytest

from tests.support.waiting import wait_until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that pass only while something sleeps."""
    now = [0.0]
    monkeypatch.setattr("tests.support.waiting.time.monotonic", lambda: now[0])

    def sleep(_: float) -> None:
        now[0] += 1.0

    monkeypatch.setattr("tests.support.waiting.time.sleep", sleep)
    return now


def test_it_gives_up_in_time(clock: list[float]) -> None:
    with pytest.raises(AssertionError, match="not within 10 s: a condition"):
        wait_until(lambda: False, timeout_s=10, what="a condition")
    assert clock[0] == 11


def test_what_moves_is_waited_for(clock: list[float]) -> None:
    assert wait_until(lambda: clock[0] >= 95, timeout_s=10, moving=lambda: clock[0] // 8)
    assert clock[0] == 95


def test_it_gives_up_when_nothing_moves_any_more(clock: list[float]) -> None:
    with pytest.raises(AssertionError, match="nothing moves at 40"):
        wait_until(lambda: False, timeout_s=10, what="x", moving=lambda: min(clock[0], 40.0))
    assert 50 <= clock[0] < 65
