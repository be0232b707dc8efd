"""When a run is begun again, and when it has failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.supervisor.retry_budget import MAX_ATTEMPTS, RETRY_AFTER_S, RetryBudget


def test_attempts_in_vain_are_the_end_of_it() -> None:
    budget = RetryBudget()
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        assert budget.refusal(60) is None
        budget = budget.with_attempt_started().with_finished_pages(0)
        pauses.append(budget.retry_after_s)
    assert budget.refusal(60) == "the crawl ended 3 times without progress"
    assert pauses == [2 * RETRY_AFTER_S, 4 * RETRY_AFTER_S, 8 * RETRY_AFTER_S]


def test_attempts_that_finish_pages_are_not() -> None:
    budget = RetryBudget()
    for finished in range(1, 100):
        budget = budget.with_attempt_started().with_finished_pages(finished)
        assert budget.refusal(60) is None
        assert budget.retry_after_s == RETRY_AFTER_S
    assert budget.attempts == 99


def test_pages_count_once() -> None:
    """An attempt that only finds again what an earlier one had finished was in vain."""
    budget = RetryBudget().with_attempt_started().with_finished_pages(10)
    for _ in range(MAX_ATTEMPTS):
        budget = budget.with_attempt_started().with_finished_pages(10)
    assert budget.refusal(60) is not None


def test_all_attempts_have_one_time_limit() -> None:
    budget = RetryBudget(attempts=2, finished=5, crawl_s=60.0)
    assert budget.refusal(60.5) is None
    assert budget.refusal(60.0) == "the time limit of 60 s was reached"


@given(st.lists(st.integers(0, 50), max_size=200))
def test_every_run_ends(finished_after_each: list[int]) -> None:
    """Of a source with 50 pages: at most as many attempts as pages, and three for each."""
    budget = RetryBudget()
    for finished in finished_after_each:
        if budget.refusal(float("inf")) is not None:
            break
        budget = budget.with_attempt_started().with_finished_pages(finished)
        assert 0 <= budget.in_vain <= MAX_ATTEMPTS
    assert budget.attempts <= MAX_ATTEMPTS * (50 + 1)
