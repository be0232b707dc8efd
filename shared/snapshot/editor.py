"""The files of a snapshot as a changed copy of another's: what did not change is not made again.

1. Every file of the base is proven (``shared.snapshot.storage.verify``): what is copied gets a new
   hash,
   and damage must not get one with it.
2. Vectors, passages and the catalogue are copied as they are, and the rows of changed movies are
   written over. The passages of a movie stay where they are if there is room for the new ones, and
   go to the end of the file otherwise; what is left over belongs to nobody (``dead_share``).
3. A new movie takes the next row. The row of a movie that is gone is taken by the last one: rows
   stay dense, and the order of movies is not that of a snapshot written at once.
4. The lexical index links the base's files and adds to them (``shared.snapshot.files.lexical``).

The base is never written to. ``shared.snapshot.commit`` makes the files durable, as any others.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.snapshot.files.catalogue_editor import CatalogueEditor
from shared.snapshot.files.index import VectorIndex, write_index
from shared.snapshot.files.lexical import MOST_DELETED_SHARE, LexicalWriter, deleted_share
from shared.snapshot.files.passage_vectors import quantise
from shared.snapshot.storage.manifest import (
    CATALOGUE,
    LEXICAL,
    PASSAGE_SCALES,
    PASSAGES,
    VECTORS,
    Counts,
    FileEntry,
    Manifest,
)
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file
from shared.snapshot.writer import (
    EncodedReview,
    MovieFacts,
    catalogue_movie,
    catalogue_review,
    lexical_terms,
)


@dataclass(frozen=True)
class Base:
    """A published snapshot that another one is made from."""

    folder: Path
    manifest: Manifest

    def prove(self, proofs: VerificationCache | None = None) -> None:
        """Check every file against the manifest.

        Raises:
            SnapshotCorrupt: one is missing or differs.
        """
        for name, entry in self.manifest.files.items():
            verify_file(self.folder / name, entry, proofs=proofs)

    def dead_share(self) -> float:
        """Which share of the passages' file belongs to no movie.

        Raises:
            SnapshotCorrupt: the file cannot be read.
        """
        try:
            rows = int(np.load(self.folder / PASSAGES, mmap_mode="r").shape[0])
        except (OSError, ValueError) as error:
            raise SnapshotCorrupt(f"{PASSAGES}: {error}") from error
        return 1 - self.manifest.counts.passages / rows if rows else 0.0


class SnapshotEditor:
    """Writes a snapshot into a folder; use as a context manager.

    Args:
        folder: An empty folder, best on the base's file system.
        base: What is changed; proven.
    """

    def __init__(self, folder: Path, base: Base) -> None:
        self._folder = folder
        self._base = base
        counts, dim = base.manifest.counts, base.manifest.encoder.dim
        index = VectorIndex(base.folder / VECTORS, rows=counts.movies, dim=dim)
        self._old_vectors = index.vectors()
        self._vectors: dict[int, npt.NDArray[np.float32]] = {}
        self._passages = _PassageFile(folder, base.folder)
        self._catalogue = CatalogueEditor(folder / CATALOGUE, base=base.folder / CATALOGUE)
        self._ids: list[str | None] = [*self._catalogue.movie_ids()]
        self._rows = {movie_id: row for row, movie_id in enumerate(self._ids) if movie_id}
        self._taken_out: dict[str, tuple[int, int, int]] = {}
        self._unindexed: set[int] = set()
        self._counts: Counts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self._fill_holes()
                self._counts = Counts.model_validate(
                    dict(zip(Counts.model_fields, self._catalogue.counts(), strict=True))
                )
                self._write_lexical()
                write_index(self._folder / VECTORS, self._all_vectors())
        finally:
            self._catalogue.__exit__(kind, *rest)
            self._passages.close(complete=kind is None)

    @property
    def counts(self) -> Counts:
        """What has been written, once it has."""
        assert self._counts is not None  # noqa: S101 - the context has been left
        return self._counts

    def linked(self) -> Mapping[str, FileEntry]:
        """Files that are the base's own, with what its manifest says of them."""
        return {
            name: entry
            for name, entry in self._base.manifest.files.items()
            if (self._folder / name).exists()
            and (self._folder / name).samefile(self._base.folder / name)
        }

    def take_out(self, movie_ids: Iterable[str]) -> None:
        """Take out movies; before any of those that come back changed is put.

        A review may have gone from one movie to another, and is never in both.
        """
        for movie_id in movie_ids:
            row = self._rows.pop(movie_id, None)
            if row is not None:
                start, count = self._catalogue.take_out(row)
                self._taken_out[movie_id] = (row, start, count)
                self._ids[row] = None
                self._unindexed.add(row)

    def put(
        self,
        facts: MovieFacts,
        reviews: Sequence[EncodedReview],
        vector: npt.NDArray[np.float32],
    ) -> None:
        """Write a movie with its reviews.

        Args:
            facts: The movie: a new one, or one that has been taken out.
            reviews: Its reviews.
            vector: Its pooled unit vector, shape ``(dim,)``.
        """
        row, start, room = self._taken_out.pop(facts.movie_id, (len(self._ids), 0, 0))
        if row == len(self._ids):
            self._ids.append(facts.movie_id)
        else:
            self._ids[row] = facts.movie_id
        codes, scales = quantise(np.concatenate([review.vectors for review in reviews]))
        first = self._passages.put(codes, scales, (start, room))
        passage = first
        for review in reviews:
            number = self._catalogue.next_review()
            self._catalogue.add_review(catalogue_review(number, row, review))
            self._catalogue.add_passages(
                (passage + n, number, start, end) for n, (start, end) in enumerate(review.spans)
            )
            passage += len(review.spans)
        self._catalogue.add_movie(
            catalogue_movie(row, facts, reviews=len(reviews), start=first, count=len(codes))
        )
        self._vectors[row] = vector
        self._unindexed.add(row)

    def _fill_holes(self) -> None:
        """Give the rows of those that are gone to the last movies."""
        for hole, _, _ in sorted(self._taken_out.values()):
            while self._ids and self._ids[-1] is None:
                self._ids.pop()
            if hole >= len(self._ids):
                break
            last = len(self._ids) - 1
            self._catalogue.move(last, hole)
            vector = self._vectors.pop(last, None)
            self._vectors[hole] = self._old_vectors[last] if vector is None else vector
            self._ids[hole] = self._ids.pop()
            self._unindexed |= {hole, last}

    def _all_vectors(self) -> npt.NDArray[np.float32]:
        vectors = np.empty((len(self._ids), self._old_vectors.shape[1]), np.float32)
        kept = min(len(vectors), len(self._old_vectors))
        vectors[:kept] = self._old_vectors[:kept]
        for row, vector in self._vectors.items():
            vectors[row] = vector
        return vectors

    def _write_lexical(self) -> None:
        own, other = self._folder / LEXICAL, self._base.folder / LEXICAL
        outdated = [row for row in sorted(self._unindexed) if row < len(self._old_vectors)]
        anew = deleted_share(other, more=len(outdated)) > MOST_DELETED_SHARE
        rows = range(len(self._ids)) if anew else sorted(self._unindexed)
        with LexicalWriter(own, base=None if anew else other) as writer:
            for row in [] if anew else outdated:
                writer.remove(row)
            for row in rows:
                if row < len(self._ids):
                    writer.add(row, lexical_terms(self._catalogue.texts(row)))


