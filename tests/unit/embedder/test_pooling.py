"""Pooling of passage vectors, and the common direction."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from services.embedder.model.direction import fit_direction
from services.embedder.publishing.pooling import pool
from shared.encoder import remove_direction

matrices = hnp.arrays(
    np.float16, st.tuples(st.integers(1, 20), st.just(8)), elements=st.floats(-1, 1, width=16)
)


@given(matrices)
def test_a_pooled_vector_is_unit_or_absent(passages: np.ndarray) -> None:
    vector = pool(passages)
    if vector is None:
        assert np.linalg.norm(passages.astype(np.float64).mean(axis=0)) < 1e-5
    else:
        assert vector.dtype == np.float32
        assert abs(np.linalg.norm(vector) - 1) < 1e-6


@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_passages_does_not_matter(passages: np.ndarray, random: object) -> None:
    vector, reverse = pool(passages), pool(passages[::-1])
    if vector is not None and reverse is not None:
        np.testing.assert_allclose(vector, reverse, atol=1e-6)


def test_what_has_no_direction_is_not_pooled() -> None:
    assert pool(np.empty((0, 4), np.float16)) is None
    assert pool(np.array([[1, 0], [-1, 0]], np.float16)) is None
    assert pool(np.array([[np.nan, 0], [1, 0]], np.float16)) is None


def test_a_single_passage_is_its_own_pool() -> None:
    vector = pool(np.array([[3.0, 4.0]], np.float32))
    assert vector is not None
    np.testing.assert_allclose(vector, [0.6, 0.8], rtol=1e-6)


def test_the_common_direction_is_found_and_taken_out() -> None:
    random = np.random.default_rng(0)
    axis = np.zeros(16)
    axis[3] = 1
    rows = random.normal(scale=0.1, size=(2000, 16)) + np.outer(random.normal(size=2000), axis)
    rows = (rows + 0.5) / np.linalg.norm(rows + 0.5, axis=1, keepdims=True)
    direction = fit_direction(rows.astype(np.float32))
    assert direction.shape == (2, 16)
    assert direction[1][3] > 0.9
    left = remove_direction(rows.astype(np.float32), direction)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1, atol=1e-5)
    assert np.abs(left @ direction[1]).max() < 1e-5


def _near(passages: np.ndarray, reviews: list[int], axis: int) -> float:
    vector = pool(passages, reviews)
    assert vector is not None
    return float(vector[axis])


def test_a_review_weighs_no_more_than_the_bound_however_long_it_is() -> None:
    """One viewer with 200 passages against five with six each."""
    random = np.random.default_rng(1)
    noise = random.normal(scale=0.01, size=(230, 4))
    passages = noise + np.repeat([[1.0, 0, 0, 0], [0, 1.0, 0, 0]], [200, 30], axis=0)
    reviews = [200, 6, 6, 6, 6, 6]
    assert _near(passages, reviews, 1) > _near(passages, reviews, 0) > 0.5
    longer = np.concatenate([passages[:200], passages])
    assert abs(_near(longer, [400, *reviews[1:]], 0) - _near(passages, reviews, 0)) < 0.01


def test_a_passage_that_is_repeated_counts_once() -> None:
    said = np.array([[1.0, 0.0], [0.0, 1.0]])
    for reviews in ([51], [50, 1], [1] * 51):
        passages = np.concatenate([np.repeat(said[:1], 50, axis=0), said[1:]])
        vector = pool(passages, reviews)
        assert vector is not None
        np.testing.assert_allclose(vector, [2**-0.5, 2**-0.5], rtol=1e-6)


@given(matrices)
def test_short_reviews_weigh_by_their_length(passages: np.ndarray) -> None:
    distinct = np.unique(passages, axis=0)
    np.testing.assert_array_equal(
        np.array(pool(distinct, [len(distinct)]), object), np.array(pool(distinct), object)
    )
