"""New movies are placed beside similar ones, and cover no other movie."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embedder.movie_map.placement import place, spread
from tests.support.soak import examples

NOTHING = np.empty((0, 2), np.float32)


def test_a_movie_between_two_moods_goes_to_one_of_them() -> None:
    placed = np.repeat(np.eye(2, 4, dtype=np.float32), 4, axis=0)
    positions = np.array([[-0.9, 0.0]] * 4 + [[0.9, 0.0]] * 4, np.float32)
    between = np.array([[0.7, 0.71, 0, 0]], np.float32)
    [(x, _)] = place(between, placed, positions, taken=NOTHING, total=9).tolist()
    assert abs(x) > 0.8


def test_a_movie_goes_beside_the_only_other_one() -> None:
    one = np.eye(1, 4, dtype=np.float32)
    there = np.array([[0.3, -0.2]], np.float32)
    [spot] = place(one, one, there, taken=there, total=2)
    assert 0 < np.linalg.norm(spot - there[0]) < 0.5


def test_no_movies_are_placed_nowhere() -> None:
    one = np.eye(1, 4, dtype=np.float32)
    there = np.zeros((1, 2), np.float32)
    assert place(np.empty((0, 4), np.float32), one, there, taken=there, total=1).shape == (0, 2)


@settings(max_examples=examples(50))
@given(
    st.lists(
        st.tuples(st.floats(-1, 1, width=16), st.floats(-1, 1, width=16)), min_size=1, max_size=80
    )
)
def test_no_spot_is_given_twice_and_the_first_stays(points: list[tuple[float, float]]) -> None:
    targets = np.array(points, np.float32)
    spots = spread(targets, taken=NOTHING, total=len(points))
    assert np.array_equal(spots[0], targets[0])
    assert np.abs(spots).max() <= 1
    size = 0.5 / np.sqrt(max(len(points), 16))
    cells = {tuple(cell) for cell in np.floor(spots.astype(np.float64) / size).tolist()}
    assert len(cells) == len(np.unique(spots, axis=0)) == len(points)
