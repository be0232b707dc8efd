"""The passages' vectors of a snapshot, compactly: one byte a number, one scale a passage.

A quarter of float32's room, and faster to score than float16, which the CPU must widen first. A
dot product with a unit query is off by less than 0.005; what that does to rankings is below what
the evaluation can see (``docs/retrieval.md``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.snapshot.manifest import PASSAGE_SCALES, PASSAGES
from shared.snapshot.verify import SnapshotCorrupt

Scores = npt.NDArray[np.float32]
_LEVELS = 127


def quantise(
    vectors: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rows as whole numbers from -127 to 127, and what one step of each row is worth.

    Args:
        vectors: Finite, shape ``(n, dim)``.

    Returns:
        int8, shape ``(n, dim)``, and float32, shape ``(n,)``.
    """
    wide = vectors.astype(np.float32)
    scales = np.abs(wide).max(axis=1, initial=0) / _LEVELS
    steps = np.where(scales > 0, scales, 1)[:, np.newaxis]
    return np.rint(wide / steps).astype(np.int8), scales.astype(np.float32)


class PassageVectors:
    """The passages of all movies, mapped from their files."""

    def __init__(self, folder: Path, *, rows: int, dim: int) -> None:
        """Open files that have been verified against their manifest.

        Raises:
            SnapshotCorrupt: they are not of this shape.
        """
        try:
            mapped = np.load(folder / PASSAGES, mmap_mode="r", allow_pickle=False)
            # A plain view: slicing a np.memmap costs more than scoring the slice.
            self._codes = mapped.view(np.ndarray)
            self._scales = np.load(folder / PASSAGE_SCALES, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SnapshotCorrupt(f"{PASSAGES}: {error}") from error
        if self._codes.dtype != np.int8 or self._codes.shape != (rows, dim):
            raise SnapshotCorrupt(f"{PASSAGES} holds {self._codes.shape} {self._codes.dtype}")
        if self._scales.dtype != np.float32 or self._scales.shape != (rows,):
            raise SnapshotCorrupt(f"{PASSAGE_SCALES} holds {self._scales.shape}")
        if not np.isfinite(self._scales).all():
            raise SnapshotCorrupt("a passage's vector is not finite")

    def scores(self, first: int, count: int, query: npt.NDArray[np.float32]) -> Scores:
        """Cosines of ``count`` passages from row ``first`` on with a unit query."""
        rows = slice(first, first + count)
        scores: Scores = (self._codes[rows].astype(np.float32) @ query) * self._scales[rows]
        return scores

    def scores_of(self, ranges: npt.NDArray[np.int64], query: npt.NDArray[np.float32]) -> Scores:
        """``scores`` of several movies at once.

        Args:
            ranges: First passage and number of passages, shape ``(n, 2)``.
            query: Unit, shape ``(dim,)``.

        Returns:
            Shape ``(n, widest)``; minus infinity where a movie has no more passages.
        """
        widest = int(ranges[:, 1].max(initial=0))
        scores = np.full((len(ranges), widest), -np.inf, np.float32)
        # Movie by movie, because a slice of bytes is widened within the cache.
        for n, (first, count) in enumerate(ranges.tolist()):
            scores[n, :count] = self._codes[first : first + count].astype(np.float32) @ query
        scores[np.isfinite(scores)] *= self._scales[_rows(ranges)]
        return scores

    def vectors(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """The vectors of some passages, about of unit length, shape ``(count, dim)``."""
        rows = slice(first, first + count)
        wide: npt.NDArray[np.float32] = (
            self._codes[rows].astype(np.float32) * self._scales[rows, np.newaxis]
        )
        return wide


def _rows(ranges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows that ranges cover, one range after the other."""
    counts = ranges[:, 1]
    starts = np.repeat(ranges[:, 0] - np.concatenate([[0], counts.cumsum()[:-1]]), counts)
    return starts + np.arange(counts.sum())