class _PassageFile:
    """A copy of the passages and their scales, to be written over and made longer."""

    def __init__(self, folder: Path, base: Path) -> None:
        self._folder = folder
        shutil.copyfile(base / PASSAGES, folder / PASSAGES)
        self._stream = (folder / PASSAGES).open("r+b")
        version = np.lib.format.read_magic(self._stream)
        if version != (1, 0):
            raise SnapshotCorrupt(f"{PASSAGES} has a header of version {version}")
        shape, _, _ = np.lib.format.read_array_header_1_0(self._stream)
        self._header_bytes = self._stream.tell()
        self._rows, self._dim = shape
        self._old_rows = self._rows
        self._scales = np.load(base / PASSAGE_SCALES, allow_pickle=False)
        self._changed: dict[int, npt.NDArray[np.float32]] = {}

    def put(
        self,
        codes: npt.NDArray[np.uint8],
        scales: npt.NDArray[np.float32],
        place: tuple[int, int],
    ) -> int:
        """Write passages into a place, or at the end if it has too little room.

        Args:
            codes: Shape ``(n, dim)``.
            scales: Shape ``(n,)``.
            place: First row and number of rows that are free.

        Returns:
            The first row of them.
        """
        first, room = place
        if len(codes) > room:
            first = self._rows
            self._rows += len(codes)
        self._changed[first] = scales
        self._stream.seek(self._header_bytes + first * self._dim)
        self._stream.write(codes.tobytes())
        return first

    def close(self, *, complete: bool) -> None:
        """Write how many there are now, and the scales."""
        with self._stream as stream:
            if not complete:
                return
            if self._rows != self._old_rows:
                stream.seek(0)
                header = {"descr": "|u1", "fortran_order": False, "shape": (self._rows, self._dim)}
                np.lib.format.write_array_header_1_0(stream, header)
                if stream.tell() != self._header_bytes:
                    raise SnapshotCorrupt(f"{PASSAGES}: its header has no room to grow")
        scales = np.zeros(self._rows, np.float32)
        scales[: self._old_rows] = self._scales
        for first, own in self._changed.items():
            scales[first : first + len(own)] = own
        np.save(self._folder / PASSAGE_SCALES, scales)
