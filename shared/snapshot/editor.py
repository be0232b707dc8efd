"""Writes the files of a snapshot as a changed copy of another's; unchanged parts are copied.

1. Every file of the base is verified (``shared.snapshot.storage.verify``): copies get new hashes,
   and damage must not get a valid one.
2. Vectors, passages and the catalogue are copied, and the rows of changed movies are overwritten.
   The passages of a movie stay in place if the new ones fit, and go to the end of the file
   otherwise; rows that are left over belong to no movie (``dead_share``).
3. A new movie takes the next row. The last movie takes the row of a movie that is gone: rows stay
   dense, and the order of movies differs from that of a snapshot written from scratch.
4. The lexical index links the base's files and adds to them (``shared.snapshot.files.lexical``).
   The term counts are copied up to each changed movie (``shared.snapshot.files.term_counts``).

The base is never changed. ``shared.snapshot.commit`` makes the new files durable.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.record import MovieRecord
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.files.catalogue_editor import CatalogueEditor
from shared.snapshot.files.index import VectorIndex, write_index
from shared.snapshot.files.lexical import MOST_DELETED_SHARE, LexicalWriter, deleted_share
from shared.snapshot.files.passage_vectors import quantise
from shared.snapshot.files.term_counts import TermCounts, TermCountsWriter
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    LEXICAL_FOLDER,
    PASSAGE_SCALES_FILE,
    PASSAGES_FILE,
    VECTORS_FILE,
    Counts,
    FileEntry,
    Manifest,
)
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file
from shared.snapshot.writer import EncodedReview, lexical_phrases, passage_vectors, write_movie


@dataclass(frozen=True)
class Base:
    """A published snapshot of which another one is a changed copy."""

    folder: Path
    manifest: Manifest

    def verify(self, verified: VerificationCache | None = None) -> None:
        """Check every file against the manifest.

        Raises:
            SnapshotCorrupt: a file is missing or differs.
        """
        for name, entry in self.manifest.files.items():
            verify_file(self.folder / name, entry, verified=verified)

    def dead_share(self) -> float:
        """The share of rows of the passages' file that belong to no movie.

        Raises:
            SnapshotCorrupt: the file cannot be read.
        """
        try:
            rows = int(np.load(self.folder / PASSAGES_FILE, mmap_mode="r").shape[0])
        except (OSError, ValueError) as error:
            raise SnapshotCorrupt(f"{PASSAGES_FILE}: {error}") from error
        return 1 - self.manifest.counts.passages / rows if rows else 0.0

    def most_passages(self) -> int:
        """The largest number of passages that a movie has.

        Raises:
            SnapshotCorrupt: the catalogue cannot be read.
        """
        with closing(Catalogue(self.folder / CATALOGUE_FILE)) as catalogue:
            return catalogue.most_passages()


class SnapshotEditor:
    """Writes a snapshot into a folder; use as a context manager.

    Args:
        folder: An empty folder, preferably on the base's file system.
        base: The snapshot to change, verified.
    """

    def __init__(self, folder: Path, base: Base) -> None:
        self._folder = folder
        self._base = base
        counts, dim = base.manifest.counts, base.manifest.encoder.dim
        index = VectorIndex(base.folder / VECTORS_FILE, rows=counts.movies, dim=dim)
        self._old_vectors = index.vectors()
        self._vectors: dict[int, npt.NDArray[np.float32]] = {}
        self._passages = _PassageFile(folder, base.folder)
        self._catalogue = CatalogueEditor(
            folder / CATALOGUE_FILE, base=base.folder / CATALOGUE_FILE
        )
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
                write_index(self._folder / VECTORS_FILE, self._all_vectors())
        finally:
            self._catalogue.__exit__(kind, *rest)
            self._passages.close(complete=kind is None)

    @property
    def counts(self) -> Counts:
        """How much has been written; only after the context has ended."""
        assert self._counts is not None  # noqa: S101 - the context has ended
        return self._counts

    def linked(self) -> Mapping[str, FileEntry]:
        """The files that are links to the base's, with their entries in its manifest."""
        return {
            name: entry
            for name, entry in self._base.manifest.files.items()
            if (self._folder / name).exists()
            and (self._folder / name).samefile(self._base.folder / name)
        }

    def take_out(self, movie_ids: Iterable[str]) -> None:
        """Remove movies; changed ones are added again with ``put``, after all were removed.

        So a review that was moved from one movie to another is never in both.
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
        facts: MovieRecord,
        reviews: Sequence[EncodedReview],
        vector: npt.NDArray[np.float32],
        poster: str | None = None,
    ) -> None:
        """Write a movie with its reviews.

        Args:
            facts: The movie: a new one, or one that was taken out.
            reviews: The movie's reviews with their passages; none if only facts are known.
            vector: Its pooled unit vector, shape ``(dim,)``; zeros without reviews.
            poster: The sha256 of its poster; None without one.
        """
        row, start, room = self._taken_out.pop(facts.movie_id, (len(self._ids), 0, 0))
        if row == len(self._ids):
            self._ids.append(facts.movie_id)
        else:
            self._ids[row] = facts.movie_id
        codes, scales = quantise(passage_vectors(reviews, self._old_vectors.shape[1]))
        first = self._passages.put(codes, scales, (start, room))
        number = self._catalogue.take_review_rows(len(reviews))
        write_movie(
            self._catalogue,
            row,
            facts,
            reviews,
            first_review=number,
            first_passage=first,
            poster=poster,
        )
        self._vectors[row] = vector
        self._unindexed.add(row)

    def add_former_ids(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Write ids that movies had before, as ``(former id, movie id)``."""
        self._catalogue.add_former_ids(pairs)

    def _fill_holes(self) -> None:
        """Move the last movies to the rows of movies that are gone."""
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
        target, base = self._folder / LEXICAL_FOLDER, self._base.folder / LEXICAL_FOLDER
        outdated = [row for row in sorted(self._unindexed) if row < len(self._old_vectors)]
        from_scratch = deleted_share(base, more=len(outdated)) > MOST_DELETED_SHARE
        rows = range(len(self._ids)) if from_scratch else sorted(self._unindexed)
        language = self._base.manifest.language
        old_counts = TermCounts(self._base.folder, rows=len(self._old_vectors))
        with (
            LexicalWriter(target, base=None if from_scratch else base) as writer,
            TermCountsWriter(self._folder) as counts,
        ):
            for row in [] if from_scratch else outdated:
                writer.remove(row)
            for row in rows:
                if row >= len(self._ids):
                    continue
                facts, reviews = self._catalogue.facts(row), self._catalogue.texts(row)
                document = lexical_phrases(facts, reviews, language=language)
                writer.add(row, chain.from_iterable(document))
                if row in self._unindexed:
                    counts.copy_until(row, old_counts)
                    counts.add(document)
            counts.copy_until(len(self._ids), old_counts)


