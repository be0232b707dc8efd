"""Publishes snapshots from SQL: decides what is written.

``publish_schedule`` decides when, and ``shared.snapshot.commit`` how. A snapshot is made from the
current one, by writing only the movies that have changed since that was started
(``shared.snapshot.editor``). Everything is written again when the current snapshot is not of this
database and encoder, when an earlier version made the terms of its lexical index or did not count
them, when it is damaged, when more than half of it would change, or when too much of its passage
file has become waste.

The gate refuses a snapshot with less than half of the current snapshot's movies, to catch
accidents. Movies that removals have taken out since are intended (the guard of ``removal`` has
allowed them), so they are counted together with the movies that are left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from prometheus_client import Counter
from sqlalchemy import RowMapping

from services.embedder.database.snapshot_records import (
    SnapshotChanges,
    SnapshotInput,
    SnapshotRecords,
)
from services.embedder.movie_map import map_layout
from services.embedder.publishing.map_build import PreviousMap, previous_map, write_map
from services.embedder.publishing.passage_choice import MOST_PASSAGES, chosen_passages
from services.embedder.publishing.pooling import pool
from services.embedder.publishing.poster_publishing import PosterOf, PosterPublisher, no_poster
from shared.encoder import EncoderSpec
from shared.record import MOVIE_FIELDS, REVIEW_FACTS, MovieRecord, RecordField
from shared.snapshot import commit
from shared.snapshot.editor import Base, SnapshotEditor
from shared.snapshot.files.atlas import ATLAS
from shared.snapshot.files.term_counts import TERM_HASHES_FILE
from shared.snapshot.storage.manifest import EncoderName, Manifest
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import ProcessVerificationCache, SnapshotCorrupt
from shared.snapshot.writer import EncodedReview, SnapshotWriter, passage_vectors
from shared.telemetry import get_logger
from shared.text.languages import ENGLISH
from shared.text.passages import Span
from shared.text.terms import VERSION as TERMS_VERSION

MOST_CHANGED_SHARE = 0.5
MOST_DEAD_SHARE = 0.25

_refused = Counter(
    "movie_search_embedder_snapshots_not_promoted_total",
    "Snapshots that were written but refused by the promotion gate",
)


class Publisher:
    """Publishes snapshots of the content of the database.

    Example:
        Publish what one encoder has encoded, and open the snapshot::

            publisher = Publisher(
                SnapshotRecords(engine, spec.encoder_id), SnapshotStore(folder),
                spec=spec, precision="f32", keep=5, lease_folder=folder / "leases",
            )
            manifest = publisher.publish()
            if manifest is not None:
                snapshot = open_snapshot(SnapshotStore(folder), manifest.snapshot_id)

    Args:
        records: The snapshot records of the encoder in use.
        snapshots: The store to publish into.
        spec: The encoder in use.
        precision: Precision in which passages are encoded.
        keep: Number of snapshots that retention keeps.
        lease_folder: Folder of the leases that keep snapshots from being deleted.
        promote: The promotion gate; None to promote every snapshot.
        language: The catalogue's language, by which terms are made.
        posters: Publishes the pictures that snapshots name; None to publish none.
    """

    def __init__(
        self,
        records: SnapshotRecords,
        snapshots: SnapshotStore,
        *,
        spec: EncoderSpec,
        precision: str,
        keep: int,
        lease_folder: Path,
        promote: commit.Promote | None = None,
        language: str = ENGLISH,
        posters: PosterPublisher | None = None,
    ) -> None:
        self._records = records
        self._posters = posters
        self._snapshots = snapshots
        self._encoder = EncoderName(
            encoder_id=spec.encoder_id,
            model=spec.model,
            dim=spec.dim,
            passage_precision=precision,
        )
        self._keep = keep
        self._lease_folder = lease_folder
        self._promote = promote
        self._language = language
        self._verified = ProcessVerificationCache()

    def prepare(self) -> None:
        """Import the libraries that publishing needs; takes a second or two the first time."""
        map_layout.load()

    def publish(self) -> Manifest | None:
        """Publish the content of the database; returns None if no movie can be found yet.

        Raises:
            shared.snapshot.commit.GateFailed: The snapshot is not valid; nothing has changed.
            shared.snapshot.commit.StoreBusy: Another process publishes; nothing has changed.
            OSError: The store cannot be written, or is full; nothing has changed.
            shared.snapshot.commit.PromotionRefused: The snapshot is written, but not current.
        """
        started = time.monotonic()
        try:
            manifest, changed = self._publish()
        except commit.PromotionRefused:
            _refused.inc()
            self._retain()
            raise
        if manifest is None:
            return None
        self._records.published(manifest.sequence, manifest.snapshot_id, manifest.counts.movies)
        get_logger().info(
            "snapshot published",
            snapshot=manifest.snapshot_id,
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
            passages=manifest.counts.passages,
            written="all" if changed is None else changed,
            took_s=round(time.monotonic() - started, 2),
        )
        self._retain()
        return manifest

    def _publish(self) -> tuple[Manifest | None, int | None]:
        """Commit a snapshot; also returns how many movies were written, None for all of them."""
        base = self._base()
        if base is not None:
            try:
                published = self._publish_changes(*base)
            except SnapshotCorrupt as error:
                get_logger().error("snapshot damaged, rewriting all movies", error=str(error))
            else:
                if published is not None:
                    return published
        with self._records.content() as source:
            if source.movies == 0:
                return None, None
            return self._commit(
                lambda folder: write_files(
                    folder,
                    source,
                    self._encoder,
                    previous_map(self._snapshots, self._verified, language=self._language),
                    language=self._language,
                    poster_of=self._poster_of(),
                ),
                revision=source.revision,
                expected_bytes=source.passages * (2 * self._encoder.dim + 400)
                + source.movies * 4 * self._encoder.dim,
                force=self._is_explained(source.movies),
            ), None

    def _publish_changes(self, base: Base, since: int) -> tuple[Manifest, int] | None:
        """Publish the base with the changes since a revision; None if there are too many.

        Raises:
            SnapshotCorrupt: The base is damaged.
        """
        counts = base.manifest.counts
        if base.dead_share() > MOST_DEAD_SHARE or base.most_passages() > MOST_PASSAGES:
            return None
        with self._records.changes(since) as changes:
            share = len(changes.ids) / max(1, counts.movies)
            if share > MOST_CHANGED_SHARE:
                return None
            base.verify(self._verified)
            size_bytes = sum(entry.size_bytes for entry in base.manifest.files.values())
            manifest = self._commit(
                lambda folder: write_changes(
                    folder,
                    base,
                    changes,
                    previous_map(self._snapshots, self._verified),
                    poster_of=self._poster_of(),
                ),
                revision=changes.revision,
                expected_bytes=round(size_bytes * (1 + 2 * share)),
                force=self._is_explained(counts.movies - len(changes.ids)),
            )
            return manifest, len(changes.ids)

    def _commit(
        self, write: Callable[[Path], commit.Draft], *, revision: int, expected_bytes: int,
        force: bool,
    ) -> Manifest:  # fmt: skip
        sequence = self._records.begin(revision, at_least=self._highest_on_disk() + 1)
        return commit.publish(
            self._snapshots,
            sequence=sequence,
            write=write,
            expected_bytes=expected_bytes,
            force=force,
            promote=self._promote,
            verified=self._verified,
        )

    def _base(self) -> tuple[Base, int] | None:
        """Return the current snapshot and its revision, if it is of this database and encoder."""
        try:
            current = self._snapshots.current()
            manifest = self._snapshots.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        except (NoSnapshot, SnapshotCorrupt):
            return None
        since = self._records.revision_of(manifest.sequence, manifest.snapshot_id)
        if since is None or manifest.encoder != self._encoder or ATLAS not in manifest.files:
            return None
        # An index of both kinds of terms could not be searched.
        if manifest.terms != TERMS_VERSION or manifest.language != self._language:
            return None
        if TERM_HASHES_FILE not in manifest.files:
            return None
        return Base(self._snapshots.folder(current.snapshot_id), manifest), since

    def _is_explained(self, movies: int) -> bool:
        """Whether removals explain that a snapshot has less than half of the current movies."""
        try:
            current = self._snapshots.manifest(self._snapshots.current().snapshot_id)
        except (NoSnapshot, SnapshotCorrupt):
            return False
        removed = self._records.movies_removed_since(current.sequence, current.snapshot_id)
        return removed > 0 and (movies + removed) * 2 >= current.counts.movies

    def _retain(self) -> None:
        deleted = commit.retain(self._snapshots, keep=self._keep, lease_folder=self._lease_folder)
        if deleted:
            get_logger().info("old snapshots deleted", count=len(deleted))
        if self._posters is not None:
            self._posters.sweep_when_due()

    def _poster_of(self) -> PosterOf:
        return self._posters.poster_of() if self._posters is not None else no_poster

    def current_is_ours(self) -> bool:
        """Whether ``CURRENT`` is readable and of the encoder in use."""
        try:
            current = self._snapshots.current()
            manifest = self._snapshots.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        except (NoSnapshot, SnapshotCorrupt):
            return False
        return manifest.encoder.encoder_id == self._encoder.encoder_id

    def current_is_in_another_language(self) -> bool:
        """Whether ``CURRENT`` is readable, and its terms are not of the catalogue's language."""
        try:
            manifest = self._snapshots.manifest(self._snapshots.current().snapshot_id)
        except (NoSnapshot, SnapshotCorrupt):
            return False
        return manifest.language != self._language

    def _highest_on_disk(self) -> int:
        """Return the highest sequence number in the store, which a new database must not reuse."""
        return max((int(name[:8]) for name in self._snapshots.snapshot_ids()), default=0)


