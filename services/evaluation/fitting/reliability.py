"""Whether shares that were predicted are the shares that were observed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 10

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits whose fit is within a tenth.

    Attributes:
        low: The least fit.
        hits: How many hits.
        weight: Their share of all, by weight.
        fit: Their mean fit.
        accepted: The share of them that was accepted.
    """

    low: float
    hits: int
    weight: float
    fit: float
    accepted: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How predictions and observations agree.

    Attributes:
        bins: The bins that have hits, by fit.
        calibration_error: The mean distance of the bins' fit from what was accepted (ECE).
        brier: The mean squared distance of each hit's fit from 0 or 1.
        brier_of_mean: The same if every hit had the mean share as its fit.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    brier: float
    brier_of_mean: float


def reliability(fits: Values, accepted: Values, weights: Values) -> Reliability:
    """Compare fits with what was accepted.

    Args:
        fits: The predicted shares, shape ``(n,)``, at least one.
        accepted: 1 where a hit was accepted, else 0.
        weights: How much each hit counts.
    """
    shares = weights / weights.sum()
    numbers = np.minimum((fits * BINS).astype(np.int64), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = numbers == number
        weight = float(shares[inside].sum())
        if weight > 0:
            bins.append(
                Bin(
                    number / BINS,
                    int(inside.sum()),
                    weight,
                    float(shares[inside] @ fits[inside]) / weight,
                    float(shares[inside] @ accepted[inside]) / weight,
                )
            )
    mean = float(shares @ accepted)
    return Reliability(
        tuple(bins),
        sum(each.weight * abs(each.fit - each.accepted) for each in bins),
        float(shares @ (fits - accepted) ** 2),
        mean * (1 - mean),
    )
