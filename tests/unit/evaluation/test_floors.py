from __future__ import annotations

import pytest

from shared.evaluation.constraints import Constraint
from shared.evaluation.floors import (
    Floor,
    FloorInvalid,
    check_floors,
    parse_floor,
    verdicts,
)
from shared.evaluation.query_sets import Query, QuerySet


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("plot:MRR@10>=0.80", Floor("plot", "MRR@10", 0.8)),
        (" imdb500-avoid : violations@10 <= 1.5 ", Floor("imdb500-avoid", "violations@10", 1.5)),
        ("mood:ndcg@10>=.66", Floor("mood", "nDCG@10", 0.66)),
        ("feel:opposites@10<=18", Floor("feel", "opposites@10", 18)),
        ("titles/typo:success@1>=0.9", Floor("titles/typo", "success@1", 0.9)),
        ("asks:kept@10>=0.92", Floor("asks", "kept@10", 0.92)),
    ],
)
def test_floors_are_read(text: str, floor: Floor) -> None:
    assert parse_floor(text) == floor
    assert parse_floor(str(floor)) == floor


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plot", "must have the form"),
        ("plot:MRR@10>0.8", "must have the form"),
        ("plot:MRR@10>=0.8 and more", "must have the form"),
        ("plot:MAP@10>=0.8", "MAP@10 is not one of MRR@10"),
        ("plot:MRR@10>=high", "high is not a number"),
        ("plot:MRR@10>=nan", "nan is not a number"),
        ("plot:MRR@10<=0.8", "MRR@10 must be >="),
        ("avoid:violations@10>=1", "violations@10 must be <="),
        ("feel:opposites@10>=1", "opposites@10 must be <="),
        ("titles/typo/more:R@1>=1", "must have the form"),
    ],
)
def test_other_texts_are_rejected(text: str, message: str) -> None:
    with pytest.raises(FloorInvalid) as refused:
        parse_floor(text)
    assert message in str(refused.value)


def test_a_floor_holds_for_the_sets_of_its_name() -> None:
    floor = parse_floor("plot:MRR@10>=0.8")
    checks = verdicts(
        [floor],
        {
            "imdb500-plot": {"MRR@10": 0.8},
            "plot": {"MRR@10": 0.713},
            "subplot": {"MRR@10": 0.1},
            "plots": {"MRR@10": 0.1},
        },
    )
    assert [(check.set_name, check.met) for check in checks] == [
        ("imdb500-plot", True),
        ("plot", False),
    ]
    assert str(checks[1]) == "plot: MRR@10 is 0.713, not >= 0.8: missed by 0.087"
    assert str(checks[0]) == "imdb500-plot: MRR@10 is 0.800, which is >= 0.8"


def test_a_floor_of_a_kind_holds_for_that_kind() -> None:
    floor = parse_floor("titles/typo:success@1>=0.9")
    figures = {"imdb500-titles": {"success@1": 0.1}, "imdb500-titles/typo": {"success@1": 0.95}}
    assert [str(check) for check in verdicts([floor], figures)] == [
        "imdb500-titles/typo: success@1 is 0.950, which is >= 0.9"
    ]
    assert floor.is_within("imdb500-titles")
    assert not floor.is_within("imdb500-plot")


def test_fewer_violations_are_better() -> None:
    floor = parse_floor("avoid:violations@10<=1.5")
    assert floor.met_by(1.5)
    assert not floor.met_by(1.6)


def test_nan_reaches_no_floor() -> None:
    for text in ("a:R@1>=0", "a:violations@10<=9"):
        assert not parse_floor(text).met_by(float("nan"))


def test_a_floor_over_nothing_is_rejected() -> None:
    plain = Query("a", "space", kind="lower")
    ask = Query("a", "90s", must=Constraint(year=(1990, 1999)))
    sets = [
        QuerySet("imdb500-plot", (plain,), {"a": {"x": 1}}),
        QuerySet("imdb500-avoid", (plain,), {"a": {"x": 1, "y": -1}}),
        QuerySet("asks", (ask,), {"a": {}}),
    ]
    for text in (
        "plot:R@1>=0", "plot/lower:success@1>=0", "avoid:violations@10<=1", "asks:kept@10>=0",
    ):  # fmt: skip
        check_floors([parse_floor(text)], sets)
    for text, message in (
        ("polt:R@1>=0", "the only sets are imdb500-plot, imdb500-plot/lower, imdb500-avoid, "),
        ("plot/typo:R@1>=0", "the only sets are"),
        ("plot:violations@10<=1", "no query has a movie that must not appear"),
        ("plot:unjudged@10<=1", "no movie is judged as not relevant"),
        ("plot:kept@10>=0", "no query says what movies must be"),
        ("asks:MRR@10>=0", "no query has a relevant movie"),
    ):
        with pytest.raises(FloorInvalid, match=message):
            check_floors([parse_floor(text)], sets)
