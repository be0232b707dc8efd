"""Logistic regression whose weights cannot be negative, and its predictions out of fold. Pure.

More of a signal must never mean less fit, so every weight is at least 0. The likelihood is weighted
and slightly regularised, so that signals that say the same share the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

FOLDS = 5
_PENALTY = 1e-4

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted function: log-odds are the intercept and the weighted sum of the signals."""

    intercept: float
    weights: tuple[float, ...]

    def shares(self, signals: Values) -> Values:
        """The predicted shares for signals of shape ``(n, signals)``."""
        log_odds = signals @ np.array(self.weights) + self.intercept
        result: Values = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
        return result


def fit(signals: Values, accepted: Values, weights: Values) -> Logistic:
    """Fit the function.

    Args:
        signals: Shape ``(n, signals)``.
        accepted: 1 where a hit was accepted, else 0, shape ``(n,)``.
        weights: How much each hit counts, shape ``(n,)``.
    """
    # In units of their deviations, so that the penalty treats all signals alike.
    centre, scale = signals.mean(axis=0), np.maximum(signals.std(axis=0), 1e-9)
    inputs = np.column_stack([(signals - centre) / scale, np.ones(len(signals))])
    shares = weights / weights.sum()

    def loss(parameters: Values) -> tuple[float, Values]:
        log_odds = inputs @ parameters
        each = np.logaddexp(0, log_odds) - accepted * log_odds
        off = 1 / (1 + np.exp(-log_odds)) - accepted
        penalised = np.append(parameters[:-1], 0.0)
        value = float(shares @ each) + _PENALTY * float(penalised @ penalised)
        return value, inputs.T @ (shares * off) + 2 * _PENALTY * penalised

    count = signals.shape[1]
    bounds = [(0.0, None)] * count + [(None, None)]
    found = minimize(loss, np.zeros(count + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    raw = found[:-1] / scale
    return Logistic(float(found[-1] - raw @ centre), tuple(raw.tolist()))


def out_of_fold(
    signals: Values, accepted: Values, weights: Values, queries: Sequence[str]
) -> Values:
    """What is predicted for each hit by a function that was fitted without its query.

    Args:
        signals: See ``fit``.
        accepted: See ``fit``.
        weights: See ``fit``.
        queries: The id of each hit's query; the same on other catalogues.
    """
    folds = np.array([crc32(query.encode()) % FOLDS for query in queries])
    predicted = np.zeros(len(accepted))
    for fold in range(FOLDS):
        inside = folds == fold
        if inside.any():
            fitted = fit(signals[~inside], accepted[~inside], weights[~inside])
            predicted[inside] = fitted.shares(signals[inside])
    return predicted
