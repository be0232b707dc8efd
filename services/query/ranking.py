"""What makes a hit, in numbers: scores of passages, and which of them are the evidence. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

SCORE_DECIMALS = 4

Vector = npt.NDArray[np.float32]


def best_passages(
    passages: npt.NDArray[np.float16], first: int, count: int, query: Vector, most: int
) -> list[tuple[int, float]]:
    """The passages of one movie that are nearest to a query.

    Args:
        passages: Passage vectors of all movies, shape ``(passages, dim)``.
        first: Row of the movie's first passage.
        count: How many it has, in a row.
        query: Unit vector, shape ``(dim,)``.
        most: How many are wanted.

    Returns:
        ``(row, score)``, best first; of equal scores the earlier passage comes first.
    """
    scores = passages[first : first + count].astype(np.float32) @ query
    most = min(most, len(scores))
    if most < len(scores):
        chosen = np.argpartition(-scores, most - 1)[:most]
        # A tie at the cut must not be decided by the partition.
        chosen = np.flatnonzero(scores >= scores[chosen].min())
    else:
        chosen = np.arange(len(scores))
    order = chosen[np.lexsort((chosen, -scores[chosen]))][:most]
    return [(first + int(row), float(scores[row])) for row in order]


def distinct_first(groups: Sequence[Hashable], most: int) -> list[int]:
    """Choose among things in order of merit, one of each group before a second of any.

    Args:
        groups: The group of each thing, best thing first.
        most: How many to choose.

    Returns:
        Indices into ``groups``, still in order of merit.
    """
    seen: set[Hashable] = set()
    new: list[int] = []
    again: list[int] = []
    for n, group in enumerate(groups):
        (again if group in seen else new).append(n)
        seen.add(group)
    return sorted([*new[:most], *again[: max(0, most - len(new))]])


def rounded(score: float) -> float:
    """A score as it is shown: a cosine, in -1 to 1 also where floating point is a hair over."""
    return round(min(1.0, max(-1.0, score)), SCORE_DECIMALS) + 0.0
