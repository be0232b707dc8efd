"""Fitting on numbers that were drawn from a known function, and how agreement is measured."""

from __future__ import annotations

import numpy as np
import pytest

from services.evaluation.fitting.judged_hits import smoothed, unrelated_texts
from services.evaluation.fitting.regression import fit, out_of_fold
from services.evaluation.fitting.reliability import reliability
from services.evaluation.fitting.reliability_diagram import diagram

DICE = np.random.default_rng(5)
SIGNALS = DICE.normal(size=(4000, 3))
SHARES = 1 / (1 + np.exp(-(1.5 * SIGNALS[:, 0] - 1.0)))
ACCEPTED = (DICE.random(4000) < SHARES).astype(np.float64)
WEIGHTS = np.ones(4000)


def test_the_function_is_found_again() -> None:
    fitted = fit(SIGNALS, ACCEPTED, WEIGHTS)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.15)
    assert fitted.weights[0] == pytest.approx(1.5, abs=0.15)
    assert all(0 <= weight < 0.1 for weight in fitted.weights[1:])


def test_a_signal_that_tells_the_opposite_has_no_weight() -> None:
    assert fit(-SIGNALS, ACCEPTED, WEIGHTS).weights[0] == 0


def test_a_query_is_predicted_without_its_own_hits() -> None:
    """With the label as its signal, only a fold's own queries could be predicted perfectly."""
    queries = [f"q{number % 40}" for number in range(4000)]
    predicted = out_of_fold(SIGNALS, ACCEPTED, WEIGHTS, queries)
    own = np.array([query == "q0" for query in queries])
    changed = out_of_fold(SIGNALS, np.where(own, 1 - ACCEPTED, ACCEPTED), WEIGHTS, queries)
    assert changed[own].tolist() == predicted[own].tolist()
    assert changed[~own].tolist() != predicted[~own].tolist()


def test_agreement_is_measured() -> None:
    fits, accepted = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    measured = reliability(fits, accepted, np.ones(4))
    assert [each.hits for each in measured.bins] == [2, 2]
    assert measured.calibration_error == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert measured.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    assert measured.brier_of_mean == pytest.approx(0.75 * 0.25)
    assert diagram(measured).count("<circle") == 2


def test_few_outcomes_are_never_all_or_none() -> None:
    assert smoothed([]) == 0.5
    assert smoothed([True] * 8) == 0.9


def test_texts_that_ask_for_nothing_are_there() -> None:
    texts = unrelated_texts()
    assert len(set(texts)) == len(texts) > 100
