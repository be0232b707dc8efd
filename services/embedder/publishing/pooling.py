"""Pools the passage vectors of a movie into one vector. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MIN_NORM = 1e-6


def pool(passages: npt.NDArray[np.floating]) -> npt.NDArray[np.float32] | None:
    """Return the normalised mean of a movie's passage vectors.

    It is a plain mean over all passages, so a review weighs by its length. Equal weight per review,
    trimmed means and medoids all ranked worse (``docs/decisions/0004-pooling.md``). The sum is in
    float64, so that the order of summation does not change the float32 result.

    Args:
        passages: Passage vectors of any float type, shape ``(n, dim)``.

    Returns:
        A unit vector, float32, shape ``(dim,)``; None if there are no passages, a value is not
        finite, or the mean is nearly zero.
    """
    if len(passages) == 0:
        return None
    mean = passages.mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(mean)
    if not np.isfinite(norm) or norm < MIN_NORM:
        return None
    pooled: npt.NDArray[np.float32] = (mean / norm).astype(np.float32)
    return pooled
