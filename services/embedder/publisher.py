"""SQL to snapshot: when to publish, and what is written.

When: nothing has changed for ``publish_idle_s`` and the work list is empty; or, while changes
flow, every ``publish_every_s``. After a change of the encoder the work list must be empty first,
so that no snapshot holds half of the films. How: ``shared.snapshot.commit``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import RowMapping

from services.embedder.pooling import pool
from services.embedder.store import SnapshotInput, VectorStore
from shared.encoder import EncoderSpec
from shared.snapshot import commit
from shared.snapshot.catalogue import CatalogueMovie, CatalogueReview, CatalogueWriter
from shared.snapshot.index import write_index
from shared.snapshot.manifest import (
    CATALOGUE,
    PASSAGES,
    VECTORS,
    Counts,
    EncoderName,
    Manifest,
)
from shared.snapshot.store import NoSnapshot, SnapshotStore
from shared.snapshot.verify import SnapshotCorrupt
from shared.telemetry import get_logger


@dataclass
class Schedule:
    """When to publish. Times are of the monotonic clock, in seconds."""

    idle_s: float
    every_s: float
    last_change: float = 0.0
    last_publish: float = field(default_factory=time.monotonic)

    def changed(self) -> None:
        """Note that something has been stored or encoded."""
        self.last_change = time.monotonic()

    def published(self) -> None:
        """Note that a snapshot has been published, or could not be."""
        self.last_publish = time.monotonic()

    def due(self, *, backlog: int, same_encoder: bool) -> bool:
        """Whether to publish now, given that something has changed."""
        now = time.monotonic()
        if backlog == 0:
            waited = now - self.last_publish >= self.every_s
            return now - self.last_change >= self.idle_s or waited
        return same_encoder and now - self.last_publish >= self.every_s


class Publisher:
    """Publishes snapshots of what the database holds."""

    def __init__(
        self,
        vectors: VectorStore,
        snapshots: SnapshotStore,
        *,
        spec: EncoderSpec,
        precision: str,
        keep: int,
        lease_folder: Path,
    ) -> None:
        self._vectors = vectors
        self._snapshots = snapshots
        self._encoder = EncoderName(
            encoder_id=spec.encoder_id,
            model=spec.model,
            dim=spec.dim,
            passage_precision=precision,
        )
        self._keep = keep
        self._lease_folder = lease_folder

    def publish(self, *, force: bool = False) -> Manifest | None:
        """Publish what the database holds; None when no film has vectors yet.

        Raises:
            shared.snapshot.commit.GateFailed, StoreBusy, StoreFull, OSError: nothing has changed.
        """
        started = time.monotonic()
        with self._vectors.snapshot_input() as source:
            if source.movies == 0:
                return None
            sequence = self._vectors.begin_snapshot(
                source.revision, at_least=self._highest_on_disk() + 1
            )
            manifest = commit.publish(
                self._snapshots,
                sequence=sequence,
                write=lambda folder: write_files(folder, source, self._encoder),
                expected_bytes=source.passages * (2 * self._encoder.dim + 400),
                force=force,
            )
        self._vectors.snapshot_published(sequence, manifest.snapshot_id, manifest.counts.movies)
        get_logger().info(
            "snapshot published",
            snapshot=manifest.snapshot_id,
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
            passages=manifest.counts.passages,
            took_s=round(time.monotonic() - started, 2),
        )
        deleted = commit.retain(self._snapshots, keep=self._keep, lease_folder=self._lease_folder)
        if deleted:
            get_logger().info("old snapshots deleted", count=len(deleted))
        return manifest

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


def write_files(folder: Path, source: SnapshotInput, encoder: EncoderName) -> commit.Draft:
    """Write the files of a snapshot.

    Films whose passages have no common direction are left out; everybody else keeps their order.
    """
    pooled: list[npt.NDArray[np.float32]] = []
    passages = np.lib.format.open_memmap(
        folder / f"{PASSAGES}.all", mode="w+", dtype="<f2", shape=(source.passages, encoder.dim)
    )
    reviews = used = 0
    with CatalogueWriter(folder / CATALOGUE) as catalogue:
        for movie, rows in source.rows:
            vectors = [
                np.frombuffer(row["vectors"], dtype="<f2").reshape(-1, encoder.dim) for row in rows
            ]
            together = np.concatenate(vectors)
            vector = pool(together)
            if vector is None:
                get_logger().error("movie has no direction, left out", movie=movie["movie_id"])
                continue
            passages[used : used + len(together)] = together
            _add_movie(catalogue, len(pooled), movie, rows, used, len(together))
            _add_reviews(catalogue, len(pooled), rows, reviews, used)
            pooled.append(vector)
            reviews += len(rows)
            used += len(together)
    passages.flush()
    _cut(folder, passages, used)
    write_index(folder / VECTORS, np.stack(pooled))
    counts = Counts(movies=len(pooled), reviews=reviews, passages=used)
    return commit.Draft(counts=counts, encoder=encoder)


def _cut(folder: Path, passages: npt.NDArray[np.float16], used: int) -> None:
    """Give the passages their final name, without the room of films that were left out."""
    whole = folder / f"{PASSAGES}.all"
    if used == len(passages):
        whole.rename(folder / PASSAGES)
    else:
        np.save(folder / PASSAGES, passages[:used])
        whole.unlink()


def _add_movie(
    catalogue: CatalogueWriter,
    row: int,
    movie: RowMapping,
    reviews: list[RowMapping],
    passage_start: int,
    passage_count: int,
) -> None:
    catalogue.add_movie(
        CatalogueMovie(
            row=row,
            movie_id=movie["movie_id"],
            title=movie["title"],
            year=movie["year"],
            genres=tuple(movie["genres"]),
            directors=tuple(movie["directors"]),
            description=movie["description"],
            rating=movie["rating"] if movie["rating"] is not None else _mean_rating(reviews),
            url=movie["url"],
            review_count=len(reviews),
            passage_start=passage_start,
            passage_count=passage_count,
        )
    )


def _add_reviews(
    catalogue: CatalogueWriter,
    movie_row: int,
    rows: Iterable[RowMapping],
    first_review: int,
    first_passage: int,
) -> None:
    passage = first_passage
    for number, row in enumerate(rows, first_review):
        fields = ("review_id", "text", "rating", "title", "author", "published", "url", "language")
        catalogue.add_review(
            CatalogueReview(row=number, movie=movie_row, **{name: row[name] for name in fields})
        )
        spans = np.frombuffer(row["spans"], dtype="<i4").reshape(-1, 2).tolist()
        catalogue.add_passages(
            (passage + n, number, start, end) for n, (start, end) in enumerate(spans)
        )
        passage += len(spans)


def _mean_rating(reviews: list[RowMapping]) -> float | None:
    ratings = [row["rating"] for row in reviews if row["rating"] is not None]
    return round(sum(ratings) / len(ratings), 1) if ratings else None
