"""Opening a snapshot: all of it is verified before any of it is used.

The checks are: sizes, then the sha256 of every file, then the index header, then that the parts
agree with each other and with the manifest. An open snapshot never changes, and a request uses one
snapshot throughout. Vectors and the lexical index are mapped, and the catalogue is read page by
page: unused parts take no memory, and used parts are in the kernel's page cache, once for all
processes that serve them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.snapshot.files.atlas import ATLAS, UNPLACED, Atlas, read_atlas
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.files.index import VectorIndex
from shared.snapshot.files.lexical import LexicalIndex
from shared.snapshot.files.passage_vectors import PassageVectors
from shared.snapshot.files.term_counts import TERM_HASHES_FILE, TermCounts
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    LEXICAL_FOLDER,
    PASSAGES_FILE,
    VECTORS_FILE,
    Manifest,
)
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file
from shared.text import terms, terms_v1
from shared.text.phrases import phrases

UNIT_TOLERANCE = 1e-5
_ROWS_AT_ONCE = 8192
_SAMPLE = 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open snapshot.

    Example::

        snapshot = open_snapshot(store, store.current().snapshot_id)
        scores, rows = snapshot.index.search(query_vectors, 10)
        movies = snapshot.catalogue.movies(rows[0].tolist())

    Attributes:
        manifest: What the snapshot holds, and the checksums of its files.
        index: Pooled vectors, one row per movie; zeros for a movie without reviews.
        passages: Passage vectors.
        passage_ranges: First passage and number of passages of each movie, int64, shape
            ``(movies, 2)``.
        catalogue: Movies, reviews and the texts of passages.
        lexical: The BM25 index.
        term_counts: The terms of every movie; None if an earlier version published the snapshot.
        atlas: The map; None if the snapshot was published without one.
    """

    manifest: Manifest
    index: VectorIndex
    passages: PassageVectors
    passage_ranges: npt.NDArray[np.int64]
    catalogue: Catalogue
    lexical: LexicalIndex
    term_counts: TermCounts | None
    atlas: Atlas | None

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return self.manifest.snapshot_id

    def terms(self, text: str) -> list[str]:
        """The terms of a text as this snapshot's lexical index knows them."""
        if self.manifest.terms == 1:
            return terms_v1.terms(text)
        return terms.terms(text, self.manifest.language)

    def phrases(self, text: str) -> list[list[str]]:
        """The same terms, phrase by phrase; in a snapshot without term counts as one phrase."""
        if self.term_counts is None:
            return [self.terms(text)]
        return phrases(text, self.manifest.language)

    @property
    def reviewed(self) -> npt.NDArray[np.bool_]:
        """Which movies have reviews, and with them a vector, shape ``(movies,)``."""
        mask: npt.NDArray[np.bool_] = self.passage_ranges[:, 1] > 0
        return mask

    def cluster_of(self, row: int) -> int | None:
        """The number of a movie's cluster on the map; None when the movie is on none."""
        cluster = UNPLACED if self.atlas is None else int(self.atlas.cluster[row])
        return None if cluster == UNPLACED else cluster


def open_snapshot(
    store: SnapshotStore,
    snapshot_id: str,
    *,
    manifest_sha256: str | None = None,
    verified: VerificationCache | None = None,
) -> Snapshot:
    """Verify and open a snapshot.

    Args:
        store: The snapshot store to read.
        snapshot_id: The snapshot.
        manifest_sha256: The hash of its manifest; None when unknown.
        verified: Remembers which files need not be read again.

    Raises:
        SnapshotCorrupt: it differs from its manifest in any way.
    """
    manifest = store.manifest(snapshot_id, sha256=manifest_sha256)
    folder = store.folder(snapshot_id)
    for name, entry in manifest.files.items():
        verify_file(folder / name, entry, verified=verified)
    counts, dim = manifest.counts, manifest.encoder.dim
    index = VectorIndex(folder / VECTORS_FILE, rows=counts.movies, dim=dim)
    lexical = LexicalIndex(folder / LEXICAL_FOLDER, rows=counts.movies)
    catalogue = Catalogue(folder / CATALOGUE_FILE)
    if catalogue.counts() != (counts.movies, counts.reviews, counts.passages):
        raise SnapshotCorrupt(f"{CATALOGUE_FILE} does not hold what the manifest counts")
    ranges = np.asarray(catalogue.passage_ranges(), dtype=np.int64).reshape(-1, 2)
    if not _are_apart(ranges) or ranges[:, 1].sum() != counts.passages:
        raise SnapshotCorrupt(f"{CATALOGUE_FILE}: the movies' passages overlap in {PASSAGES_FILE}")
    passages = PassageVectors(folder, ranges=ranges, dim=dim)
    term_counts = None
    if TERM_HASHES_FILE in manifest.files:
        term_counts = TermCounts(folder, rows=counts.movies)
    atlas = read_atlas(folder / ATLAS, rows=counts.movies) if ATLAS in manifest.files else None
    return Snapshot(manifest, index, passages, ranges, catalogue, lexical, term_counts, atlas)


def _are_apart(ranges: npt.NDArray[np.int64]) -> bool:
    """Whether no passage belongs to two movies."""
    ordered = ranges[np.lexsort((ranges[:, 1], ranges[:, 0]))]
    ends = ordered.sum(axis=1)
    return bool((ranges >= 0).all() and (ends[:-1] <= ordered[1:, 0]).all())


def check_unit_vectors(snapshot: Snapshot) -> None:
    """Check that every movie's vector is finite and of unit length, in chunks of rows.

    The vector of a movie without reviews must be zero, so that its cosine with everything is 0.

    Raises:
        SnapshotCorrupt: a vector is not.
    """
    vectors, lengths = snapshot.index.vectors(), snapshot.reviewed.astype(np.float64)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        chunk = vectors[start : start + _ROWS_AT_ONCE]
        squares = np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64)
        if not np.isfinite(squares).all():
            raise SnapshotCorrupt("a movie's vector is not finite")
        expected = lengths[start : start + _ROWS_AT_ONCE]
        if np.abs(np.sqrt(squares) - expected).max() > UNIT_TOLERANCE:
            raise SnapshotCorrupt(
                "a movie's vector is not of unit length, or not zero although it has no review"
            )


def check_vectors(snapshot: Snapshot) -> None:
    """Check the vectors before publishing: finite, unit, and each finds itself.

    Raises:
        SnapshotCorrupt: a vector is not finite or not of unit length, or one of 64 vectors that
            are searched for is not found first.
    """
    check_unit_vectors(snapshot)
    vectors, reviewed = snapshot.index.vectors(), np.flatnonzero(snapshot.reviewed)
    if len(reviewed):
        sample = reviewed[np.unique(np.linspace(0, len(reviewed) - 1, _SAMPLE, dtype=np.int64))]
        scores, _ = snapshot.index.search(vectors[sample], 1)
        # Another movie may have the very same vector, so the score is checked, not the row.
        if scores.min() < 1 - 1e-4:
            raise SnapshotCorrupt("a movie's vector does not find itself")
