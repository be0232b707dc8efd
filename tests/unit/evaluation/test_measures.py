from __future__ import annotations

import math

import pytest

from shared.evaluation.measures import METRICS, VIOLATIONS, mean, measured
from shared.evaluation.query_sets import Query, QuerySet


def judged(**judgements: dict[str, int]) -> QuerySet:
    return QuerySet("test", tuple(Query(query_id, query_id) for query_id in judgements), judgements)


def test_known_values() -> None:
    sets = judged(first={"x": 1}, third={"x": 1}, eleventh={"x": 1}, nothing={"x": 1})
    others = [f"o{n}" for n in range(20)]
    metrics = measured(
        sets,
        {
            "first": ["x", *others],
            "third": [*others[:2], "x"],
            "eleventh": [*others[:10], "x"],
            "nothing": [],
        },
    )
    assert metrics["MRR@10"] == pytest.approx(
        {"first": 1, "third": 1 / 3, "eleventh": 0, "nothing": 0}
    )
    assert metrics["nDCG@10"] == pytest.approx(
        {"first": 1, "third": 1 / math.log2(4), "eleventh": 0, "nothing": 0}
    )
    assert metrics["R@1"] == {"first": 1, "third": 0, "eleventh": 0, "nothing": 0}
    assert metrics["R@10"] == {"first": 1, "third": 1, "eleventh": 0, "nothing": 0}
    assert VIOLATIONS not in metrics
    assert mean(metrics["R@10"]) == 0.5


def test_grades_count_and_unwanted_movies_do_not_help() -> None:
    sets = judged(a={"best": 2, "good": 1, "bad": -1, "worse": -1, "so-so": 0})
    metrics = measured(sets, {"a": ["bad", "good", "so-so", "best", "worse"]})
    gained = 1 / math.log2(3) + 2 / math.log2(5)
    assert metrics["nDCG@10"]["a"] == pytest.approx(gained / (2 + 1 / math.log2(3)))
    assert metrics["MRR@10"]["a"] == 0.5
    assert metrics["R@1"]["a"] == 0
    assert metrics["R@10"]["a"] == 1
    assert metrics[VIOLATIONS]["a"] == 2


def test_violations_end_at_ten() -> None:
    sets = judged(a={"x": 1, "bad": -1}, b={"x": 1})
    ten = [f"o{n}" for n in range(10)]
    metrics = measured(sets, {"a": [*ten, "bad"], "b": ["x"]})
    assert metrics[VIOLATIONS] == {"a": 0, "b": 0}


def test_places_count_and_not_ids() -> None:
    # trec_eval breaks ties by id; a ranking has no ties.
    sets = judged(a={"a": 1}, z={"z": 1})
    metrics = measured(sets, {"a": ["a", "m", "z"], "z": ["a", "m", "z"]})
    assert metrics["MRR@10"] == pytest.approx({"a": 1, "z": 1 / 3})


def test_every_query_has_every_metric_in_order() -> None:
    sets = judged(c={"x": 1, "y": -1}, a={"x": 1}, b={"x": 1})
    metrics = measured(sets, {"a": ["x"], "b": [], "c": ["y"]})
    assert tuple(metrics) == METRICS
    assert all(list(values) == ["c", "a", "b"] for values in metrics.values())
