"""Whether a site's pages have changed so that we no longer understand them. Pure.

A spider that suddenly finds nothing looks, from outside, like a site that has lost everything; its
run must fail before anything is removed for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_CHAINS = 3
MIN_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """What the chains of pages that a run has read in full amount to.

    Args:
        movies: Films on them.
        untitled: Of these, without a title.
        reviews: Reviews with text.
        textless: Reviews without text.
        changed: Chains that had reviews when a baseline read them, and have changed since.
        emptied: Of these, without any review now.
        unreadable: By kind of page: chains without the structure that they should have, and all.
    """

    movies: int = 0
    untitled: int = 0
    reviews: int = 0
    textless: int = 0
    changed: int = 0
    emptied: int = 0
    unreadable: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def drift(tally: Tally, *, allow_removals: bool = False) -> str | None:
    """How the site has drifted; None when it has not.

    Args:
        tally: What was read.
        allow_removals: The operator knows that much is gone: pages may have lost their reviews.
    """
    for kind, (unreadable, pages) in sorted(tally.unreadable.items()):
        if _most(unreadable, pages, at_least=MIN_CHAINS):
            return f"{unreadable} of {pages} pages of {kind} cannot be understood"
    if not allow_removals and _most(tally.emptied, tally.changed, at_least=MIN_CHAINS):
        return (
            f"{tally.emptied} of {tally.changed} changed pages that had reviews have none now; "
            "if they are really gone, crawl with allow_removals"
        )
    reviews = tally.reviews + tally.textless
    if reviews >= MIN_ITEMS and _most(tally.textless, reviews):
        return f"{tally.textless} of {reviews} reviews have no text"
    if tally.movies >= MIN_ITEMS and _most(tally.untitled, tally.movies):
        return f"{tally.untitled} of {tally.movies} films have no title"
    return None


def _most(part: int, whole: int, *, at_least: int = 1) -> bool:
    return part >= at_least and part * 2 > whole