def write_files(
    folder: Path,
    source: SnapshotInput,
    encoder: EncoderName,
    previous: PreviousMap | None,
    *,
    language: str = ENGLISH,
    poster_of: PosterOf = no_poster,
) -> commit.Draft:
    """Write all files of a snapshot; movies whose pooled vector is zero are left out.

    Args:
        folder: Folder of the new snapshot.
        source: The content.
        encoder: The encoder of the vectors.
        previous: The map to stay close to, if there is one.
        language: The catalogue's language.
        poster_of: Names and publishes the picture of a movie.
    """
    with SnapshotWriter(
        folder, dim=encoder.dim, passages=source.passages, language=language
    ) as writer:
        for facts, reviews, vector in _movies(source.rows, encoder.dim):
            writer.add(facts, reviews, vector, poster_of(facts.poster_url))
        writer.add_former_ids(source.former_ids)
    write_map(folder, previous, movies=writer.counts.movies, dim=encoder.dim, language=language)
    return commit.Draft(counts=writer.counts, encoder=encoder, language=language)


def write_changes(
    folder: Path,
    base: Base,
    changes: SnapshotChanges,
    previous: PreviousMap | None,
    *,
    poster_of: PosterOf = no_poster,
) -> commit.Draft:
    """Write the files of a snapshot that differs from its base in some movies only.

    Args:
        folder: Folder of the new snapshot.
        base: The snapshot to copy the unchanged movies from.
        changes: The changed and removed movies.
        previous: The map to stay close to, if there is one.
        poster_of: Names and publishes the picture of a movie.
    """
    encoder, language = base.manifest.encoder, base.manifest.language
    with SnapshotEditor(folder, base) as editor:
        editor.take_out(changes.ids)
        for facts, reviews, vector in _movies(changes.rows, encoder.dim):
            editor.put(facts, reviews, vector, poster_of(facts.poster_url))
        editor.add_former_ids(changes.former_ids)
    write_map(folder, previous, movies=editor.counts.movies, dim=encoder.dim, language=language)
    return commit.Draft(
        counts=editor.counts, encoder=encoder, language=language, linked=editor.linked()
    )


