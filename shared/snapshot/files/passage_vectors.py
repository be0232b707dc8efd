"""The passage vectors of a snapshot in compact form: one byte per number, one scale per passage.

They take a quarter of the size of float32. A dot product with a unit query differs by less than
0.005, and the effect on rankings is below what the evaluation can measure (``docs/retrieval.md``).

``passages.npy`` holds whole numbers from -127 to 127 as bytes from 1 to 255, with 128 for zero, as
faiss's scalar quantiser does. So faiss can score the mapped file without a copy: it is an inverted
file with a list for each movie, and the candidates of a search are the lists that are probed. Bytes
are widened in registers and never become an array of floats (``docs/decisions/0020``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from shared.snapshot.files.passage_scores import PassageScores
from shared.snapshot.storage.manifest import PASSAGE_SCALES_FILE, PASSAGES_FILE
from shared.snapshot.storage.verify import SnapshotCorrupt

Scores = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]
_LEVELS = 127
_ZERO = 128
# faiss decodes a code as vmin + vdiff * (code + 0.5) / 255; this makes it code - 128.
_VMIN, _VDIFF = -_ZERO - 0.5, 255.0
_EVERYTHING = -3e38  # no score is lower


def quantise(
    vectors: npt.NDArray[np.floating],
) -> tuple[Codes, npt.NDArray[np.float32]]:
    """Quantise rows to one byte per number, with one scale per row.

    Args:
        vectors: Finite, shape ``(n, dim)``.

    Returns:
        The codes, uint8, shape ``(n, dim)``, and the scales, float32, shape ``(n,)``.
    """
    wide = vectors.astype(np.float32)
    scales = np.abs(wide).max(axis=1, initial=0) / _LEVELS
    steps = np.where(scales > 0, scales, 1)[:, np.newaxis]
    return (np.rint(wide / steps) + _ZERO).astype(np.uint8), scales.astype(np.float32)


class PassageVectors:
    """The passages of all movies, mapped from their files; thread-safe."""

    def __init__(self, folder: Path, *, ranges: npt.NDArray[np.int64], dim: int) -> None:
        """Open files that have been verified against their manifest.

        Args:
            folder: The snapshot's folder.
            ranges: First passage and number of passages of each movie, int64, shape
                ``(movies, 2)``; in any order, without overlaps.
            dim: The number of dimensions of the vectors.

        Raises:
            SnapshotCorrupt: the files do not have this shape.
        """
        rows = int(ranges.sum(axis=1).max(initial=0))
        try:
            mapped = np.load(folder / PASSAGES_FILE, mmap_mode="r", allow_pickle=False)
            scales = np.load(folder / PASSAGE_SCALES_FILE, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SnapshotCorrupt(f"{PASSAGES_FILE}: {error}") from error
        stored = mapped.shape[0] if mapped.ndim == 2 else 0
        if (
            mapped.dtype != np.uint8
            or mapped.shape != (stored, dim)
            or not mapped.flags.c_contiguous
        ):
            raise SnapshotCorrupt(f"{PASSAGES_FILE} holds {mapped.shape} {mapped.dtype}")
        if stored < rows:
            raise SnapshotCorrupt(f"{PASSAGES_FILE} holds {stored} passages, not {rows}")
        if scales.dtype != np.float32 or scales.shape != (stored,):
            raise SnapshotCorrupt(f"{PASSAGE_SCALES_FILE} holds {scales.shape}")
        if not np.isfinite(scales).all():
            raise SnapshotCorrupt("a passage's vector is not finite")
        # Plain views: slicing an np.memmap is slower than the work on the slice.
        self._codes = mapped.view(np.ndarray)
        self._scales = scales.view(np.ndarray)
        self._starts, self._counts = ranges.T.copy()
        self._index = (
            _inverted_file(folder / PASSAGES_FILE, mapped.offset, ranges, dim) if rows else None
        )

    def scores(
        self, movies: npt.NDArray[np.int64], query: npt.NDArray[np.float32]
    ) -> PassageScores:
        """Cosines of all passages of some movies with a query.

        Args:
            movies: Rows of movies, all distinct, shape ``(n,)``.
            query: A unit vector, float32, shape ``(dim,)``.

        Returns:
            The scores of each movie, in the order of ``movies``.
        """
        starts, counts = self._starts[movies], self._counts[movies]
        ends = np.add.accumulate(counts)
        if self._index is None or not len(ends) or not ends[-1]:
            return PassageScores(np.empty(0, np.float32), ends)
        # Passage n of the scan is row n + shift of the file.
        rows = np.repeat(starts - (ends - counts), counts)
        rows += np.arange(len(rows))
        scanned = _scan(self._index, movies, query, len(rows))
        scanned *= self._scales[rows]
        return PassageScores(scanned, ends)

    def vectors(self, movie: int) -> npt.NDArray[np.float32]:
        """The vectors of a movie's passages, of about unit length, shape ``(count, dim)``."""
        first = int(self._starts[movie])
        rows = slice(first, first + int(self._counts[movie]))
        wide: npt.NDArray[np.float32] = (self._codes[rows].astype(np.float32) - _ZERO) * (
            self._scales[rows, np.newaxis]
        )
        return wide


def _inverted_file(path: Path, offset: int, ranges: npt.NDArray[np.int64], dim: int) -> Any:
    """The file as a faiss index; ``offset`` is where its codes begin."""
    movies = len(ranges)
    # faiss's stubs do not declare all of these classes.
    lists: Any = faiss.OnDiskInvertedLists(movies, dim, str(path))
    lists.read_only = True
    lists.totsize = path.stat().st_size
    # faiss's struct of a list: its size, its capacity, its offset in the file.
    structs = np.empty((movies, 3), np.uint64)
    structs[:, 0] = structs[:, 1] = ranges[:, 1]
    structs[:, 2] = offset + ranges[:, 0] * dim
    faiss.memcpy(lists.lists.data(), faiss.swig_ptr(structs), structs.nbytes)
    lists.do_mmap()
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, movies,
        faiss.ScalarQuantizer.QT_8bit_uniform, faiss.METRIC_INNER_PRODUCT, False,
    )  # fmt: skip
    faiss.copy_array_to_vector(np.array([_VMIN, _VDIFF], np.float32), index.sq.trained)
    index.is_trained = True
    index.replace_invlists(lists, True)
    lists.this.disown()
    return index


def _scan(
    index: Any, movies: npt.NDArray[np.int64], query: npt.NDArray[np.float32], count: int
) -> Scores:
    """Dot products of the codes of ``movies`` with a query: list by list, in order.

    ``movies`` are distinct: faiss does not probe more lists than it has.
    """
    probed = np.ascontiguousarray(movies, np.int64)
    query = np.ascontiguousarray(query, np.float32)
    distances = np.zeros(len(probed), np.float32)  # to the centroids, which do not exist
    result: Any = faiss.RangeSearchResult(1)
    parameters: Any = faiss.SearchParametersIVF(nprobe=len(probed))  # type: ignore[call-arg]
    result.buffer_size = count
    # store_pairs: results are numbered by list and place, as the file has no ids.
    index.range_search_preassigned_c(
        1, faiss.swig_ptr(query), _EVERYTHING, faiss.swig_ptr(probed), faiss.swig_ptr(distances),
        result, True, parameters,
    )  # fmt: skip
    scores: Scores = faiss.rev_swig_ptr(result.distances, count).copy()
    return scores
