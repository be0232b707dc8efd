"""Confidence of a figure: bootstrap intervals over queries, and paired tests. Pure, repeatable.

Intervals come from a percentile bootstrap, p-values from a two-sided paired randomisation test of
the mean difference (signs are flipped at random; with few queries, all combinations are tried). It
is the usual test in information retrieval (Smucker, Allan and Carterette, CIKM 2007). The seed is
fixed: the same values give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 9999
_BATCH = 1000
_SEED = 20210801


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries, and the interval that contains it with ``CONFIDENCE``."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference to a baseline, its interval, and the p-value of no difference."""

    estimate: Estimate
    p_value: float


def estimate(values: Sequence[float]) -> Estimate:
    """The mean over queries, with its interval.

    Args:
        values: One value for each query; at least one.
    """
    sample = np.asarray(values, np.float64)
    mean = float(sample.mean())
    if np.ptp(sample) == 0:  # the bootstrap of a constant has no spread either
        return Estimate(mean, mean, mean)
    result = stats.bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, batch=_BATCH, confidence_level=CONFIDENCE,
        method="percentile", rng=np.random.default_rng(_SEED),
    )  # fmt: skip
    interval = result.confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high))


def difference(values: Sequence[float], baseline: Sequence[float]) -> Difference:
    """The mean gain of a system over a baseline on the same queries.

    Args:
        values: The system's value for each query.
        baseline: The baseline's values, in the same order.
    """
    gains = np.asarray(values, np.float64) - np.asarray(baseline, np.float64)
    if not gains.any():
        return Difference(Estimate(0.0, 0.0, 0.0), 1.0)
    if len(gains) == 1:  # its sign may be flipped or not, and both are as far from 0
        return Difference(estimate(gains.tolist()), 1.0)
    test = stats.permutation_test(
        (np.asarray(values, np.float64), np.asarray(baseline, np.float64)),
        _mean_gain, permutation_type="samples", vectorized=True, n_resamples=RESAMPLES,
        batch=_BATCH, alternative="two-sided", rng=np.random.default_rng(_SEED),
    )  # fmt: skip
    return Difference(estimate(gains.tolist()), float(test.pvalue))


def _mean_gain(
    values: npt.NDArray[np.float64], baseline: npt.NDArray[np.float64], axis: int
) -> Any:
    return np.mean(values - baseline, axis=axis)
