"""What SQL knows of snapshots: which there were, what has changed since, and what goes into one.

Every method is one transaction and blocking; callers run them in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Join, RowMapping, Select, and_, func, select, update
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import SnapshotRow
from services.embedder.database.review_store import MOVIES, REMOVED_MOVIES, REVIEWS
from services.embedder.database.work_list import VECTORS, has_vectors

SNAPSHOTS = SQLModel.metadata.tables["snapshots"]
CHUNK_MOVIES = 100


@dataclass(frozen=True, slots=True)
class SnapshotInput:
    """What a snapshot is made of, seen in one read transaction."""

    revision: int
    movies: int
    reviews: int
    passages: int
    rows: Iterator[tuple[RowMapping, list[RowMapping]]]


@dataclass(frozen=True, slots=True)
class SnapshotChanges:
    """What has changed since a snapshot was begun, seen in one read transaction.

    Attributes:
        revision: Of the last change.
        ids: Films that have changed or gone, in order.
        rows: Those that can be searched, as they are now; can be iterated once.
    """

    revision: int
    ids: Sequence[str]
    rows: Iterator[tuple[RowMapping, list[RowMapping]]]


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot that became current; ``at`` is when, in seconds since 1970."""

    sequence: int
    snapshot_id: str
    encoder_id: str
    revision: int
    at: float


