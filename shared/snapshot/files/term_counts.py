"""How often each movie's document has each term and each pair of neighbouring terms.

tantivy finds the candidates of a search; its BM25 has fixed constants, and no pairs. With these
files the candidates are scored again (``shared.retrieval.ranking.word_scores``). They are looked up
by movie, not by term, so a changed movie is replaced without touching another one.

A term is its CRC-32, and so is a pair, which is the two terms with a space between them. Two terms
of one document that have the same CRC-32 are counted together: with 1,500 entries a movie and 30 in
a query, that changes the score of one movie in 100,000.

::

    term_hashes.bin   uint32, little-endian: movie by movie, ascending within a movie
    term_counts.bin   uint16, little-endian: how often the movie has it, at most 65,535
    term_totals.npy   int64, shape (movies, 2): how many entries a movie has in the other two
                      files, and how many terms its document has, with repeats

The files are mapped, so processes on a machine share them. A snapshot of an earlier version does
not have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
import numpy.typing as npt

from shared.snapshot.storage.verify import SnapshotCorrupt

TERM_HASHES_FILE = "term_hashes.bin"
TERM_COUNTS_FILE = "term_counts.bin"
TERM_TOTALS_FILE = "term_totals.npy"

Phrases = Sequence[Sequence[str]]
"""Terms, phrase by phrase (``shared.text.terms.phrases``); pairs are within a phrase."""
Hashes = npt.NDArray[np.uint32]
Pair = tuple[str, str]

_HASH, _COUNT = np.dtype("<u4"), np.dtype("<u2")
_MOST = int(np.iinfo(_COUNT).max)


def pairs_of(phrases: Phrases) -> list[Pair]:
    """The pairs of neighbouring terms, in order, with repeats."""
    return list(chain.from_iterable(map(pairwise, phrases)))


def hashes_of(terms: Sequence[str], pairs: Sequence[Pair]) -> Hashes:
    """The numbers by which terms and then pairs are looked up."""
    return np.array([crc32(one.encode()) for one in (*terms, *map(" ".join, pairs))], np.uint32)


class TermCountsWriter:
    """Writes the files of a snapshot, movie by movie; use as a context manager.

    Args:
        folder: The snapshot's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hashes = (folder / TERM_HASHES_FILE).open("xb")
        try:
            self._counts = (folder / TERM_COUNTS_FILE).open("xb")
        except OSError:
            self._hashes.close()
            raise
        self._totals: list[npt.NDArray[np.int64]] = []
        self._movies = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._hashes, self._counts:
            pass  # both are closed, also if one cannot be written to its end
        if kind is None:
            totals = np.concatenate([np.empty((0, 2), np.int64), *self._totals])
            np.save(self._folder / TERM_TOTALS_FILE, totals)

    def add(self, phrases: Phrases) -> None:
        """Write the next movie's document."""
        document = [*chain.from_iterable(phrases)]
        counted = Counter([*document, *map(" ".join, pairs_of(phrases))])
        hashes, places = np.unique(hashes_of([*counted], ()), return_inverse=True)
        counts = np.bincount(places, [*counted.values()], len(hashes)) if counted else np.empty(0)
        self._write(
            hashes.astype(_HASH),
            np.minimum(counts, _MOST).astype(_COUNT),
            np.array([[len(hashes), len(document)]], np.int64),
        )

    def copy_until(self, row: int, base: TermCounts) -> None:
        """Write the movies before ``row`` as they are in another snapshot, in the same rows."""
        if row > self._movies:
            self._write(*base.of_rows(self._movies, row))

    def _write(
        self, hashes: Hashes, counts: npt.NDArray[np.uint16], totals: npt.NDArray[np.int64]
    ) -> None:
        self._hashes.write(hashes.data)
        self._counts.write(counts.data)
        self._totals.append(totals)
        self._movies += len(totals)


class TermCounts:
    """The open files; reading is thread-safe."""

    def __init__(self, folder: Path, *, rows: int) -> None:
        """Open files that have been verified against their manifest.

        Raises:
            SnapshotCorrupt: they are not of this many movies, or do not agree.
        """
        try:
            self._totals: npt.NDArray[np.int64] = np.load(
                folder / TERM_TOTALS_FILE, allow_pickle=False
            )
            self._hashes: Hashes = _mapped(folder / TERM_HASHES_FILE, _HASH)
            self._counts: npt.NDArray[np.uint16] = _mapped(folder / TERM_COUNTS_FILE, _COUNT)
        except (OSError, ValueError, EOFError) as error:
            raise SnapshotCorrupt(f"the term counts cannot be read: {error}") from error
        if self._totals.dtype != np.int64 or self._totals.shape != (rows, 2):
            raise SnapshotCorrupt(f"{TERM_TOTALS_FILE} is not of {rows} movies")
        entries = self._totals[:, 0]
        total = int(entries.sum())
        if (self._totals < 0).any() or not total == len(self._hashes) == len(self._counts):
            raise SnapshotCorrupt(f"{TERM_TOTALS_FILE} does not count what the other files hold")
        self._ends = np.cumsum(entries)
        self._starts = self._ends - entries
        # A movie without a term has no score, whatever its length.
        lengths = np.maximum(self._totals[:, 1], 1)
        self.lengths: npt.NDArray[np.float64] = lengths / (lengths.mean() if rows else 1.0)
        """The number of terms of each movie over their mean, shape ``(movies,)``."""

    def counts(self, movies: npt.NDArray[np.int64], hashes: Hashes) -> npt.NDArray[np.uint16]:
        """How often movies have terms and pairs, shape ``(len(movies), len(hashes))``.

        Hashes in ascending order are found faster.
        """
        starts, ends = self._starts[movies], self._ends[movies]
        places = np.empty((len(movies), len(hashes)), np.int64)
        if not len(self._hashes):
            return np.zeros(places.shape, _COUNT)
        for place, start, end in zip(places, starts.tolist(), ends.tolist(), strict=True):
            place[:] = self._hashes[start:end].searchsorted(hashes)
        places += starts[:, np.newaxis]
        # After a movie's last entry, which is lower then, so that it is not taken for a match.
        np.minimum(places, ends[:, np.newaxis] - 1, out=places)
        is_found = self._hashes.take(places) == hashes
        is_found[starts == ends] = False  # a movie without entries: this is another's
        found: npt.NDArray[np.uint16] = self._counts.take(places) * is_found
        return found

    def of_rows(
        self, first: int, end: int
    ) -> tuple[Hashes, npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
        """What the three files hold of the movies ``first`` to ``end - 1``."""
        totals = self._totals[first:end]
        start = int(self._starts[first]) if len(totals) else 0
        entries = slice(start, start + int(totals[:, 0].sum()))
        return self._hashes[entries], self._counts[entries], totals


def _mapped(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if path.stat().st_size == 0:  # which cannot be mapped
        return np.empty(0, dtype)
    # A plain view: slicing an np.memmap is slower than the work on the slice.
    return np.memmap(path, dtype, "r").view(np.ndarray)
