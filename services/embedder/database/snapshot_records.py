"""The SQL side of snapshots: their records, the changes since one, and the content of a new one.

A snapshot holds each movie that has reviews with vectors, and each other movie that has a title or
a description to be found by, unless it has reviews whose vectors are not usable: what an encoder
spoils must not pass for movies without reviews. Snapshots of an earlier version hold reviewed
movies only: while there are others, these snapshots are outdated, and none is built upon them.

Every method is one blocking transaction; callers run it in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Join,
    RowMapping,
    Select,
    and_,
    exists,
    func,
    select,
    update,
)
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.models import MOVIES, REVIEWS, SnapshotRow
from services.embedder.database.movie_store import FORMER_IDS
from services.embedder.database.review_store import (
    FINDABLE,
    FINDABLE_BY,
    REMOVED_MOVIES,
    SOURCE_ITEMS,
)
from services.embedder.database.work_list import REVIEW_VECTORS, has_vectors

SNAPSHOTS = SQLModel.metadata.tables["snapshots"]
CHUNK_MOVIES = 100


@dataclass(frozen=True, slots=True)
class SnapshotInput:
    """The content of a snapshot, read in one transaction.

    Attributes:
        revision: Revision of the last change to it.
        movies: Number of movies.
        reviews: Number of reviews.
        passages: Number of passages, which is the number of vectors.
        former_ids: Ids that movies had before, as ``(former id, movie id)``.
        rows: Each movie with its reviews, then those that have none; can be iterated once.
    """

    revision: int
    movies: int
    reviews: int
    passages: int
    former_ids: Sequence[tuple[str, str]]
    rows: Iterator[tuple[RowMapping, list[RowMapping]]]


@dataclass(frozen=True, slots=True)
class SnapshotChanges:
    """The changes since a snapshot was started, read in one transaction.

    Attributes:
        revision: Revision of the last change.
        ids: Ids of the movies that have been changed or removed, sorted.
        former_ids: Ids that these movies had before, as ``(former id, movie id)``.
        rows: Those of them that can be searched now, with their reviews; can be iterated once.
    """

    revision: int
    ids: Sequence[str]
    former_ids: Sequence[tuple[str, str]]
    rows: Iterator[tuple[RowMapping, list[RowMapping]]]


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot that became current, at the time ``at`` in seconds since 1970."""

    sequence: int
    snapshot_id: str
    encoder_id: str
    revision: int
    at: float


