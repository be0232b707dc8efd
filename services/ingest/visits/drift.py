"""Detects drift: a site's pages have changed so that the spider can no longer read them. Pure.

From outside, a spider that suddenly finds nothing looks like a site that has lost all its reviews;
its run must fail before anything is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_SEQUENCES = 3
MIN_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums over the page sequences that a run has read completely.

    Args:
        movies: Number of movies.
        untitled: Number of movies without a title.
        reviews: Number of reviews with text.
        textless: Number of reviews without text.
        changed: Number of page sequences that had reviews when a baseline read them, and have
            changed since.
        emptied: Number of the changed page sequences that have no reviews now.
        unreadable: Kind of page to the number of page sequences without a known structure, and the
            number of all page sequences of that kind.
    """

    movies: int = 0
    untitled: int = 0
    reviews: int = 0
    textless: int = 0
    changed: int = 0
    emptied: int = 0
    unreadable: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def drift(tally: Tally, *, allow_removals: bool = False) -> str | None:
    """Describe how the site has drifted; None when it has not.

    Args:
        tally: The sums over what the run has read.
        allow_removals: Whether pages may have lost their reviews, as the operator has confirmed.
    """
    for kind, (unreadable, pages) in sorted(tally.unreadable.items()):
        if _most(unreadable, pages, at_least=MIN_SEQUENCES):
            return f"{unreadable} of {pages} pages of kind {kind!r} have an unknown structure"
    if not allow_removals and _most(tally.emptied, tally.changed, at_least=MIN_SEQUENCES):
        return (
            f"{tally.emptied} of {tally.changed} changed pages that had reviews have none now; "
            "if the reviews were deleted, crawl with allow_removals"
        )
    reviews = tally.reviews + tally.textless
    if reviews >= MIN_ITEMS and _most(tally.textless, reviews):
        return f"{tally.textless} of {reviews} reviews have no text"
    if tally.movies >= MIN_ITEMS and _most(tally.untitled, tally.movies):
        return f"{tally.untitled} of {tally.movies} movies have no title"
    return None


def _most(part: int, whole: int, *, at_least: int = 1) -> bool:
    return part >= at_least and part * 2 > whole
