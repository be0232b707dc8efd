"""The flat index on real files, against plain computations."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.snapshot.files.index import VectorIndex, write_index
from tests.support.soak import examples


def unit(random: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    vectors = random.standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def build(folder: Path, vectors: np.ndarray) -> VectorIndex:
    path = folder / "vectors.faiss"
    write_index(path, vectors)
    return VectorIndex(path, rows=len(vectors), dim=vectors.shape[1])


@settings(max_examples=examples(60))
@given(
    rows=st.integers(1, 40),
    twins=st.integers(0, 20),
    queries=st.sampled_from([1, 2, 5]),
    k=st.integers(1, 45),
    among=st.none() | st.sets(st.integers(0, 39), min_size=1),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_nearest_are_found_the_lower_row_first(
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    twins: int,
    queries: int,
    k: int,
    among: set[int] | None,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random, rows, 8)
    vectors[random.integers(0, rows, twins)] = vectors[0]
    index = build(tmp_path_factory.mktemp("index"), vectors)
    asked = unit(random, queries, 8)
    allowed = np.array(sorted(row for row in among or range(rows) if row < rows), np.int64)
    scores, found = index.search(asked, k, among=None if among is None else allowed)
    assert found.shape == scores.shape == (queries, min(k, len(allowed)))
    for query, own_scores, own_rows in zip(asked, scores, found, strict=True):
        plain = vectors @ query
        assert own_scores == pytest.approx(plain[own_rows], abs=1e-5)
        best = np.sort(plain[allowed])[::-1][: len(own_rows)]
        assert own_scores == pytest.approx(best, abs=1e-5)
        assert set(own_rows.tolist()) <= set(allowed.tolist())
        equal = own_scores[1:] == own_scores[:-1]
        assert (own_rows[1:] > own_rows[:-1])[equal].all()


def test_queries_together_share_the_reading(tmp_path: Path) -> None:
    """faiss scans the matrix for each query below this threshold, and in blocks from it on."""
    random = np.random.default_rng(0)
    index = build(tmp_path, unit(random, 100, 384))
    faiss.cvar.distance_compute_blas_threshold = 20
    for queries in (1, 8):
        index.search(unit(random, queries, 384), 10)
        assert 1 * 384 < faiss.cvar.distance_compute_blas_threshold <= 8 * 384
