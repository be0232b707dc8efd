"""Figures: minimum, median, ratios by rounds, percentiles."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures.measurement import Series, Window, number, percentile

POSITIVE = st.floats(min_value=1e-6, max_value=1e6)


def test_a_window_has_the_cost_of_an_operation() -> None:
    window = Window(operations=4, wall_s=2.0, cpu_s=0.5)
    assert (window.cpu_ms, window.wall_ms, window.per_second) == (125.0, 500.0, 2.0)


@given(st.lists(POSITIVE, min_size=1))
def test_a_series_has_minimum_median_and_maximum(values: list[float]) -> None:
    series = Series.of(values)
    assert series.minimum == min(values)
    assert series.median == statistics.median(values)
    assert series.maximum == max(values)


def test_a_ratio_is_taken_round_by_round() -> None:
    # Noise that slows both in the second round does not change the ratio.
    ratio = Series.of([10, 30]).over(Series.of([5, 15]))
    assert ratio.values == (2, 2)


def test_rounds_of_different_runs_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Series.of([1, 2]).over(Series.of([1]))


def test_an_empty_series_is_rejected() -> None:
    with pytest.raises(ValueError, match="needs a value"):
        Series.of([])


@given(st.lists(POSITIVE, min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_the_least_value_that_the_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    value_at_share = percentile(ordered, share)
    assert sum(value <= value_at_share for value in ordered) >= share * len(ordered) - 1e-9
    below = [value for value in ordered if value < value_at_share]
    assert len(below) < share * len(ordered)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (0.0123, "0.0123"), (0, "0.00"),
     (float("nan"), "-")],
)  # fmt: skip
def test_figures_are_shown_with_significant_digits(value: float, shown: str) -> None:
    assert number(value) == shown
