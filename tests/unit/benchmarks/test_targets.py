"""Targets are judged by the median; a target without a value has a reason."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import targets
from tests.benchmarks.figures.measurement import Series
from tests.benchmarks.figures.targets import Measured, NotMeasured, Target

AT_LEAST = Target("cpu-original", "a / b", 8, at_least=True)
AT_MOST = Target("cpu-encode", "a / b", 1.5, at_least=False)


@pytest.mark.parametrize(
    ("target", "values", "shown"),
    [
        (AT_LEAST, [7, 8, 9], "met"),
        (AT_LEAST, [7.99, 7.99, 20], "missed"),
        (AT_MOST, [1.5, 1.5, 9], "met"),
        (AT_MOST, [1, 1.51, 1.52], "missed"),
    ],
)
def test_the_median_decides(target: Target, values: list[float], shown: str) -> None:
    assert targets.verdict(target, Measured(Series.of(values))) == shown


def test_a_target_without_a_value_has_a_reason() -> None:
    why = NotMeasured("not installed: no network")
    assert targets.verdict(AT_LEAST, why) == "not installed: no network"
    rows = targets.to_json({"cpu-txtai": why})
    assert [row["verdict"] for row in rows if row["key"] == "cpu-txtai"] == [why.reason]


def test_every_target_is_reported_once() -> None:
    keys = [target.key for target in targets.TARGETS]
    assert len(set(keys)) == len(keys)
    outcomes: dict[targets.Key, targets.Outcome] = {
        "cpu-original": Measured(Series.of([9, 8, 10]), "in one run")
    }
    table = targets.table(outcomes)
    assert list(table.rows[0]) == [
        "CPU a search, original design / ours, concurrency 8", "≥ 8", "9.00", "8.00", "10.0", "met",
    ]  # fmt: skip
    assert table.remarks == ["CPU a search, original design / ours, concurrency 8: in one run."]
