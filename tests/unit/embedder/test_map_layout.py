"""The map: movies keep their positions, and the same movies make the same map."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embedder.movie_map import map_layout
from services.embedder.movie_map.map_layout import MapLayout, cluster_count, lay_out, renumber
from services.embedder.movie_map.placement import Vectors
from shared.snapshot.files.atlas import DECIMALS, MAX_CLUSTERS
from tests.support.soak import examples

DIM = 24


def ids(count: int, start: int = 0) -> list[str]:
    return [f"tt{number:07d}" for number in range(start, start + count)]


def moods(count: int, *, groups: int = 6, seed: int = 0) -> Vectors:
    """Unit vectors around a few directions; row n is of group n modulo ``groups``."""
    random = np.random.default_rng(seed)
    middles = np.eye(groups, DIM)
    rows = middles[np.arange(count) % groups] + random.normal(0, 0.12, (count, DIM))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def movement(before: MapLayout, after: MapLayout) -> float:
    """The mean distance by which the movies of both maps have moved."""
    where = dict(zip(before.movie_ids, before.positions, strict=True))
    both = [row for row, movie_id in enumerate(after.movie_ids) if movie_id in where]
    old = np.stack([where[after.movie_ids[row]] for row in both])
    return float(np.linalg.norm(after.positions[both] - old, axis=1).mean())


def same(one: MapLayout, other: MapLayout) -> bool:
    return np.array_equal(one.positions, other.positions) and np.array_equal(
        one.cluster, other.cluster
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 40])
def test_any_number_of_movies_has_a_map(count: int) -> None:
    layout = lay_out(ids(count), moods(count), None)
    assert layout.positions.shape == (count, 2)
    assert layout.positions.dtype == np.float32
    assert np.isfinite(layout.positions).all()
    assert np.abs(layout.positions).max(initial=0) <= 1
    assert len(np.unique(layout.positions, axis=0)) == count
    assert len(np.unique(layout.cluster)) == (cluster_count(count) if count else 0)


def test_one_movie_is_in_the_middle() -> None:
    assert lay_out(ids(1), moods(1), None).positions.tolist() == [[0.0, 0.0]]


def test_movies_with_the_very_same_vector_do_not_cover_each_other() -> None:
    layout = lay_out(ids(30), np.repeat(moods(1), 30, axis=0), None)
    assert len(np.unique(layout.positions, axis=0)) == 30
    assert set(layout.cluster.tolist()) == {0}


def test_movies_that_are_alike_are_near_each_other() -> None:
    vectors = moods(120)
    layout = lay_out(ids(120), vectors, None)
    apart = np.linalg.norm(layout.positions[:, None] - layout.positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    assert (nearest % 6 == np.arange(120) % 6).mean() > 0.95


def test_the_same_movies_make_the_same_map() -> None:
    first, second = (lay_out(ids(80), moods(80), None) for _ in range(2))
    assert same(first, second)


def test_a_map_that_is_laid_out_again_is_the_same_to_the_last_digit() -> None:
    first = lay_out(ids(80), moods(80), None)
    again = lay_out(ids(80), moods(80), first)
    assert same(first, again)
    assert again.moved == 0


def test_movies_in_another_order_keep_their_places() -> None:
    first = lay_out(ids(60), moods(60), None)
    turned = lay_out(ids(60)[::-1], moods(60)[::-1], first)
    assert np.array_equal(turned.positions[::-1], first.positions)
    assert np.array_equal(turned.cluster[::-1], first.cluster)


def test_when_one_percent_is_new_no_other_movie_moves() -> None:
    vectors = moods(300)
    before = lay_out(ids(297), vectors[:297], None)
    after = lay_out(ids(300), vectors, before)
    assert movement(before, after) == 0
    assert after.moved == 3
    for row in range(297, 300):
        group = after.positions[:297][np.arange(297) % 6 == row % 6]
        others = after.positions[:297][np.arange(297) % 6 != row % 6]
        near, far = (np.linalg.norm(one - after.positions[row], axis=1) for one in (group, others))
        assert np.sort(near)[:5].mean() < np.sort(far)[:5].mean()
        assert after.cluster[row] in after.cluster[:297][np.arange(297) % 6 == row % 6]


def test_a_movie_whose_reviews_say_something_else_now_is_placed_again() -> None:
    vectors = moods(100)
    before = lay_out(ids(100), vectors, None)
    changed = vectors.copy()
    changed[0] = vectors[1]
    after = lay_out(ids(100), changed, before)
    assert after.moved == 1
    assert np.array_equal(after.positions[1:], before.positions[1:])
    to_old, to_new = (np.linalg.norm(after.positions[0] - before.positions[row]) for row in (0, 1))
    assert to_new < to_old
    slightly = (vectors + 0.001).astype(np.float32)
    slightly /= np.linalg.norm(slightly, axis=1, keepdims=True)
    assert same(lay_out(ids(100), slightly, before), before)


def test_what_has_moved_is_summed_up_until_there_is_a_new_layout() -> None:
    vectors = moods(200)
    layout = lay_out(ids(100), vectors[:100], None)
    moved = []
    for count in range(102, 122, 2):
        layout = lay_out(ids(count), vectors[:count], layout)
        moved.append(layout.moved)
    assert moved == [2, 4, 6, 8, 10, 0, 2, 4, 6, 8]


def test_movies_that_are_gone_count_and_leave_the_others_where_they_are() -> None:
    before = lay_out(ids(100), moods(100), None)
    after = lay_out(ids(95), moods(100)[:95], before)
    assert after.moved == 5
    assert np.array_equal(after.positions, before.positions[:95])
    assert lay_out(ids(80), moods(100)[:80], before).moved == 0


def test_a_new_layout_lies_on_the_old_one() -> None:
    vectors = moods(240)
    before = lay_out(ids(200), vectors[:200], None)
    after = lay_out(ids(240), vectors, before)
    assert after.moved == 0
    assert not np.array_equal(after.positions[:200], before.positions)
    assert movement(before, after) < 0.25
    unaligned = lay_out(ids(240), vectors, None)
    assert movement(before, after) < 0.5 * movement(before, unaligned)
    assert (after.cluster[:200] == before.cluster).mean() > 0.8


def test_another_encoder_gets_a_full_layout_that_is_aligned() -> None:
    before = lay_out(ids(90), moods(90), None)
    wider = np.pad(moods(90), ((0, 0), (0, 8)))
    after = lay_out(ids(90), wider, before)
    assert after.moved == 0
    assert movement(before, after) < 0.3


def test_alignment_undoes_a_turn_a_mirror_a_scale_and_a_shift() -> None:
    random = np.random.default_rng(0)
    there = random.uniform(-0.7, 0.7, (50, 2)).astype(np.float32)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, -1])
    moved = (there @ turn * 37 + [5, -3]).astype(np.float32)
    aligned = map_layout._aligned(moved, moved[:20], there[:20])
    np.testing.assert_allclose(aligned, there, atol=1e-5)


def test_what_would_lie_outside_is_brought_onto_the_map() -> None:
    there = np.array([[0, 0], [0.5, 0], [0, 0.5]], np.float32)
    layout = np.array([[0, 0], [1, 0], [0, 1], [9, 9]], np.float32)
    aligned = map_layout._aligned(layout, layout[:3], there)
    assert np.abs(aligned).max() <= 1


def test_a_large_catalogue_is_laid_out_by_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_layout, "LANDMARKS", 100)
    vectors = moods(400)
    layout = lay_out(ids(400), vectors, None)
    assert len(np.unique(layout.positions, axis=0)) == 400
    apart = np.linalg.norm(layout.positions[:, None] - layout.positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 6 == np.arange(400) % 6).mean() > 0.9
    chosen = map_layout._landmarks(ids(400))
    fewer = map_layout._landmarks(ids(400)[:390])
    assert len(chosen) == len(fewer) == 100
    assert len(set(chosen.tolist()) & set(fewer.tolist())) >= 90


@pytest.mark.parametrize(
    ("movies", "clusters"), [(1, 1), (3, 1), (8, 2), (50, 5), (132, 8), (500, 15), (100_000, 15)]
)
def test_small_catalogues_have_fewer_clusters(movies: int, clusters: int) -> None:
    assert cluster_count(movies) == clusters


def labels(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_clusters_are_numbered_by_size_at_first() -> None:
    assert renumber(labels([4, 4, 4, 1, 7, 7]), labels([]), np.array([], np.uint8)).tolist() == [
        0, 0, 0, 2, 1, 1,
    ]  # fmt: skip


def test_a_cluster_keeps_its_number_and_a_new_one_gets_a_free_one() -> None:
    numbered = renumber(
        labels([0, 0, 1, 1, 2, 2]), labels([0, 0, 1, 1]), np.array([5, 5, 0, 5], np.uint8)
    )
    assert numbered.tolist() == [5, 5, 0, 0, 1, 1]


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), min_size=1, max_size=60))
def test_renumbering_joins_and_parts_no_clusters(pairs: list[tuple[int, int]]) -> None:
    now = labels([one for one, _ in pairs])
    before = np.array([other for _, other in pairs], np.uint8)
    numbered = renumber(now, now, before)
    assert len({(a, b) for a, b in zip(now.tolist(), numbered.tolist(), strict=True)}) == len(
        set(now.tolist())
    )
    assert len(set(numbered.tolist())) == len(set(now.tolist()))
    assert numbered.max() < MAX_CLUSTERS
    # No other numbering keeps more: swapping any two numbers gains nothing.
    kept = int((numbered == before).sum())
    for one in range(MAX_CLUSTERS):
        for other in range(one):
            swap = np.arange(MAX_CLUSTERS)
            swap[[one, other]] = [other, one]
            assert int((swap[numbered] == before).sum()) <= kept


def test_positions_are_what_the_file_can_hold() -> None:
    positions = lay_out(ids(50), moods(50), None).positions
    assert np.array_equal(
        np.round(positions.astype(np.float64), DECIMALS).astype(np.float32), positions
    )


FIRST_MAP = """
import sys
import numpy as np
from services.embedder.movie_map import map_layout
from services.embedder.publishing import publisher

def heavy():
    return {name for name in sys.modules if name.startswith(("sklearn", "scipy"))}

assert not heavy(), heavy()
map_layout.load()
loaded = heavy()
vectors = np.eye(40, dtype=np.float32)
names = [str(n) for n in range(40)]
map_layout.lay_out(names, vectors, map_layout.lay_out(names[:20], vectors[:20], None))
assert loaded and heavy() == loaded, heavy() - loaded
"""


def test_a_map_loads_nothing_that_has_not_been_loaded_beforehand() -> None:
    subprocess.run([sys.executable, "-c", FIRST_MAP], check=True, timeout=120)
