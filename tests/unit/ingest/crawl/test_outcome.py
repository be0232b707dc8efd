"""What a crawl process says at its end, and what its stats amount to."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.crawl.verdict import judge
from services.ingest.outcome import EXIT_AGAIN, EXIT_DONE, EXIT_FAILED, Outcome, read_outcome

GOOD: dict[str, Any] = {"finish_reason": "finished", "ledger/movies": 3, "ledger/reviews": 9}


def test_exit_codes() -> None:
    assert Outcome().exit_code == EXIT_DONE
    assert Outcome(error="x").exit_code == EXIT_FAILED
    assert Outcome(error="x", again=True).exit_code == EXIT_AGAIN


@pytest.mark.parametrize(
    "outcome", [Outcome(movies=1, reviews=2, complete=True), Outcome(error="why", again=True)]
)
def test_an_outcome_is_read_back(outcome: Outcome) -> None:
    line = outcome.model_dump_json().encode() + b"\n"
    assert read_outcome(outcome.exit_code, line) == outcome


@pytest.mark.parametrize(
    ("exit_code", "line", "reason"),
    [
        (-9, b"", "killed by signal 9"),
        (75, b"", "exit code 75"),
        (1, b"Traceback", "exit code 1"),
        (3, Outcome().model_dump_json().encode(), "exit code 3"),
    ],
)
def test_a_process_that_could_not_say_it_is_started_again(
    exit_code: int, line: bytes, reason: str
) -> None:
    outcome = read_outcome(exit_code, line)
    assert outcome.again
    assert outcome.error is not None
    assert reason in outcome.error


def test_a_good_crawl() -> None:
    assert judge(GOOD, 60) == Outcome(movies=3, reviews=9, complete=True)


def test_a_crawl_that_kept_everything_is_good() -> None:
    assert judge({"finish_reason": "finished", "ledger/kept_reviews": 9}, 60) == Outcome(
        kept=9, complete=True
    )


@pytest.mark.parametrize(
    "stats",
    [
        {"finish_reason": "closespider_pagecount"},
        {"finish_reason": "closespider_itemcount"},
        {"finish_reason": "too_many_bytes"},
        {"web/unread": 1},
        {"spider_exceptions/count": 1},
    ],
)
def test_a_crawl_that_has_not_seen_all_is_not_complete(stats: dict[str, Any]) -> None:
    outcome = judge({**GOOD, **stats}, 60)
    assert outcome.error is None
    assert not outcome.complete


@pytest.mark.parametrize(
    ("stats", "reason", "again"),
    [
        ({**GOOD, "crawl/fault": "Redis stayed away"}, "Redis stayed away", True),
        ({**GOOD, "finish_reason": "shutdown"}, "stopped: shutdown", True),
        ({**GOOD, "finish_reason": "closespider_timeout"}, "time limit of 60 s", False),
        ({**GOOD, "finish_reason": "blocked", "crawl/fault": "403s"}, "403s", False),
        ({**GOOD, "finish_reason": "blocked"}, "stopped: blocked", False),
        ({**GOOD, "crawl/drift": "no titles"}, "has changed", False),
        ({"finish_reason": "dataset_invalid", "crawl/fault": "no file"}, "no file", False),
        ({"finish_reason": "finished", "spider_exceptions/count": 2}, "spider failed", False),
        ({"finish_reason": "finished", "fetch/first_fault": "refused"}, "refused", False),
        ({"finish_reason": "finished", "crawl/unreadable": {"title": 2}}, ": title (2)", False),
        ({"finish_reason": "finished", "robotstxt/forbidden": 4}, "robots.txt forbids 4", False),
        ({"finish_reason": "finished", "ledger/invalid": 4}, "4 items were invalid", False),
        ({"finish_reason": "finished", "response_received_count": 7}, "none of 7 pages", False),
    ],
)  # fmt: skip
def test_a_crawl_that_cannot_count_as_done(stats: dict[str, Any], reason: str, again: bool) -> None:
    outcome = judge(stats, 60)
    assert outcome.error is not None
    assert reason in outcome.error
    assert outcome.again == again
    assert not outcome.complete


FACTS = {"finish_reason": "finished", "ledger/movies": 3, "ledger/facts_only": True}


def test_a_source_without_reviews_is_done() -> None:
    outcome = judge(FACTS, 60)
    assert (outcome.error, outcome.complete, outcome.movies) == (None, True, 3)


@pytest.mark.parametrize("stats", [{"web/unread": 1}, {"ledger/facts_only": False}])
def test_reviews_that_may_be_elsewhere_are_missed(stats: dict[str, Any]) -> None:
    outcome = judge({**FACTS, **stats}, 60)
    assert outcome.error is not None
    assert outcome.error.startswith("no reviews found")


EMPTY = {"finish_reason": "finished", "crawl/removals_allowed": True}


def test_a_source_is_emptied_only_if_an_operator_confirms_it() -> None:
    assert judge(EMPTY, 60) == Outcome(complete=True)
    assert judge({**EMPTY, "crawl/removals_allowed": False}, 60).error is not None


@pytest.mark.parametrize(
    "stats",
    [
        {"web/unread": 1}, {"crawl/unread_rows": 1}, {"crawl/first_unread": "a row"},
        {"robotstxt/forbidden": 2}, {"finish_reason": "blocked"},
    ],
)  # fmt: skip
def test_what_could_not_be_read_does_not_empty_a_source(stats: dict[str, Any]) -> None:
    assert judge({**EMPTY, **stats}, 60).error is not None


def test_only_what_the_pages_are_to_blame_for_is_drift() -> None:
    assert judge({**GOOD, "crawl/drift": "no titles"}, 60).drifted
    assert judge({"finish_reason": "finished", "response_received_count": 7}, 60).drifted
    assert not judge({**GOOD, "finish_reason": "blocked", "crawl/drift": "no titles"}, 60).drifted
    assert not judge({**GOOD, "crawl/fault": "Redis", "crawl/drift": "no titles"}, 60).drifted
