from __future__ import annotations

import numpy as np
import pytest

from services.evaluation.significance import Estimate, difference, estimate


def test_the_interval_is_normal_for_normal_values() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.2, 400)
    interval = estimate(values.tolist())
    half = 1.96 * values.std() / 20
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_same_values_give_the_same_figures() -> None:
    values = np.random.default_rng(4).random(50).tolist()
    baseline = np.random.default_rng(5).random(50).tolist()
    assert estimate(values) == estimate(values)
    assert difference(values, baseline) == difference(values, baseline)


@pytest.mark.parametrize("values", [[0.5], [1.0, 1.0, 1.0]])
def test_without_spread_there_is_no_interval(values: list[float]) -> None:
    assert estimate(values) == Estimate(values[0], values[0], values[0])


def test_few_queries_are_tested_exactly() -> None:
    gain = difference([1.0] * 6, [0.0] * 6)
    assert gain.estimate == Estimate(1.0, 1.0, 1.0)
    assert gain.p_value == pytest.approx(2 / 2**6)  # of 64 flips, two are as far from 0


def test_a_clear_gain_is_significant_and_chance_is_not() -> None:
    random = np.random.default_rng(6)
    baseline = random.random(200)
    better = baseline + random.normal(0.1, 0.2, 200)
    gain = difference(better.tolist(), baseline.tolist())
    assert gain.p_value < 0.001
    assert 0 < gain.estimate.low < gain.estimate.mean < gain.estimate.high
    worse = difference(baseline.tolist(), better.tolist())
    assert worse.estimate.mean == pytest.approx(-gain.estimate.mean)
    as_good = baseline + random.normal(0, 0.2, 200)
    assert difference(as_good.tolist(), baseline.tolist()).p_value > 0.05


def test_no_difference_at_all() -> None:
    gain = difference([0.1, 0.9], [0.1, 0.9])
    assert (gain.estimate.mean, gain.p_value) == (0.0, 1.0)


def test_one_query_shows_nothing() -> None:
    gain = difference([1.0], [0.5])
    assert gain.estimate == Estimate(0.5, 0.5, 0.5)
    assert gain.p_value == 1.0
