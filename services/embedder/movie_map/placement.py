"""Places movies on an existing map, beside the movies that are most similar. Pure."""

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
    placed: Vectors,
    positions: Positions,
    *,
    taken: Positions,
    total: int,
) -> Positions:
    """Return positions for movies that are not on the map yet.

    Each movie goes where most of its nearest neighbours are: to the mean of those around the most
    central neighbour. The mean of all neighbours would put a movie between two moods into the empty
    area between their regions. From there it moves to the nearest spot that is free.

    Args:
        new: Unit vectors of the movies to place, float32, shape ``(m, dim)``.
        placed: Unit vectors of the movies on the map, shape ``(n, dim)``, n at least 1.
        positions: Positions of the movies on the map, float32, shape ``(n, 2)``.
        taken: Positions that are not free, shape ``(any, 2)``.
        total: Number of movies that the map will have, which decides how close they may be.

    Returns:
        Positions in [-1, 1], float32, shape ``(m, 2)``.
    """
    targets = np.concatenate(
        [
            _beside_neighbours(new[start : start + ROWS_AT_ONCE], placed, positions)
            for start in range(0, len(new), ROWS_AT_ONCE)
        ]
        or [np.empty((0, 2), np.float32)]
    )
    return spread(targets, taken=taken, total=total)


def _beside_neighbours(new: Vectors, placed: Vectors, positions: Positions) -> Positions:
    similarity = new @ placed.T
    count = min(NEIGHBOURS, len(placed))
    nearest = np.stack([_largest(row, count) for row in similarity])
    weights = np.maximum(np.take_along_axis(similarity, nearest, 1), 1e-3)
    spots = positions[nearest]
    distances = np.linalg.norm(spots[:, :, None] - spots[:, None], axis=3)
    central = np.argmin((distances * weights[:, None]).sum(axis=2), axis=1)
    from_central = np.take_along_axis(distances, central[:, None, None], 1)[:, 0]
    radius = np.sort(from_central, axis=1)[:, (count - 1) // 2, None]
    weights = np.where(from_central <= radius, weights, 0)[:, :, None]
    mean: Positions = ((spots * weights).sum(axis=1) / weights.sum(axis=1)).astype(np.float32)
    return mean


def _largest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the indices of the largest values, largest first; of equal ones the lower index."""
    # Partitioning is linear, but which of several equal values it selects depends on the CPU.
    least = np.partition(values, len(values) - count)[len(values) - count]
    enough = np.flatnonzero(values >= least)
    return enough[np.argsort(-values[enough], kind="stable")][:count]


def spread(targets: Positions, *, taken: Positions, total: int) -> Positions:
    """Move points apart that would cover each other or a taken position; earlier rows stay.

    Args:
        targets: Positions where the points should be, float32, shape ``(m, 2)``.
        taken: Positions that are not free, shape ``(any, 2)``.
        total: Number of points that the map will have.

    Returns:
        The free positions nearest to the targets, float32, shape ``(m, 2)``.
    """
    size = 0.5 / math.sqrt(max(total, 16))  # a quarter of the distance of evenly spread points
    covered = {_cell(x, y, size) for x, y in taken.tolist()}
    placed = np.empty_like(targets)
    for row, (x, y) in enumerate(targets.tolist()):
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
    """Yield the point itself, then points on the map around it at increasing distance."""
    turn = 0
    while True:
        radius = step * math.sqrt(turn)
        spot = (
            x + radius * math.cos(turn * _GOLDEN_ANGLE),
            y + radius * math.sin(turn * _GOLDEN_ANGLE),
        )
        if max(abs(spot[0]), abs(spot[1])) <= 1:
            yield spot
        turn += 1
