from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.ranking import best_passages, distinct_first, rounded


@given(
    seed=st.integers(0, 2**32 - 1),
    first=st.integers(0, 20),
    count=st.integers(0, 30),
    most=st.integers(1, 12),
    coarse=st.booleans(),
)
def test_best_passages_are_those_of_a_full_sort(
    seed: int, first: int, count: int, most: int, coarse: bool
) -> None:
    random = np.random.default_rng(seed)
    passages = random.normal(size=(60, 4)).astype(np.float16)
    if coarse:  # many ties
        passages = np.round(passages).astype(np.float16)
    query = random.integers(-2, 3, size=4).astype(np.float32)
    scores = passages.astype(np.float32) @ query
    rows = range(first, first + count)
    wanted = sorted(rows, key=lambda row: (-scores[row], row))[:most]

    found = best_passages(passages, first, count, query, most)

    assert [row for row, _ in found] == wanted
    assert [score for _, score in found] == pytest.approx([scores[row] for row in wanted])


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 6))
def test_distinct_first(groups: list[int], most: int) -> None:
    chosen = distinct_first(groups, most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(most, len(groups))
    told = [groups[n] for n in chosen]
    assert len(set(told)) == min(most, len(set(groups)))
    for group in set(told):
        best = groups.index(group)
        assert best in chosen


def test_distinct_first_keeps_the_order_of_merit() -> None:
    assert distinct_first(["a", "a", "b", "a", "c"], 2) == [0, 2]
    assert distinct_first(["a", "a", "b"], 3) == [0, 1, 2]
    assert distinct_first([], 3) == []


@given(st.floats(-2, 2))
def test_a_rounded_score_is_a_cosine(score: float) -> None:
    shown = rounded(score)
    assert -1 <= shown <= 1
    assert str(shown) != "-0.0"
    assert shown == pytest.approx(min(1, max(-1, score)), abs=5.1e-5)