class SnapshotRecords:
    """The snapshots of one encoder over one database."""

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id

    def changed_since_published(self) -> bool:
        """Whether films with vectors have changed or gone since this encoder's last snapshot."""
        with reading(self._engine) as connection:
            published = connection.execute(
                select(SNAPSHOTS.c.revision)
                .where(
                    SNAPSHOTS.c.snapshot_id.is_not(None),
                    SNAPSHOTS.c.encoder_id == self._encoder_id,
                )
                .order_by(SNAPSHOTS.c.sequence.desc())
                .limit(1)
            ).scalar()
            if published is not None:
                return _newest_revision(connection) > int(published)
            found = select(VECTORS.c.review_id).where(VECTORS.c.encoder_id == self._encoder_id)
            return connection.execute(found.limit(1)).first() is not None

    def newest_revision(self) -> int:
        """The number of the last change to what can be searched."""
        with reading(self._engine) as connection:
            return _newest_revision(connection)

    def last_published(self) -> Published | None:
        """The last snapshot that became current, of whatever encoder."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(
                    SNAPSHOTS.c.sequence,
                    SNAPSHOTS.c.snapshot_id,
                    SNAPSHOTS.c.encoder_id,
                    SNAPSHOTS.c.revision,
                    SNAPSHOTS.c.published_at,
                )
                .where(SNAPSHOTS.c.snapshot_id.is_not(None))
                .order_by(SNAPSHOTS.c.sequence.desc())
                .limit(1)
            ).first()
        if row is None:
            return None
        sequence, snapshot_id, encoder_id, revision, at = row
        moment = at if at is not None else time.time()
        return Published(sequence, snapshot_id, encoder_id, revision, moment)

    def revision_of(self, sequence: int, snapshot_id: str) -> int | None:
        """Of what revision a snapshot is; None when it is not one of this database and encoder."""
        with reading(self._engine) as connection:
            return connection.execute(
                select(SNAPSHOTS.c.revision).where(
                    SNAPSHOTS.c.sequence == sequence,
                    SNAPSHOTS.c.snapshot_id == snapshot_id,
                    SNAPSHOTS.c.encoder_id == self._encoder_id,
                )
            ).scalar()

    def movies_removed_since(self, sequence: int, snapshot_id: str) -> int:
        """How many films removals have taken out of search since this snapshot was begun.

        0 when the snapshot is not of this database: nothing then explains what it has more.
        """
        with reading(self._engine) as connection:
            revision = connection.execute(
                select(SNAPSHOTS.c.revision).where(
                    SNAPSHOTS.c.sequence == sequence, SNAPSHOTS.c.snapshot_id == snapshot_id
                )
            ).scalar()
            if revision is None:
                return 0
            removed = select(func.count()).where(REMOVED_MOVIES.c.revision > revision)
            return int(connection.execute(removed).scalar_one())

    def begin(self, revision: int, *, at_least: int = 1) -> int:
        """Number a snapshot, greater than every number given before and than ``at_least - 1``."""
        with writing(self._engine) as connection:
            last = connection.execute(select(func.max(SNAPSHOTS.c.sequence))).scalar_one() or 0
            record = SnapshotRow(
                sequence=max(last + 1, at_least),
                revision=revision,
                encoder_id=self._encoder_id,
                created_at=datetime.now(UTC),
            )
            connection.execute(SNAPSHOTS.insert().values(**record.model_dump()))
            assert record.sequence is not None  # noqa: S101 - set above
            return record.sequence

    def published(self, sequence: int, snapshot_id: str, movies: int) -> None:
        """Record that a snapshot is durable and, for the first time now or earlier, current."""
        with writing(self._engine) as connection:
            connection.execute(
                update(SNAPSHOTS)
                .where(SNAPSHOTS.c.sequence == sequence)
                .values(
                    snapshot_id=snapshot_id,
                    movies=movies,
                    published_at=func.coalesce(SNAPSHOTS.c.published_at, time.time()),
                )
            )

    @contextmanager
    def content(self) -> Iterator[SnapshotInput]:
        """Films in the order of their ids, each with its reviews that have vectors.

        The rows can be iterated once, while the context is open; they are streamed.
        """
        joined = self._searchable().join(MOVIES, MOVIES.c.movie_id == REVIEWS.c.movie_id)
        with reading(self._engine) as connection:
            revision = _newest_revision(connection)
            movies, reviews, passages = connection.execute(
                select(
                    func.count(func.distinct(REVIEWS.c.movie_id)),
                    func.count(),
                    func.coalesce(func.sum(VECTORS.c.passages), 0),
                ).select_from(joined)
            ).one()
            described = {
                row["movie_id"]: row for row in connection.execute(select(MOVIES)).mappings()
            }
            with connection.execution_options(yield_per=500).execute(
                _reviews().select_from(joined)
            ) as stream:
                rows = _by_movie(described, stream.mappings())
                yield SnapshotInput(revision, movies, reviews, int(passages), rows)

    @contextmanager
    def changes(self, since: int) -> Iterator[SnapshotChanges]:
        """What is not in a snapshot of the revision ``since``.

        The rows can be iterated once, while the context is open; they are streamed.
        """
        with reading(self._engine) as connection:
            ids = {
                movie_id
                for table in (MOVIES, REMOVED_MOVIES)
                for movie_id in connection.execute(
                    select(table.c.movie_id).where(table.c.revision > since)
                ).scalars()
            }
            ordered = sorted(ids)
            revision = _newest_revision(connection)
            yield SnapshotChanges(revision, ordered, self._rows_of(connection, ordered))

    def _rows_of(
        self, connection: Connection, movie_ids: Sequence[str]
    ) -> Iterator[tuple[RowMapping, list[RowMapping]]]:
        for start in range(0, len(movie_ids), CHUNK_MOVIES):
            some = movie_ids[start : start + CHUNK_MOVIES]
            films = connection.execute(select(MOVIES).where(MOVIES.c.movie_id.in_(some)))
            described = {row["movie_id"]: row for row in films.mappings()}
            reviews = connection.execute(
                _reviews().select_from(self._searchable()).where(REVIEWS.c.movie_id.in_(some))
            )
            yield from _by_movie(described, reviews.mappings())

    def _searchable(self) -> Join:
        return REVIEWS.join(VECTORS, and_(has_vectors(self._encoder_id), VECTORS.c.passages > 0))


def _reviews() -> Select[Any]:
    return select(REVIEWS, VECTORS.c.spans, VECTORS.c.vectors).order_by(
        REVIEWS.c.movie_id, REVIEWS.c.review_id
    )


def _by_movie(
    described: Mapping[str, RowMapping], reviews: Iterable[RowMapping]
) -> Iterator[tuple[RowMapping, list[RowMapping]]]:
    for movie_id, group in groupby(reviews, key=lambda row: str(row["movie_id"])):
        yield described[movie_id], list(group)


def _newest_revision(connection: Connection) -> int:
    """The revision of the last change to a film, or of the last film's removal."""
    movies = connection.execute(select(func.max(MOVIES.c.revision))).scalar()
    removed = connection.execute(select(func.max(REMOVED_MOVIES.c.revision))).scalar()
    return max(movies or 0, removed or 0)
