"""Picks the reviews of a movie that are kept when not all of them are. Pure.

It picks like the original project, which kept five: sorted by the reviewer's rating, the lowest,
those around the median, and the highest, so that the reviews disagree.
"""

from __future__ import annotations

from collections.abc import Sequence


def pick(ratings: Sequence[float | None], n: int) -> list[int]:
    """Pick reviews by their ratings.

    Args:
        ratings: The rating of each review; None where it has none.
        n: Number of reviews to keep; 0 keeps all. Reviews without a rating are kept only when
            there are not enough with one, the first ones first.

    Returns:
        The positions of the reviews to keep, in ascending order.
    """
    if n == 0 or len(ratings) <= n:
        return list(range(len(ratings)))
    rated = sorted((rating, at) for at, rating in enumerate(ratings) if rating is not None)
    if len(rated) <= n:
        unrated = [at for at, rating in enumerate(ratings) if rating is None]
        return sorted([at for _, at in rated] + unrated[: n - len(rated)])
    return sorted(rated[at][1] for at in _spread(len(rated), n))


def _spread(count: int, n: int) -> list[int]:
    """``n`` of ``count`` sorted positions: the first, the last, and those around the middle."""
    if n == 1:
        return [(count - 1) // 2]
    middle = n - 2
    start = (count - middle) // 2
    return [0, *range(start, start + middle), count - 1]
