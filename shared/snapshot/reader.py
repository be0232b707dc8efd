"""Opening a snapshot: verified in full before anything of it is used.

Sizes, then sha256 of every file, then the index header, then that the parts agree with each other
and with the manifest. What comes out is frozen; one opened snapshot answers a request throughout.
Vectors and the lexical index are mapped, and the catalogue is read page by page: what is not used
takes no memory, and what is used is the kernel's, once for all processes that serve it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.snapshot.files.atlas import ATLAS, Atlas, read_atlas
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.files.index import VectorIndex
from shared.snapshot.files.lexical import LexicalIndex
from shared.snapshot.files.passage_vectors import PassageVectors
from shared.snapshot.storage.manifest import CATALOGUE, LEXICAL, PASSAGES, VECTORS, Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file

UNIT_TOLERANCE = 1e-5
_ROWS_AT_ONCE = 8192
_TRIED = 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot.

    Attributes:
        index: Pooled vectors, one row a movie.
        passages: Passage vectors, mapped from their file.
        passage_ranges: int64, shape ``(movies, 2)``: first passage and number of passages.
        atlas: The map; None if the snapshot was published without one.
    """

    manifest: Manifest
    index: VectorIndex
    passages: PassageVectors
    passage_ranges: npt.NDArray[np.int64]
    catalogue: Catalogue
    lexical: LexicalIndex
    atlas: Atlas | None

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return self.manifest.snapshot_id

    def cluster_of(self, row: int) -> int | None:
        """The number of a movie's cluster on the map; None without a map."""
        return int(self.atlas.cluster[row]) if self.atlas is not None else None


def open_snapshot(
    store: SnapshotStore,
    snapshot_id: str,
    *,
    manifest_sha256: str | None = None,
    proofs: VerificationCache | None = None,
) -> Snapshot:
    """Verify and open a snapshot.

    Args:
        store: Where it lies.
        snapshot_id: Which.
        manifest_sha256: What its manifest hashes to; None when unknown.
        proofs: What need not be proven again.

    Raises:
        SnapshotCorrupt: anything about it is not as its manifest says.
    """
    manifest = store.manifest(snapshot_id, sha256=manifest_sha256)
    folder = store.folder(snapshot_id)
    for name, entry in manifest.files.items():
        verify_file(folder / name, entry, proofs=proofs)
    counts, dim = manifest.counts, manifest.encoder.dim
    index = VectorIndex(folder / VECTORS, rows=counts.movies, dim=dim)
    lexical = LexicalIndex(folder / LEXICAL, rows=counts.movies)
    catalogue = Catalogue(folder / CATALOGUE)
    if catalogue.counts() != (counts.movies, counts.reviews, counts.passages):
        raise SnapshotCorrupt(f"{CATALOGUE} does not hold what the manifest counts")
    ranges = np.asarray(catalogue.passage_ranges(), dtype=np.int64).reshape(-1, 2)
    if not _are_apart(ranges) or ranges[:, 1].sum() != counts.passages:
        raise SnapshotCorrupt(f"{CATALOGUE}: the movies' passages overlap in {PASSAGES}")
    passages = PassageVectors(folder, ranges=ranges, dim=dim)
    atlas = read_atlas(folder / ATLAS, rows=counts.movies) if ATLAS in manifest.files else None
    return Snapshot(manifest, index, passages, ranges, catalogue, lexical, atlas)


def _are_apart(ranges: npt.NDArray[np.int64]) -> bool:
    """Whether no passage belongs to two movies."""
    ordered = ranges[np.lexsort((ranges[:, 1], ranges[:, 0]))]
    ends = ordered.sum(axis=1)
    return bool((ranges >= 0).all() and (ends[:-1] <= ordered[1:, 0]).all())


def check_unit_vectors(snapshot: Snapshot) -> None:
    """Every movie's vector is finite and of unit length; reads them once, and copies few at a time.

    Raises:
        SnapshotCorrupt: one is not.
    """
    vectors = snapshot.index.vectors()
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        some = vectors[start : start + _ROWS_AT_ONCE]
        squares = np.einsum("ij,ij->i", some, some, dtype=np.float64)
        if not np.isfinite(squares).all():
            raise SnapshotCorrupt("a movie's vector is not finite")
        if np.abs(np.sqrt(squares) - 1).max() > UNIT_TOLERANCE:
            raise SnapshotCorrupt("a movie's vector is not of unit length")


def check_vectors(snapshot: Snapshot) -> None:
    """The publisher's gate on the vectors: finite, unit, and each finds itself.

    Raises:
        SnapshotCorrupt: a vector is not finite, not of unit length, or does not find itself first
            among 64 that are tried.
    """
    check_unit_vectors(snapshot)
    vectors = snapshot.index.vectors()
    tried = np.unique(np.linspace(0, max(0, len(vectors) - 1), _TRIED, dtype=np.int64))
    if len(vectors):
        scores, _ = snapshot.index.search(vectors[tried], 1)
        # Another movie may have the very same vector, so the score is asked for, not the row.
        if scores.min() < 1 - 1e-4:
            raise SnapshotCorrupt("a movie's vector does not find itself")
