"""Opening a snapshot: verified in full before anything of it is used.

Sizes, then sha256 of every file, then the index header, then that the parts agree with each other
and with the manifest. What comes out is frozen; one opened snapshot answers a request throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.snapshot.catalogue import Catalogue
from shared.snapshot.index import VectorIndex
from shared.snapshot.lexical import LexicalIndex
from shared.snapshot.manifest import CATALOGUE, LEXICAL, PASSAGES, VECTORS, Manifest
from shared.snapshot.passage_vectors import PassageVectors
from shared.snapshot.store import SnapshotStore
from shared.snapshot.verify import SnapshotCorrupt, verify_file

UNIT_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot.

    Attributes:
        index: Pooled vectors, one row a movie.
        passages: Passage vectors, mapped from their file.
        passage_ranges: int64, shape ``(movies, 2)``: first passage and number of passages.
    """

    manifest: Manifest
    index: VectorIndex
    passages: PassageVectors
    passage_ranges: npt.NDArray[np.int64]
    catalogue: Catalogue
    lexical: LexicalIndex

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return self.manifest.snapshot_id


def open_snapshot(
    store: SnapshotStore, snapshot_id: str, *, manifest_sha256: str | None = None
) -> Snapshot:
    """Verify and open a snapshot.

    Raises:
        SnapshotCorrupt: anything about it is not as its manifest says.
    """
    manifest = store.manifest(snapshot_id, sha256=manifest_sha256)
    folder = store.folder(snapshot_id)
    for name, entry in manifest.files.items():
        verify_file(folder / name, entry)
    counts, dim = manifest.counts, manifest.encoder.dim
    index = VectorIndex(folder / VECTORS, rows=counts.movies, dim=dim)
    passages = PassageVectors(folder, rows=counts.passages, dim=dim)
    lexical = LexicalIndex(folder / LEXICAL, rows=counts.movies)
    catalogue = Catalogue(folder / CATALOGUE)
    if catalogue.counts() != (counts.movies, counts.reviews, counts.passages):
        raise SnapshotCorrupt(f"{CATALOGUE} does not hold what the manifest counts")
    ranges = np.asarray(catalogue.passage_ranges(), dtype=np.int64).reshape(-1, 2)
    ends = ranges.sum(axis=1)
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    if not np.array_equal(ranges[:, 0], starts) or (len(ends) and ends[-1] != counts.passages):
        raise SnapshotCorrupt(f"{CATALOGUE}: the movies' passages do not cover {PASSAGES}")
    return Snapshot(manifest, index, passages, ranges, catalogue, lexical)


def check_vectors(snapshot: Snapshot) -> None:
    """The gate on the vectors themselves: finite, unit, and each finds itself.

    Raises:
        SnapshotCorrupt: a vector is not finite, not of unit length, or does not find itself first
            among 64 that are tried.
    """
    vectors = snapshot.index.vectors()
    if not np.isfinite(vectors).all():
        raise SnapshotCorrupt("a movie's vector is not finite")
    if len(vectors) and np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > UNIT_TOLERANCE:
        raise SnapshotCorrupt("a movie's vector is not of unit length")
    tried = np.unique(np.linspace(0, max(0, len(vectors) - 1), 64, dtype=np.int64))
    if len(vectors):
        scores, _ = snapshot.index.search(vectors[tried], 1)
        # Another movie may have the very same vector, so the score is asked for, not the row.
        if scores.min() < 1 - 1e-4:
            raise SnapshotCorrupt("a movie's vector does not find itself")
