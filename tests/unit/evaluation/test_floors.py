from __future__ import annotations

import pytest

from shared.evaluation.floors import (
    Floor,
    FloorInvalid,
    check_floors,
    parse_floor,
    verdicts,
)


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("plot:MRR@10>=0.80", Floor("plot", "MRR@10", 0.8)),
        (" imdb500-avoid : violations@10 <= 1.5 ", Floor("imdb500-avoid", "violations@10", 1.5)),
        ("mood:ndcg@10>=.66", Floor("mood", "nDCG@10", 0.66)),
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


def test_fewer_violations_are_better() -> None:
    floor = parse_floor("avoid:violations@10<=1.5")
    assert floor.met_by(1.5)
    assert not floor.met_by(1.6)


def test_nan_reaches_no_floor() -> None:
    for text in ("a:R@1>=0", "a:violations@10<=9"):
        assert not parse_floor(text).met_by(float("nan"))


def test_a_floor_without_a_query_set_is_rejected() -> None:
    sets = {"imdb500-plot": False, "imdb500-avoid": True}
    check_floors([parse_floor("plot:R@1>=0"), parse_floor("avoid:violations@10<=1")], sets)
    with pytest.raises(FloorInvalid, match="the only sets are imdb500-plot, imdb500-avoid"):
        check_floors([parse_floor("polt:R@1>=0")], sets)
    with pytest.raises(FloorInvalid, match="must not appear"):
        check_floors([parse_floor("plot:violations@10<=1")], sets)