class _PassageFile:
    """A copy of the passages and their scales that can be overwritten and extended."""

    def __init__(self, folder: Path, base: Path) -> None:
        self._folder = folder
        shutil.copyfile(base / PASSAGES_FILE, folder / PASSAGES_FILE)
        self._stream = (folder / PASSAGES_FILE).open("r+b")
        version = np.lib.format.read_magic(self._stream)
        if version != (1, 0):
            raise SnapshotCorrupt(f"{PASSAGES_FILE} has a header of version {version}")
        shape, _, _ = np.lib.format.read_array_header_1_0(self._stream)
        self._header_bytes = self._stream.tell()
        self._rows, self._dim = shape
        self._old_rows = self._rows
        self._scales = np.load(base / PASSAGE_SCALES_FILE, allow_pickle=False)
        self._changed: dict[int, npt.NDArray[np.float32]] = {}

    def put(
        self,
        codes: npt.NDArray[np.uint8],
        scales: npt.NDArray[np.float32],
        free: tuple[int, int],
    ) -> int:
        """Write passages into free rows, or at the end if those are too few.

        Args:
            codes: Shape ``(n, dim)``.
            scales: Shape ``(n,)``.
            free: The first free row and the number of free rows.

        Returns:
            The row of the first passage.
        """
        first, room = free
        if len(codes) > room:
            first = self._rows
            self._rows += len(codes)
        self._changed[first] = scales
        self._stream.seek(self._header_bytes + first * self._dim)
        self._stream.write(codes.tobytes())
        return first

    def close(self, *, complete: bool) -> None:
        """Write the number of passages into the header, and the scales."""
        with self._stream as stream:
            if not complete:
                return
            if self._rows != self._old_rows:
                stream.seek(0)
                header = {"descr": "|u1", "fortran_order": False, "shape": (self._rows, self._dim)}
                np.lib.format.write_array_header_1_0(stream, header)
                if stream.tell() != self._header_bytes:
                    raise SnapshotCorrupt(f"{PASSAGES_FILE}: its header has no room to grow")
        scales = np.zeros(self._rows, np.float32)
        scales[: self._old_rows] = self._scales
        for first, changed in self._changed.items():
            scales[first : first + len(changed)] = changed
        np.save(self._folder / PASSAGE_SCALES_FILE, scales)