def _movies(
    rows: Iterable[tuple[RowMapping, list[RowMapping]]], dim: int
) -> Iterator[tuple[MovieRecord, list[EncodedReview], npt.NDArray[np.float32]]]:
    """Yield movies with their reviews and pooled vectors.

    A movie without reviews has the zero vector; one whose reviews have a zero mean is skipped.
    """
    for movie, review_rows in rows:
        # By their bytes: databases sort texts differently, and pages of reviews go by this order.
        reviews = sorted((_review(row, dim) for row in review_rows), key=lambda it: it.review_id)
        vector = _pooled(reviews, dim) if reviews else np.zeros(dim, np.float32)
        if vector is None:
            get_logger().error("movie skipped: zero vector", movie=movie["movie_id"])
            continue
        yield _facts(movie, review_rows), chosen_passages(reviews), vector


def _pooled(reviews: Sequence[EncodedReview], dim: int) -> npt.NDArray[np.float32] | None:
    return pool(passage_vectors(reviews, dim), [len(review.spans) for review in reviews])


def _facts(movie: RowMapping, reviews: list[RowMapping]) -> MovieRecord:
    facts = {field.name: _value(movie[field.name], field) for field in MOVIE_FIELDS}
    if facts["rating"] is None:
        facts["rating"] = _mean_rating(reviews)
    return MovieRecord(**facts)


def _review(row: RowMapping, dim: int) -> EncodedReview:
    return EncodedReview(
        **{field.name: row[field.name] for field in REVIEW_FACTS},
        review_id=row["review_id"],
        text=row["text"],
        spans=[Span(*pair) for pair in np.frombuffer(row["spans"], "<i4").reshape(-1, 2).tolist()],
        vectors=np.frombuffer(row["vectors"], dtype="<f2").reshape(-1, dim),
    )


def _value(value: Any, field: RecordField) -> Any:
    return tuple(value) if field.type is tuple else value


def _mean_rating(reviews: list[RowMapping]) -> float | None:
    ratings = [row["rating"] for row in reviews if row["rating"] is not None]
    return round(sum(ratings) / len(ratings), 1) if ratings else None