class SnapshotRecords:
    """The records of one encoder's snapshots in one database."""

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id

    def changed_since_published(self) -> bool:
        """Whether searchable movies were changed or removed since this encoder's last snapshot."""
        with reading(self._engine) as connection:
            published = connection.execute(
                select(SNAPSHOTS.c.revision, SNAPSHOTS.c.unreviewed)
                .where(
                    SNAPSHOTS.c.snapshot_id.is_not(None),
                    SNAPSHOTS.c.encoder_id == self._encoder_id,
                )
                .order_by(SNAPSHOTS.c.sequence.desc())
                .limit(1)
            ).first()
            if published is not None and _newest_revision(connection) > published.revision:
                return True
            if published is not None and published.unreviewed:
                return False
            findable = select(MOVIES.c.movie_id).where(FINDABLE)
            if published is not None:
                findable = findable.where(~exists().where(REVIEWS.c.movie_id == MOVIES.c.movie_id))
            elif _exists(
                connection,
                select(REVIEW_VECTORS.c.review_id).where(
                    REVIEW_VECTORS.c.encoder_id == self._encoder_id
                ),
            ):
                return True
            return _exists(connection, findable)

    def newest_revision(self) -> int:
        """Return the revision of the last change to the searchable content."""
        with reading(self._engine) as connection:
            return _newest_revision(connection)

    def last_published(self) -> Published | None:
        """Return the last snapshot that became current, of any encoder; None if there is none."""
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
        sequence, snapshot_id, encoder_id, revision, published_at = row
        at = published_at if published_at is not None else time.time()
        return Published(sequence, snapshot_id, encoder_id, revision, at)

    def revision_of(self, sequence: int, snapshot_id: str) -> int | None:
        """Return the revision of a snapshot to build upon; None if another is needed.

        It must be of this database and encoder, and hold movies without reviews, too.
        """
        with reading(self._engine) as connection:
            return connection.execute(
                select(SNAPSHOTS.c.revision).where(
                    SNAPSHOTS.c.sequence == sequence,
                    SNAPSHOTS.c.snapshot_id == snapshot_id,
                    SNAPSHOTS.c.encoder_id == self._encoder_id,
                    SNAPSHOTS.c.unreviewed,
                )
            ).scalar()

    def movies_removed_since(self, sequence: int, snapshot_id: str) -> int:
        """Count the movies that removals have taken out of search since a snapshot was started.

        Returns 0 for a snapshot of another database, whose missing movies no removal explains.
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

    def stored_sources(self) -> list[str]:
        """The names of the sources of which something is stored."""
        with reading(self._engine) as connection:
            query = select(SOURCE_ITEMS.c.source).distinct().order_by(SOURCE_ITEMS.c.source)
            return list(connection.execute(query).scalars())

    def begin(self, revision: int, *, at_least: int = 1) -> int:
        """Record a new snapshot; returns its sequence number, greater than all earlier ones.

        Args:
            revision: Revision of the content that it will hold.
            at_least: Lowest number to return.
        """
        with writing(self._engine) as connection:
            last = connection.execute(select(func.max(SNAPSHOTS.c.sequence))).scalar_one() or 0
            record = SnapshotRow(
                sequence=max(last + 1, at_least),
                revision=revision,
                encoder_id=self._encoder_id,
                unreviewed=True,
                created_at=datetime.now(UTC),
            )
            connection.execute(SNAPSHOTS.insert().values(**record.model_dump()))
            assert record.sequence is not None  # noqa: S101 - it was set above
            return record.sequence

    def published(self, sequence: int, snapshot_id: str, movies: int) -> None:
        """Record that a snapshot is durable and current; repeated calls keep the first time."""
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
        """Read all movies, each with its reviews that have vectors; then those that have none.

        The rows are streamed and can be iterated once, while the context is open.
        """
        joined = self._searchable().join(MOVIES, MOVIES.c.movie_id == REVIEWS.c.movie_id)
        with reading(self._engine) as connection:
            revision = _newest_revision(connection)
            reviews, passages = connection.execute(
                select(
                    func.count(), func.coalesce(func.sum(REVIEW_VECTORS.c.passages), 0)
                ).select_from(joined)
            ).one()
            reviewed = set(
                connection.execute(
                    select(REVIEWS.c.movie_id).select_from(joined).distinct()
                ).scalars()
            )
            spoilt = self._spoilt(connection) - reviewed
            described = {
                row["movie_id"]: row
                for row in connection.execute(select(MOVIES)).mappings()
                if row["movie_id"] in reviewed
                or (is_findable(row) and row["movie_id"] not in spoilt)
            }
            with connection.execution_options(yield_per=500).execute(
                _reviews().select_from(joined)
            ) as stream:
                rows = _by_movie(described, stream.mappings())
                former = _former_ids(connection)
                yield SnapshotInput(revision, len(described), reviews, int(passages), former, rows)

    @contextmanager
    def changes(self, since: int) -> Iterator[SnapshotChanges]:
        """Read the changes that a snapshot of the revision ``since`` does not hold.

        The rows are streamed and can be iterated once, while the context is open.
        """
        with reading(self._engine) as connection:
            changed = {
                movie_id
                for table in (MOVIES, REMOVED_MOVIES)
                for movie_id in connection.execute(
                    select(table.c.movie_id).where(table.c.revision > since)
                ).scalars()
            }
            ids = sorted(changed)
            revision = _newest_revision(connection)
            former = _former_ids(connection, ids)
            yield SnapshotChanges(revision, ids, former, self._rows_of(connection, ids))

    def _rows_of(
        self, connection: Connection, movie_ids: Sequence[str]
    ) -> Iterator[tuple[RowMapping, list[RowMapping]]]:
        for start in range(0, len(movie_ids), CHUNK_MOVIES):
            chunk = movie_ids[start : start + CHUNK_MOVIES]
            movies = connection.execute(select(MOVIES).where(MOVIES.c.movie_id.in_(chunk)))
            described = {row["movie_id"]: row for row in movies.mappings()}
            reviews = connection.execute(
                _reviews().select_from(self._searchable()).where(REVIEWS.c.movie_id.in_(chunk))
            )
            spoilt = self._spoilt(connection, chunk)
            for movie, of_movie in _by_movie(described, reviews.mappings()):
                if of_movie or (is_findable(movie) and movie["movie_id"] not in spoilt):
                    yield movie, of_movie

    def _spoilt(self, connection: Connection, among: Sequence[str] | None = None) -> set[str]:
        """Return the movies with reviews whose vectors were not usable."""
        query = (
            select(REVIEWS.c.movie_id)
            .select_from(REVIEWS.join(REVIEW_VECTORS, has_vectors(self._encoder_id)))
            .where(REVIEW_VECTORS.c.passages == 0)
        )
        if among is not None:
            query = query.where(REVIEWS.c.movie_id.in_(among))
        return set(connection.execute(query.distinct()).scalars())

    def _searchable(self) -> Join:
        return REVIEWS.join(
            REVIEW_VECTORS, and_(has_vectors(self._encoder_id), REVIEW_VECTORS.c.passages > 0)
        )


def _reviews() -> Select[Any]:
    return select(REVIEWS, REVIEW_VECTORS.c.spans, REVIEW_VECTORS.c.vectors).order_by(
        REVIEWS.c.movie_id, REVIEWS.c.review_id
    )


def _by_movie(
    described: Mapping[str, RowMapping], reviews: Iterable[RowMapping]
) -> Iterator[tuple[RowMapping, list[RowMapping]]]:
    """Yield movies with their reviews, then those that have none."""
    reviewed = set()
    for movie_id, group in groupby(reviews, key=lambda row: str(row["movie_id"])):
        reviewed.add(movie_id)
        yield described[movie_id], list(group)
    for movie_id in sorted(described.keys() - reviewed):
        yield described[movie_id], []


def is_findable(movie: RowMapping) -> bool:
    """Whether a movie without reviews can be found: what ``FINDABLE`` says in SQL."""
    return any(movie[name] is not None for name in FINDABLE_BY)


def _former_ids(
    connection: Connection, movie_ids: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """Ids that movies had before; None for all movies."""
    query = select(FORMER_IDS.c.former_id, FORMER_IDS.c.movie_id)
    if movie_ids is None:
        return [tuple(row) for row in connection.execute(query)]
    return [
        tuple(row)
        for start in range(0, len(movie_ids), CHUNK_MOVIES)
        for row in connection.execute(
            query.where(FORMER_IDS.c.movie_id.in_(movie_ids[start : start + CHUNK_MOVIES]))
        )
    ]


def _exists(connection: Connection, query: Select[Any]) -> bool:
    return connection.execute(query.limit(1)).first() is not None


def _newest_revision(connection: Connection) -> int:
    """Return the revision of the last change to a movie, or of the last removal of one."""
    movies = connection.execute(select(func.max(MOVIES.c.revision))).scalar()
    removed = connection.execute(select(func.max(REMOVED_MOVIES.c.revision))).scalar()
    return max(movies or 0, removed or 0)
