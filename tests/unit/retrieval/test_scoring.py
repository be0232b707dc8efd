from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shared.retrieval.ranking import scoring
from shared.snapshot.files.passage_scores import PassageScores

values = hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(-100, 100))


@given(values)
def test_standardised_values_have_mean_0_and_deviation_1(numbers: np.ndarray) -> None:
    found = scoring.zscore(numbers)
    assert np.isfinite(found).all()
    if len(numbers) and numbers.std() > 1e-6:
        assert found.mean() == pytest.approx(0, abs=1e-6)
        assert found.std() == pytest.approx(1, abs=1e-6)
        assert (np.diff(found[np.argsort(numbers)]) >= 0).all()


def test_a_background_sets_the_measure() -> None:
    found = scoring.zscore(np.array([3.0]), against=np.array([0.0, 2.0]))
    assert found.tolist() == [2.0]


@given(values, values)
def test_fusing_keeps_what_both_agree_on(dense: np.ndarray, lexical: np.ndarray) -> None:
    count = min(len(dense), len(lexical))
    dense, lexical = np.sort(dense[:count]), np.sort(lexical[:count])
    found = scoring.fuse(dense, lexical)
    assert (np.diff(found) >= -1e-9).all()


@given(values)
def test_only_what_stands_out_is_penalised(numbers: np.ndarray) -> None:
    lost = scoring.penalty(numbers)
    assert (lost >= 0).all()
    assert (lost[numbers <= scoring.AVOID_THRESHOLD] == 0).all()


@given(st.lists(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0]), max_size=9)))
def test_the_best_passages_count(scores: list[list[float]]) -> None:
    found = scoring.top_mean(PassageScores.of_lists(scores))
    assert len(found) == len(scores)
    for row, mean in zip(scores, found, strict=True):
        best = sorted(row, reverse=True)[: scoring.TOP_PASSAGES]
        expected = sum(best) / len(best) if best else np.nan
        assert mean == pytest.approx(expected, abs=1e-6, nan_ok=True)


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=20),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_an_unknown_score_is_the_mean_and_changes_no_other(
    values: list[float], unknown: list[bool]
) -> None:
    known = np.array(values)
    places = np.flatnonzero(unknown[: len(values)])
    mixed = np.insert(known, places, np.nan)
    expected = np.insert(scoring.zscore(known), places, 0.0)
    assert scoring.zscore(mixed) == pytest.approx(expected)
    assert scoring.zscore(mixed, against=mixed) == pytest.approx(expected)
    assert scoring.zscore(np.full(3, np.nan)).tolist() == [0, 0, 0]


def test_liking_moves_a_query_towards_movies() -> None:
    query = np.array([1, 0], np.float32)
    liked = np.array([[0, 1]], np.float32)
    moved = scoring.apply_likes(query, liked)
    assert moved is not None
    assert 0 < moved[1] == pytest.approx(moved[0])  # both count
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert scoring.apply_likes(query, liked[:0]) is query
    alone = scoring.apply_likes(None, liked)
    assert alone is not None
    assert alone.tolist() == [0, 1]
    assert scoring.apply_likes(None, liked[:0]) is None


def test_diversity_keeps_the_best_first_and_twins_apart() -> None:
    scores = np.array([1.0, 0.99, 0.5, 0.4])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.7, 0.7]], np.float32)
    assert scoring.mmr(scores, vectors, 0.0).tolist() == [0, 1, 2, 3]
    order = scoring.mmr(scores, vectors, 0.6).tolist()
    assert order[0] == 0
    assert order.index(2) < order.index(1)
    assert sorted(order) == [0, 1, 2, 3]


def test_words_rank_a_movie_without_vectors_but_less_than_words_and_vectors_together() -> None:
    dense = np.array([1.0, 0.0, -1.0, np.nan, np.nan])
    lexical = np.array([2.0, 0.0, 0.0, 2.0, 0.0])
    both, neither, off, words, nothing = scoring.fuse(dense, lexical).tolist()
    assert both > words > neither > nothing > off
    known = scoring.fuse(dense[:3], lexical[:3], background=np.arange(3))
    mixed = scoring.fuse(dense, lexical, background=np.arange(3))
    assert mixed[:3] == pytest.approx(known)  # movies without vectors change no other


def test_diversity_does_not_promote_a_movie_without_a_vector() -> None:
    """It is like nothing, which must not pass for unlike everything."""
    scores = np.array([1.0, 0.9, 0.8, 0.2])
    vectors = np.array([[1, 0], [0.8, 0.6], [0.7, 0.7], [0, 0]], np.float32)
    assert scoring.mmr(scores, vectors, 0.5).tolist() == [0, 1, 2, 3]
    assert scoring.mmr(scores, np.zeros_like(vectors), 0.5).tolist() == [0, 1, 2, 3]


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(1, 12))
def test_best_is_a_full_sort_with_ties_in_order(numbers: list[int], most: int) -> None:
    wanted = sorted(range(len(numbers)), key=lambda n: (-numbers[n], n))[:most]
    assert scoring.best(np.array(numbers, np.float32), most) == wanted


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 6))
def test_distinct_first(groups: list[int], most: int) -> None:
    chosen = scoring.distinct_first(groups, most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(most, len(groups))
    told = {groups[n] for n in chosen}
    assert len(told) == min(most, len(set(groups)))
    for group in told:
        assert groups.index(group) in chosen


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_shown_scores_keep_the_order(a: float, b: float) -> None:
    for shown in (scoring.shown_fused, scoring.shown_cosine):
        assert -1 <= shown(a) <= 1
        if a <= b:
            assert shown(a) <= shown(b)
    assert str(scoring.shown_cosine(-0.000001)) == "0.0"
    assert scoring.shown_fused(float("-inf")) == 0.0
