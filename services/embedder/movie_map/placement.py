"""Putting movies onto a map that exists: beside those that are most like them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

NEIGHBOURS = 8
ROWS_AT_ONCE = 1024
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

Positions = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]


def place(
    new: Vectors,
    laid: Vectors,
    positions: Positions,
    *,
    taken: Positions,
    total: int,
) -> Positions:
    """Positions for movies that a layout does not have.

    Each goes to where most of its nearest neighbours are: to the middle of those that lie around
    the best placed of them. The mean of all would put a film between two moods into the empty land
    between their regions. Then to the nearest spot that no other movie covers.

    Args:
        new: Unit vectors of the movies to place, float32, shape ``(m, dim)``.
        laid: Those of the movies that have been laid out, shape ``(n, dim)``, n at least 1.
        positions: Where these are, float32, shape ``(n, 2)``.
        taken: Where no movie may be put, shape ``(any, 2)``.
        total: How many movies the map will have: how close together they are.

    Returns:
        float32, shape ``(m, 2)``, in [-1, 1].
    """
    wanted = np.concatenate(
        [
            _beside_neighbours(new[start : start + ROWS_AT_ONCE], laid, positions)
            for start in range(0, len(new), ROWS_AT_ONCE)
        ]
        or [np.empty((0, 2), np.float32)]
    )
    return spread(wanted, taken=taken, total=total)


def _beside_neighbours(new: Vectors, laid: Vectors, positions: Positions) -> Positions:
    similarity = new @ laid.T
    count = min(NEIGHBOURS, len(laid))
    nearest = np.stack([_largest(row, count) for row in similarity])
    weights = np.maximum(np.take_along_axis(similarity, nearest, 1), 1e-3)
    there = positions[nearest]
    apart = np.linalg.norm(there[:, :, None] - there[:, None], axis=3)
    best = np.argmin((apart * weights[:, None]).sum(axis=2), axis=1)
    around = np.take_along_axis(apart, best[:, None, None], 1)[:, 0]
    reach = np.sort(around, axis=1)[:, (count - 1) // 2, None]
    weights = np.where(around <= reach, weights, 0)[:, :, None]
    middle: Positions = ((there * weights).sum(axis=1) / weights.sum(axis=1)).astype(np.float32)
    return middle


def _largest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Places of the largest values, best first; of equal ones the lower, whatever the machine."""
    # Partitioning takes the time of one pass; which of equal values it takes depends on the CPU.
    least = np.partition(values, len(values) - count)[len(values) - count]
    enough = np.flatnonzero(values >= least)
    return enough[np.argsort(-values[enough], kind="stable")][:count]


def spread(wanted: Positions, *, taken: Positions, total: int) -> Positions:
    """Move points apart that would cover each other or a taken spot; the first come stay.

    Args:
        wanted: float32, shape ``(m, 2)``.
        taken: Spots that are not free, shape ``(any, 2)``.
        total: How many points the map will have.
    """
    size = 0.5 / math.sqrt(max(total, 16))  # a quarter of the distance if they were spread evenly
    covered = {_cell(x, y, size) for x, y in taken.tolist()}
    placed = np.empty_like(wanted)
    for row, (x, y) in enumerate(wanted.tolist()):
        for spot in _spiral(x, y, size):
            cell = _cell(*spot, size)
            if cell not in covered:
                covered.add(cell)
                placed[row] = spot
                break
    return placed


def _cell(x: float, y: float, size: float) -> tuple[int, int]:
    return math.floor(x / size), math.floor(y / size)


def _spiral(x: float, y: float, step: float) -> Iterator[tuple[float, float]]:
    """The point itself, then points around it, ever farther away, all of them on the map."""
    turn = 0
    while True:
        reach = step * math.sqrt(turn)
        spot = (
            x + reach * math.cos(turn * _GOLDEN_ANGLE),
            y + reach * math.sin(turn * _GOLDEN_ANGLE),
        )
        if max(abs(spot[0]), abs(spot[1])) <= 1:
            yield spot
        turn += 1
