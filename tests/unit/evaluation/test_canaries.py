from __future__ import annotations

from pathlib import Path

import pytest

from shared.evaluation.canary import CanariesInvalid, read_canaries
from tests.support.query.query_sets import write_query_set


def test_sets_and_floors_are_read(tmp_path: Path) -> None:
    write_query_set(tmp_path / "known", {"q": "space"}, {"q": {"tt1": 1}})
    (tmp_path / "floors.toml").write_text('floors = ["known:R@10>=1"]\n')
    canaries = read_canaries(tmp_path)
    assert [query_set.name for query_set in canaries.query_sets] == ["known"]
    assert [str(floor) for floor in canaries.floors] == ["known:R@10>=1"]


@pytest.mark.parametrize(
    ("floors", "message"),
    [
        (None, "floors.toml: No such file"),
        ("floors = [", "floors.toml: "),
        ("floors = []", "must be floors = "),
        ('floor = ["known:R@10>=1"]', "must be floors = "),
        ('floors = ["known:R@10"]', "floors.toml: floor 'known:R@10'"),
        ("floors = [3]", "floors.toml: floor '3'"),
        ('floors = ["plot:R@10>=1"]', "the only sets are known"),
    ],
)
def test_unusable_canaries_are_rejected(tmp_path: Path, floors: str | None, message: str) -> None:
    write_query_set(tmp_path / "known", {"q": "space"}, {"q": {"tt1": 1}})
    if floors is not None:
        (tmp_path / "floors.toml").write_text(floors)
    with pytest.raises(CanariesInvalid) as refused:
        read_canaries(tmp_path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bad_queries_are_named(tmp_path: Path) -> None:
    (tmp_path / "floors.toml").write_text('floors = ["known:R@10>=1"]\n')
    with pytest.raises(CanariesInvalid, match=r"no queries\.jsonl"):
        read_canaries(tmp_path)
