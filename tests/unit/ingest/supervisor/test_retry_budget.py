"""When a run is begun again, and when it has failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.supervisor.retry_budget import MAX_ATTEMPTS, RETRY_AFTER_S, RetryBudget


def test_attempts_in_vain_are_the_end_of_it() -> None:
    attempts = RetryBudget()
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        assert attempts.refusal(60) is None
        attempts = attempts.begun().seen(0)
        pauses.append(attempts.retry_after_s)
    assert attempts.refusal(60) == "the crawl ended 3 times without getting further"
    assert pauses == [2 * RETRY_AFTER_S, 4 * RETRY_AFTER_S, 8 * RETRY_AFTER_S]


def test_attempts_that_finish_pages_are_not() -> None:
    attempts = RetryBudget()
    for finished in range(1, 100):
        attempts = attempts.begun().seen(finished)
        assert attempts.refusal(60) is None
        assert attempts.retry_after_s == RETRY_AFTER_S
    assert attempts.attempts == 99


def test_pages_count_once() -> None:
    """An attempt that only finds again what an earlier one had finished was in vain."""
    attempts = RetryBudget().begun().seen(10)
    for _ in range(MAX_ATTEMPTS):
        attempts = attempts.begun().seen(10)
    assert attempts.refusal(60) is not None


def test_all_attempts_have_one_time_limit() -> None:
    used = RetryBudget(attempts=2, finished=5, crawl_s=60.0)
    assert used.refusal(60.5) is None
    assert used.refusal(60.0) == "the time limit of 60 s was reached"


@given(st.lists(st.integers(0, 50), max_size=200))
def test_every_run_ends(finished_after_each: list[int]) -> None:
    """Of a source with 50 pages: at most as many attempts as pages, and three for each."""
    attempts = RetryBudget()
    for finished in finished_after_each:
        if attempts.refusal(float("inf")) is not None:
            break
        attempts = attempts.begun().seen(finished)
        assert 0 <= attempts.in_vain <= MAX_ATTEMPTS
    assert attempts.attempts <= MAX_ATTEMPTS * (50 + 1)
