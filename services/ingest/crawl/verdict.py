"""The outcome of a crawl, derived from Scrapy's stats at its end.

A crawl is *done* when the items it sent and kept are reliable. It is *complete* when it also saw
all of its source, so that an item it neither sent nor kept no longer exists there. A source may
have movies and no reviews; but where a page was not read, it may be that with the reviews. A
source that has nothing any more is complete only if an operator has confirmed removals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.ingest.outcome import Outcome
from services.ingest.stats import (
    ADDRESS_REFUSED,
    FETCH_FAULT,
    STAT_DRIFT,
    STAT_FACTS_DECLARED,
    STAT_FACTS_ONLY,
    STAT_FAULT,
    STAT_FIRST_UNREAD,
    STAT_INVALID,
    STAT_KEPT,
    STAT_MOVIES,
    STAT_REMOVALS_ALLOWED,
    STAT_REVIEWS,
    STAT_UNREAD,
    STAT_UNREAD_ROWS,
    STAT_UNREADABLE,
)

LIMITS = frozenset({"closespider_pagecount", "closespider_itemcount", "too_many_bytes"})
# What may be the reason why no reviews were found, so that an operator cannot confirm it.
_MAY_HIDE_REVIEWS = (
    ADDRESS_REFUSED, FETCH_FAULT, STAT_FIRST_UNREAD, STAT_INVALID, STAT_UNREAD, STAT_UNREAD_ROWS,
    STAT_UNREADABLE, "robotstxt/forbidden",
)  # fmt: skip
# Another attempt would end in the same way.
FINAL = frozenset({"blocked", "dataset_invalid", "file_invalid"})


def judge(stats: Mapping[str, Any], time_limit_s: int) -> Outcome:
    """The outcome of a crawl that has ended.

    Args:
        stats: Scrapy's stats at the end of the crawl.
        time_limit_s: The time limit in seconds, for the error message.
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
        error = f"the site has changed, its pages can no longer be read: {drifted}"
        return Outcome(error=error, drifted=True, **counts)
    if stats.get("spider_exceptions/count", 0) and reviews + kept == 0:
        return Outcome(error="the spider failed on every page, see the log", **counts)
    is_facts_only = stats.get(STAT_FACTS_ONLY) and (
        stats.get(STAT_FACTS_DECLARED) or not stats.get(STAT_UNREAD)
    )
    is_emptied = stats.get(STAT_REMOVALS_ALLOWED) and not any(map(stats.get, _MAY_HIDE_REVIEWS))
    if reviews + kept == 0 and not is_facts_only and not is_emptied:
        error = f"no reviews found: {_why_no_reviews(stats)}"
        return Outcome(error=error, drifted=True, **counts)
    is_complete = (
        reason == "finished"
        and not stats.get(STAT_UNREAD)
        and not stats.get(STAT_UNREAD_ROWS)
        and not stats.get("spider_exceptions/count")
    )
    return Outcome(complete=is_complete, **counts)


def _why_no_reviews(stats: Mapping[str, Any]) -> str:
    if stats.get(ADDRESS_REFUSED):
        return str(stats.get(FETCH_FAULT))
    if stats.get(STAT_UNREADABLE):
        pages = ", ".join(f"{kind} ({n})" for kind, n in sorted(stats[STAT_UNREADABLE].items()))
        return f"pages have an unknown structure: {pages}"
    if stats.get(FETCH_FAULT):
        return str(stats.get(FETCH_FAULT))
    if stats.get("robotstxt/forbidden"):
        return f"robots.txt forbids {stats['robotstxt/forbidden']} pages"
    if stats.get(STAT_FIRST_UNREAD):
        pages, rows = stats.get(STAT_UNREAD, 0), stats.get(STAT_UNREAD_ROWS, 0)
        first = stats[STAT_FIRST_UNREAD]
        return f"{pages} pages and {rows} rows could not be read; the first: {first}"
    if stats.get(STAT_INVALID):
        return f"{stats[STAT_INVALID]} items were invalid, see the log"
    pages = stats.get("response_received_count", 0)
    return f"none of {pages} pages had a review with text"
