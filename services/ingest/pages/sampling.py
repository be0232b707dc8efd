"""Which reviews of a movie are kept when not all are.

As the original project picked five: sorted by the reviewer's rating, the lowest, those around the
median, and the highest, so that each movie is seen by people who disagree. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence


def pick(ratings: Sequence[float | None], n: int) -> list[int]:
    """Positions of the reviews to keep, in the order in which they came.

    Args:
        ratings: The rating that goes with each review, None where there is none.
        n: How many to keep; 0 keeps all. Reviews without a rating are kept only when there are
            not enough with one, first come first.
    """
    if n == 0 or len(ratings) <= n:
        return list(range(len(ratings)))
    rated = sorted((rating, at) for at, rating in enumerate(ratings) if rating is not None)
    if len(rated) <= n:
        unrated = [at for at, rating in enumerate(ratings) if rating is None]
        return sorted([at for _, at in rated] + unrated[: n - len(rated)])
    return sorted(rated[at][1] for at in _spread(len(rated), n))


def _spread(count: int, n: int) -> list[int]:
    """``n`` of ``count`` sorted places: first, last, and the rest around the middle."""
    if n == 1:
        return [(count - 1) // 2]
    middle = n - 2
    start = (count - middle) // 2
    return [0, *range(start, start + middle), count - 1]
