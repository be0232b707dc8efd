"""SQL to snapshot: what is written. When: ``schedule``; how: ``shared.snapshot.commit``.

A snapshot is made from the one being served, by writing the films that have changed since that was
begun (``shared.snapshot.editor``). All of it is written anew when there is no such snapshot of this
database and encoder, when it is damaged, when more than half of it would change, or when too much
of its passages' file has become waste.

The gate that refuses a snapshot with less than half of the films being served is there for
accidents. Films that removals have taken out since are none (the guard of ``removal`` has let
them): what is left is counted together with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

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
from services.embedder.publishing.pooling import pool
from shared.encoder import EncoderSpec
from shared.snapshot import commit
from shared.snapshot.editor import Base, SnapshotEditor
from shared.snapshot.files.atlas import ATLAS
from shared.snapshot.storage.manifest import EncoderName, Manifest
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import ProcessVerificationCache, SnapshotCorrupt
from shared.snapshot.writer import EncodedReview, MovieFacts, SnapshotWriter
from shared.telemetry import get_logger
from shared.text.passages import Span

MOST_CHANGED_SHARE = 0.5
MOST_DEAD_SHARE = 0.25

_refused = Counter(
    "embedder_snapshots_not_promoted_total", "Snapshots that were published but not made current"
)


class Publisher:
    """Publishes snapshots of what the database holds."""

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
    ) -> None:
        self._records = records
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
        self._proofs = ProcessVerificationCache()

    def prepare(self) -> None:
        """Load what publishing needs: the first time it takes a second or two, then none."""
        map_layout.load()

    def publish(self, *, force: bool = False) -> Manifest | None:
        """Publish what the database holds; None when no film has vectors yet.

        Raises:
            shared.snapshot.commit.GateFailed, StoreBusy, StoreFull, OSError: nothing has changed.
            shared.snapshot.commit.PromotionRefused: it is published, and not served.
        """
        started = time.monotonic()
        try:
            manifest, changed = self._publish(force=force)
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

    def _publish(self, *, force: bool) -> tuple[Manifest | None, int | None]:
        """Commit a snapshot; how many movies of it were written, None for all of them."""
        base = self._base()
        if base is not None:
            try:
                published = self._publish_changes(*base, force=force)
            except SnapshotCorrupt as error:
                get_logger().error("snapshot is damaged, writing all anew", error=str(error))
            else:
                if published is not None:
                    return published
        with self._records.content() as source:
            if source.movies == 0:
                return None, None
            return self._commit(
                lambda folder: write_files(
                    folder, source, self._encoder, previous_map(self._snapshots, self._proofs)
                ),
                revision=source.revision,
                expected_bytes=source.passages * (2 * self._encoder.dim + 400),
                force=force or self._is_explained(source.movies),
            ), None

    def _publish_changes(
        self, base: Base, since: int, *, force: bool
    ) -> tuple[Manifest, int] | None:
        """Publish the base with what has changed in it; None when that is too much.

        Raises:
            SnapshotCorrupt: the base is damaged.
        """
        counts = base.manifest.counts
        if base.dead_share() > MOST_DEAD_SHARE:
            return None
        with self._records.changes(since) as changes:
            share = len(changes.ids) / max(1, counts.movies)
            if share > MOST_CHANGED_SHARE:
                return None
            base.prove(self._proofs)
            size_bytes = sum(entry.size_bytes for entry in base.manifest.files.values())
            manifest = self._commit(
                lambda folder: write_changes(
                    folder, base, changes, previous_map(self._snapshots, self._proofs)
                ),
                revision=changes.revision,
                expected_bytes=round(size_bytes * (1 + 2 * share)),
                force=force or self._is_explained(counts.movies - len(changes.ids)),
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
            proofs=self._proofs,
        )

    def _base(self) -> tuple[Base, int] | None:
        """What is being served and its revision, if it is of this database and encoder."""
        try:
            current = self._snapshots.current()
            manifest = self._snapshots.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        except (NoSnapshot, SnapshotCorrupt):
            return None
        since = self._records.revision_of(manifest.sequence, manifest.snapshot_id)
        if since is None or manifest.encoder != self._encoder or ATLAS not in manifest.files:
            return None
        return Base(self._snapshots.folder(current.snapshot_id), manifest), since

    def _is_explained(self, movies: int) -> bool:
        """Whether, with what removals have taken out, half of the films being served are there."""
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

    def current_is_ours(self) -> bool:
        """Whether ``CURRENT`` is readable and of the encoder in use."""
        try:
            current = self._snapshots.current()
            manifest = self._snapshots.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        except (NoSnapshot, SnapshotCorrupt):
            return False
        return manifest.encoder.encoder_id == self._encoder.encoder_id

    def _highest_on_disk(self) -> int:
        """A new database over an old store must not reuse its numbers."""
        return max((int(name[:8]) for name in self._snapshots.snapshot_ids()), default=0)


def write_files(
    folder: Path, source: SnapshotInput, encoder: EncoderName, previous: PreviousMap | None
) -> commit.Draft:
    """Write the files of a snapshot.

    Films whose passages have no common direction are left out; everybody else keeps their order.
    The map keeps to the ``previous`` one.
    """
    with SnapshotWriter(folder, dim=encoder.dim, passages=source.passages) as writer:
        for film in _films(source.rows, encoder.dim):
            writer.add(*film)
    write_map(folder, previous, movies=writer.counts.movies, dim=encoder.dim)
    return commit.Draft(counts=writer.counts, encoder=encoder)


def write_changes(
    folder: Path, base: Base, changes: SnapshotChanges, previous: PreviousMap | None
) -> commit.Draft:
    """Write the files of a snapshot that differs from its base by some films only."""
    encoder = base.manifest.encoder
    with SnapshotEditor(folder, base) as editor:
        editor.take_out(changes.ids)
        for film in _films(changes.rows, encoder.dim):
            editor.put(*film)
    write_map(folder, previous, movies=editor.counts.movies, dim=encoder.dim)
    return commit.Draft(counts=editor.counts, encoder=encoder, linked=editor.linked())


def _films(
    rows: Iterable[tuple[RowMapping, list[RowMapping]]], dim: int
) -> Iterator[tuple[MovieFacts, list[EncodedReview], npt.NDArray[np.float32]]]:
    """Films with their reviews and pooled vectors; those without a common direction left out."""
    for movie, found in rows:
        reviews = [_review(row, dim) for row in found]
        vector = pool(np.concatenate([review.vectors for review in reviews]))
        if vector is None:
            get_logger().error("movie has no direction, left out", movie=movie["movie_id"])
            continue
        yield _facts(movie, found), reviews, vector


def _facts(movie: RowMapping, reviews: list[RowMapping]) -> MovieFacts:
    return MovieFacts(
        movie_id=movie["movie_id"],
        title=movie["title"],
        year=movie["year"],
        genres=tuple(movie["genres"]),
        directors=tuple(movie["directors"]),
        description=movie["description"],
        rating=movie["rating"] if movie["rating"] is not None else _mean_rating(reviews),
        url=movie["url"],
    )


def _review(row: RowMapping, dim: int) -> EncodedReview:
    fields = ("review_id", "text", "rating", "title", "author", "published", "url", "language")
    return EncodedReview(
        **{name: row[name] for name in fields},
        spans=[Span(*pair) for pair in np.frombuffer(row["spans"], "<i4").reshape(-1, 2).tolist()],
        vectors=np.frombuffer(row["vectors"], dtype="<f2").reshape(-1, dim),
    )


def _mean_rating(reviews: list[RowMapping]) -> float | None:
    ratings = [row["rating"] for row in reviews if row["rating"] is not None]
    return round(sum(ratings) / len(ratings), 1) if ratings else None
