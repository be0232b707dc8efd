"""How a crawl went, by Scrapy's stats at its end.

A crawl is *done* when what it sent and kept can be relied on, and *complete* when it also saw all
of its source, so that what it neither sent nor kept is gone from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.ingest.outcome import Outcome
from services.ingest.stats import (
    ADDRESS_REFUSED,
    FETCH_FAULT,
    STAT_DRIFT,
    STAT_FAULT,
    STAT_INVALID,
    STAT_KEPT,
    STAT_MOVIES,
    STAT_REVIEWS,
    STAT_UNREAD,
    STAT_UNREADABLE,
)

LIMITS = frozenset({"closespider_pagecount", "closespider_itemcount", "too_many_bytes"})
FINAL = frozenset({"blocked", "dataset_invalid"})  # another attempt would fare no better


def judge(stats: Mapping[str, Any], time_limit_s: int) -> Outcome:
    """The outcome of a crawl that has ended.

    Args:
        stats: Scrapy's, as they were at the end.
        time_limit_s: The limit, for the error that names it.
    """
    reviews, kept = stats.get(STAT_REVIEWS, 0), stats.get(STAT_KEPT, 0)
    counts = {
        "movies": stats.get(STAT_MOVIES, 0),
        "reviews": reviews,
        "kept": kept,
        "invalid": stats.get(STAT_INVALID, 0),
    }
    reason, fault = stats.get("finish_reason"), stats.get(STAT_FAULT)
    if reason in FINAL:
        return Outcome(error=fault or f"the crawl was stopped: {reason}", **counts)
    if fault is not None:
        return Outcome(error=fault, again=True, **counts)
    if reason == "closespider_timeout":
        return Outcome(error=f"the time limit of {time_limit_s} s was reached", **counts)
    if reason != "finished" and reason not in LIMITS:
        return Outcome(error=f"the crawl was stopped: {reason}", again=True, **counts)
    drifted = stats.get(STAT_DRIFT)
    if drifted is not None:
        error = f"the site has changed, and is no longer understood: {drifted}"
        return Outcome(error=error, drifted=True, **counts)
    if stats.get("spider_exceptions/count", 0) and reviews + kept == 0:
        return Outcome(error="the spider failed on every page; see the log", **counts)
    if reviews + kept == 0:
        error = f"no reviews were found: {_why_nothing(stats)}"
        return Outcome(error=error, drifted=True, **counts)
    is_complete = (
        reason == "finished"
        and not stats.get(STAT_UNREAD)
        and not stats.get("spider_exceptions/count")
    )
    return Outcome(complete=is_complete, **counts)


def _why_nothing(stats: Mapping[str, Any]) -> str:
    if stats.get(ADDRESS_REFUSED):
        return str(stats.get(FETCH_FAULT))
    if stats.get(STAT_UNREADABLE):
        pages = ", ".join(f"{n} of {kind}" for kind, n in sorted(stats[STAT_UNREADABLE].items()))
        return f"pages cannot be understood: {pages}"
    if stats.get(FETCH_FAULT):
        return str(stats.get(FETCH_FAULT))
    if stats.get("robotstxt/forbidden"):
        return f"robots.txt forbids {stats['robotstxt/forbidden']} of the pages"
    if stats.get(STAT_INVALID):
        return f"{stats[STAT_INVALID]} items were not valid; see the log"
    pages = stats.get("response_received_count", 0)
    return f"{pages} pages were read, none had a review with text"
