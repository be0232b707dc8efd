"""Pools the passage vectors of a movie into one vector. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

MIN_NORM = 1e-6
MOST_WEIGHT: Final = 24.0
"""The weight of a review at most, in passages: no viewer outweighs a handful of others."""


def pool(
    passages: npt.NDArray[np.floating], reviews: Sequence[int] | None = None
) -> npt.NDArray[np.float32] | None:
    """Return the normalised mean of a movie's passage vectors.

    A review weighs by its length, up to ``MOST_WEIGHT`` passages; those of a longer one share that
    weight. A passage that is repeated, in one review or in several, counts once. Equal weight per
    review, trimmed means and medoids all ranked worse (``docs/decisions/0004-pooling.md``). The sum
    is in float64, so that the order of summation does not change the float32 result.

    Args:
        passages: Passage vectors of any float type, shape ``(n, dim)``, review by review.
        reviews: The number of passages of each review; default: all are of different ones.

    Returns:
        A unit vector, float32, shape ``(dim,)``; None if there are no passages, a value is not
        finite, or the mean is nearly zero.
    """
    if len(passages) == 0:
        return None
    of_review = np.arange(len(passages)) if reviews is None else _owners(reviews)
    places: dict[bytes, int] = {}
    for at, passage in enumerate(passages):
        places.setdefault(passage.tobytes(), at)
    first = list(places.values())
    distinct, of_review = passages[first], of_review[first]
    counts = np.bincount(of_review)[of_review]
    weights = np.minimum(1.0, MOST_WEIGHT / counts)
    mean = (distinct * weights[:, np.newaxis]).mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(mean)
    if not np.isfinite(norm) or norm < MIN_NORM:
        return None
    pooled: npt.NDArray[np.float32] = (mean / norm).astype(np.float32)
    return pooled


def _owners(reviews: Sequence[int]) -> npt.NDArray[np.int64]:
    """The number of the review of each passage."""
    return np.repeat(np.arange(len(reviews)), reviews)
