"""SQL to snapshot: what is written. When: ``schedule``; how: ``shared.snapshot.commit``.

The gate that refuses a snapshot with less than half of the films being served is there for
accidents. Films that removals have taken out since are none (the guard of ``removal`` has let
them): what is left is counted together with them.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from prometheus_client import Counter
from sqlalchemy import RowMapping

from services.embedder.atlas import Drawn
from services.embedder.cartography import Cartographer, previous_map
from services.embedder.pooling import pool
from services.embedder.snapshot_records import SnapshotInput, SnapshotRecords
from shared.encoder import EncoderSpec
from shared.passages import Span
from shared.snapshot import commit
from shared.snapshot.manifest import EncoderName, Manifest
from shared.snapshot.store import NoSnapshot, SnapshotStore
from shared.snapshot.verify import SnapshotCorrupt
from shared.snapshot.writer import EncodedReview, MovieFacts, SnapshotWriter
from shared.telemetry import get_logger

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

    def publish(self, *, force: bool = False) -> Manifest | None:
        """Publish what the database holds; None when no film has vectors yet.

        Raises:
            shared.snapshot.commit.GateFailed, StoreBusy, StoreFull, OSError: nothing has changed.
            shared.snapshot.commit.PromotionRefused: it is published, and not served.
        """
        started = time.monotonic()
        with self._records.content() as source:
            if source.movies == 0:
                return None
            sequence = self._records.begin(source.revision, at_least=self._highest_on_disk() + 1)
            try:
                manifest = commit.publish(
                    self._snapshots,
                    sequence=sequence,
                    write=lambda folder: write_files(
                        folder, source, self._encoder, previous_map(self._snapshots)
                    ),
                    expected_bytes=source.passages * (2 * self._encoder.dim + 400),
                    force=force or self._is_explained(source.movies),
                    promote=self._promote,
                )
            except commit.PromotionRefused:
                _refused.inc()
                self._retain()
                raise
        self._records.published(sequence, manifest.snapshot_id, manifest.counts.movies)
        get_logger().info(
            "snapshot published",
            snapshot=manifest.snapshot_id,
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
            passages=manifest.counts.passages,
            took_s=round(time.monotonic() - started, 2),
        )
        self._retain()
        return manifest

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
    folder: Path, source: SnapshotInput, encoder: EncoderName, previous: Drawn | None
) -> commit.Draft:
    """Write the files of a snapshot.

    Films whose passages have no common direction are left out; everybody else keeps their order.
    The map keeps to the ``previous`` one.
    """
    cartographer = Cartographer(previous, source.movies)
    with SnapshotWriter(folder, dim=encoder.dim, passages=source.passages) as writer:
        for movie, rows in source.rows:
            reviews = [_review(row, encoder.dim) for row in rows]
            vector = pool(np.concatenate([review.vectors for review in reviews]))
            if vector is None:
                get_logger().error("movie has no direction, left out", movie=movie["movie_id"])
                continue
            facts = _facts(movie, rows)
            writer.add(facts, reviews, vector)
            cartographer.add(facts, [review.text for review in reviews], vector)
    cartographer.write(folder)
    return commit.Draft(counts=writer.counts, encoder=encoder)


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
