"""The scores of movies' passages: each movie has as many as it has passages, without padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class PassageScores:
    """The scores of the passages of some movies.

    Attributes:
        flat: The scores, movie by movie, float32, shape ``(total,)``.
        ends: Where each movie's scores end in ``flat``, shape ``(movies,)``.

    Example:
        >>> scores = PassageScores.of_lists([[0.1, 0.9], [], [0.5]])
        >>> scores.of(0)
        array([0.1, 0.9], dtype=float32)
        >>> scores.top_mean(3)
        array([0.5, nan, 0.5])
    """

    flat: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of_lists(cls, scores: list[list[float]]) -> PassageScores:
        """The scores of each movie."""
        return cls(
            np.array([score for each in scores for score in each], np.float32),
            np.cumsum([len(each) for each in scores], dtype=np.int64),
        )

    def __len__(self) -> int:
        """The number of movies."""
        return len(self.ends)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The number of passages of each movie, shape ``(movies,)``."""
        counts = self.ends.copy()
        counts[1:] -= self.ends[:-1]
        return counts

    def of(self, place: int) -> npt.NDArray[np.float32]:
        """The scores of one movie's passages, in order; ``place`` counts the movies from 0."""
        return self.flat[int(self.ends[place - 1]) if place else 0 : int(self.ends[place])]

    def take(self, places: npt.NDArray[np.int64]) -> PassageScores:
        """The scores of the movies at some places, in that order."""
        parts = [self.of(place) for place in places.tolist()]
        return PassageScores(
            np.concatenate(parts) if parts else self.flat[:0],
            np.cumsum([len(part) for part in parts], dtype=np.int64),
        )

    def top_mean(self, most: int) -> npt.NDArray[np.float64]:
        """The mean of each movie's ``most`` best scores, or of all if it has fewer.

        Returns:
            Shape ``(movies,)``; NaN for a movie without passages.
        """
        counts = self.counts
        present = np.flatnonzero(counts)
        result = np.full(len(counts), np.nan)
        if not len(present):
            return result
        counts = counts[present]
        starts = self.ends[present] - counts
        owners = np.repeat(np.arange(len(present)), counts)
        rest = self.flat.copy()
        total = np.zeros(len(present))
        for taken in range(most):
            tops = np.maximum.reduceat(rest, starts)
            # Where all are taken, nothing is added, and only minus infinity is left.
            total += np.where(counts > taken, tops, 0.0)
            if taken + 1 == most:
                break
            # One of each movie, if several are equal: the last assignment wins.
            places = np.flatnonzero(rest == tops[owners])
            best = np.empty(len(present), np.int64)
            best[owners[places]] = places
            rest[best] = -np.inf
        result[present] = total / np.minimum(counts, most)
        return result
