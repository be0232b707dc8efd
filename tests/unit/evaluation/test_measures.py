from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.evaluation.constraints import Constraint, MovieFacts
from shared.evaluation.measures import (
    KEPT,
    OPPOSITES,
    UNJUDGED,
    VIOLATIONS,
    figure,
    figures_of,
    main_metrics,
    measured,
    metrics_of,
)
from shared.evaluation.query_sets import Query, QuerySet

FACTS = {
    "old": MovieFacts(1939, ("Comedy",)),
    "new": MovieFacts(1994, ("Comedy", "Romance")),
    "dark": MovieFacts(1994, ("Thriller",)),
    "unknown": MovieFacts(),
}


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
        {},
    )
    assert metrics["MRR@10"] == pytest.approx(
        {"first": 1, "third": 1 / 3, "eleventh": 0, "nothing": 0}
    )
    assert metrics["nDCG@10"] == pytest.approx(
        {"first": 1, "third": 1 / math.log2(4), "eleventh": 0, "nothing": 0}
    )
    assert metrics["R@1"] == {"first": 1, "third": 0, "eleventh": 0, "nothing": 0}
    assert metrics["R@10"] == {"first": 1, "third": 1, "eleventh": 0, "nothing": 0}
    assert metrics["success@1"] == {"first": 1, "third": 0, "eleventh": 0, "nothing": 0}
    assert not {VIOLATIONS, OPPOSITES, UNJUDGED, KEPT} & set(metrics)
    assert figure("R@10", metrics["R@10"]) == 0.5


def test_grades_count_and_unwanted_movies_do_not_help() -> None:
    sets = judged(a={"best": 2, "good": 1, "bad": -1, "worse": -1, "so-so": 0})
    metrics = measured(sets, {"a": ["bad", "good", "so-so", "best", "worse", "new"]}, {})
    gained = 1 / math.log2(3) + 3 / math.log2(5)  # the gain of a grade is 2^grade - 1
    assert metrics["nDCG@10"]["a"] == pytest.approx(gained / (3 + 1 / math.log2(3)))
    assert metrics["MRR@10"]["a"] == 0.5
    assert metrics["R@1"]["a"] == 0
    assert metrics["R@10"]["a"] == 1
    assert metrics[VIOLATIONS]["a"] == 2
    assert metrics[OPPOSITES]["a"] == 2
    assert metrics[UNJUDGED]["a"] == pytest.approx(1 / 6)


def test_violations_end_at_ten() -> None:
    sets = judged(a={"x": 1, "bad": -1}, b={"x": 1})
    ten = [f"o{n}" for n in range(10)]
    metrics = measured(sets, {"a": [*ten, "bad"], "b": ["x"]}, {})
    assert metrics[VIOLATIONS] == {"a": 0, "b": 0}


def test_opposites_are_counted_over_all_queries() -> None:
    sets = judged(a={"x": 1, "bad": -1, "worse": -1}, b={"x": 1, "bad": -1}, c={"x": 1})
    metrics = measured(sets, {"a": ["bad", "worse"], "b": ["x", "bad"], "c": []}, {})
    figures = figures_of(sets, metrics)["test"]
    assert figures[OPPOSITES] == 3
    assert figures[VIOLATIONS] == 1


def test_the_share_that_keeps_a_constraint() -> None:
    comedy = Constraint(genres=("Comedy",), not_genres=("Romance",))
    queries = tuple(
        Query(query_id, query_id, must=must)
        for query_id, must in (("a", comedy), ("b", comedy), ("c", comedy), ("d", None))
    )
    sets = QuerySet("test", queries, {"d": {"old": 1}})
    rankings = {"a": ["old", "new", "unknown", "gone"], "b": ["old"], "c": [], "d": ["old"]}
    metrics = measured(sets, rankings, FACTS)
    assert metrics[KEPT] == {"a": 0.25, "b": 1.0, "c": 0.0}
    assert metrics["success@1"] == {"a": 0, "b": 0, "c": 0, "d": 1}
    only_asks = QuerySet("asks", queries[:3], {})
    alone = measured(only_asks, rankings, FACTS)
    assert alone == {KEPT: metrics[KEPT]}
    assert figures_of(only_asks, alone) == {"asks": {KEPT: pytest.approx(5 / 12)}}


def test_kinds_have_figures_of_their_own() -> None:
    queries = (Query("a", "a", kind="typo"), Query("b", "b", kind="typo"), Query("c", "c"))
    sets = QuerySet("titles", queries, {query.query_id: {"x": 1} for query in queries})
    metrics = measured(sets, {"a": ["x"], "b": ["o", "x"], "c": ["x"]}, {})
    figures = figures_of(sets, metrics)
    assert list(figures) == ["titles", "titles/typo"]
    assert figures["titles"]["success@1"] == pytest.approx(2 / 3)
    assert figures["titles/typo"]["success@1"] == 0.5
    assert figures["titles/typo"]["MRR@10"] == 0.75


def test_the_metrics_that_say_most_about_a_set() -> None:
    ask = Query("a", "a", must=Constraint(year=(1990, 1999)))
    assert main_metrics(QuerySet("asks", (ask,), {"a": {}})) == (KEPT,)
    assert main_metrics(judged(a={"x": 1})) == ("MRR@10", "R@10")
    assert main_metrics(judged(a={"x": 1, "y": 1})) == ("nDCG@10",)
    assert main_metrics(judged(a={"x": 1, "y": 1, "z": -1})) == ("nDCG@10", VIOLATIONS)
    graded = judged(a={"x": 2, "y": 1, "z": 0, "bad": -1})
    assert main_metrics(graded) == ("nDCG@10", OPPOSITES, UNJUDGED)
    titles = QuerySet("t", (Query("a", "a", kind="typo"),), {"a": {"x": 1}})
    assert main_metrics(titles) == ("success@1", "MRR@10")


@settings(max_examples=30)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-1, 2), min_size=1),
        min_size=1, max_size=4,
    ),
    st.lists(st.permutations("abcdefghijkl"), min_size=4, max_size=4),
)  # fmt: skip
def test_every_metric_of_a_set_has_a_value_in_its_range(
    judgements: list[dict[str, int]], rankings: list[list[str]]
) -> None:
    sets = judged(**{f"q{n}": judgement for n, judgement in enumerate(judgements)})
    found = measured(sets, {f"q{n}": ranking for n, ranking in enumerate(rankings)}, {})
    assert tuple(found) == metrics_of(sets)
    for metric, values in found.items():
        assert list(values) == list(sets.judgements)
        most = 10 if metric in (VIOLATIONS, OPPOSITES) else 1
        assert all(0 <= value <= most + 1e-9 for value in values.values())


def test_places_count_and_not_ids() -> None:
    # trec_eval breaks ties by id; a ranking has no ties.
    sets = judged(a={"a": 1}, z={"z": 1})
    metrics = measured(sets, {"a": ["a", "m", "z"], "z": ["a", "m", "z"]}, {})
    assert metrics["MRR@10"] == pytest.approx({"a": 1, "z": 1 / 3})
