"""The compact passages on real files, against plain computations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.snapshot.files.passage_vectors import PassageVectors, quantise
from shared.snapshot.storage.manifest import PASSAGE_SCALES_FILE, PASSAGES_FILE
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.soak import examples


def unit(random: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    vectors = random.normal(size=(rows, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def ranges_of(counts: list[int]) -> np.ndarray:
    ends = np.cumsum(counts, dtype=np.int64)
    return np.stack([ends - np.asarray(counts), np.asarray(counts)], axis=1).astype(np.int64)


def build(folder: Path, vectors: np.ndarray, counts: list[int]) -> PassageVectors:
    codes, scales = quantise(vectors)
    np.save(folder / PASSAGES_FILE, codes)
    np.save(folder / PASSAGE_SCALES_FILE, scales)
    return PassageVectors(folder, ranges=ranges_of(counts), dim=vectors.shape[1])


def widened(folder: Path, ranges: np.ndarray, query: np.ndarray) -> list[np.ndarray]:
    """What scoring was before: every movie's codes widened to floats, then multiplied."""
    codes = np.load(folder / PASSAGES_FILE).astype(np.float32) - 128
    scales = np.load(folder / PASSAGE_SCALES_FILE)
    rows = [slice(first, first + count) for first, count in ranges.tolist()]
    return [(codes[each] @ query) * scales[each] for each in rows]


@settings(max_examples=examples(60))
@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=20),
    dim=st.sampled_from([1, 3, 8, 16, 31, 48, 384]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_scores_are_those_of_widened_codes(
    tmp_path_factory: pytest.TempPathFactory,
    counts: list[int],
    dim: int,
    seed: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("passages")
    random = np.random.default_rng(seed)
    vectors = unit(random, sum(counts), dim)
    passages = build(folder, vectors, counts)
    [query] = unit(random, 1, dim)
    movies = np.array(data.draw(st.permutations(range(len(counts)))), np.int64)
    movies = movies[: data.draw(st.integers(0, len(movies)))]
    found = passages.scores(movies, query)
    ranges = ranges_of(counts)
    assert found.counts.tolist() == ranges[movies, 1].tolist()
    before = widened(folder, ranges[movies], query)
    for place, (movie, earlier) in enumerate(zip(movies.tolist(), before, strict=True)):
        row = found.of(place)
        np.testing.assert_allclose(row, earlier, rtol=1e-4, atol=1e-6)
        first, count = ranges[movie].tolist()
        whole = vectors[first : first + count]
        # A code is off by half a step at most, and a step is a 127th of the largest number.
        steps = np.abs(whole).max(axis=1, initial=0) / 127
        off = np.abs(row - whole @ query)
        assert (off <= steps / 2 * np.abs(query).sum() + 1e-5).all()
        np.testing.assert_allclose(passages.vectors(movie), whole, atol=0.005)


def test_all_codes_count_as_they_should(tmp_path: Path) -> None:
    """Every byte there is, in every place of a register."""
    values = np.arange(-127, 128)
    vectors = np.stack([np.roll(values, n)[:128] for n in range(255)]).astype(np.float32)
    vectors[:, 0] = 127  # so that every scale is one
    passages = build(tmp_path, vectors, [255])
    for place in range(128):
        query = np.zeros(128, np.float32)
        query[place] = 1
        found = passages.scores(np.array([0]), query).of(0)
        np.testing.assert_allclose(found, vectors[:, place], atol=1e-3)


def test_zero_vectors_and_no_passages(tmp_path: Path) -> None:
    passages = build(tmp_path, np.zeros((3, 16), np.float32), [2, 0, 1])
    query = np.full(16, 0.25, np.float32)
    assert passages.scores(np.array([0, 1, 2]), query).counts.tolist() == [2, 0, 1]
    assert passages.scores(np.array([0, 1, 2]), query).flat.tolist() == [0, 0, 0]
    assert passages.scores(np.array([1]), query).counts.tolist() == [0]
    assert len(passages.scores(np.array([], np.int64), query)) == 0


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((5, 8), np.int8),
        np.zeros((4, 8), np.uint8),
        np.zeros((5, 9), np.uint8),
        np.asfortranarray(np.zeros((5, 8), np.uint8)),
    ],
    ids=["signed", "too few", "too wide", "by column"],
)
def test_another_form_is_corrupt(tmp_path: Path, codes: np.ndarray) -> None:
    np.save(tmp_path / PASSAGES_FILE, codes)
    np.save(tmp_path / PASSAGE_SCALES_FILE, np.ones(5, np.float32))
    with pytest.raises(SnapshotCorrupt):
        PassageVectors(tmp_path, ranges=ranges_of([2, 3]), dim=8)


@pytest.mark.parametrize("scale", [np.nan, np.inf])
def test_a_scale_that_is_no_number_is_corrupt(tmp_path: Path, scale: float) -> None:
    np.save(tmp_path / PASSAGES_FILE, np.zeros((2, 8), np.uint8))
    np.save(tmp_path / PASSAGE_SCALES_FILE, np.array([1, scale], np.float32))
    with pytest.raises(SnapshotCorrupt, match="not finite"):
        PassageVectors(tmp_path, ranges=ranges_of([2]), dim=8)


def test_the_file_is_mapped_and_not_copied(tmp_path: Path) -> None:
    counts = [100] * 500
    random = np.random.default_rng(0)
    codes = random.integers(1, 256, (50_000, 384), np.uint8)
    np.save(tmp_path / PASSAGES_FILE, codes)
    np.save(tmp_path / PASSAGE_SCALES_FILE, np.ones(50_000, np.float32))
    del codes
    before = anonymous_bytes()
    passages = PassageVectors(tmp_path, ranges=ranges_of(counts), dim=384)
    [query] = unit(random, 1, 384)
    for start in range(0, 500, 100):
        passages.scores(np.arange(start, start + 100), query)
    assert anonymous_bytes() - before < 4_000_000  # the file has 19 MB


def anonymous_bytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("Anonymous:")]
    return int(line.split()[1]) * 1024
