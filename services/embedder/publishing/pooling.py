"""Passage vectors to one vector a movie. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MIN_NORM = 1e-6


def pool(passages: npt.NDArray[np.floating]) -> npt.NDArray[np.float32] | None:
    """The mean of a movie's passage vectors, normalised.

    A plain mean over all passages: a review weighs by its length. Equal weight per review, trimmed
    means and medoids all ranked worse (``docs/decisions/0004-pooling.md``). Summed in float64, so
    that the result does not depend on the order of summation beyond float32.

    Args:
        passages: Shape ``(n, dim)``, any float type.

    Returns:
        float32, shape ``(dim,)``, unit length; None when there is no direction (no passages, not
        finite, or they cancel out).
    """
    if len(passages) == 0:
        return None
    mean = passages.mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(mean)
    if not np.isfinite(norm) or norm < MIN_NORM:
        return None
    pooled: npt.NDArray[np.float32] = (mean / norm).astype(np.float32)
    return pooled
