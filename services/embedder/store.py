"""The only SQL of the system: what the embedder asks of its database.

Every method is one transaction and blocking; callers run them in a thread. All of them may be
repeated: the second time changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, RowMapping, Table, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from services.embedder.database import reading, writing
from services.embedder.models import Movie, Review, ReviewVectors, SnapshotRecord
from shared import messages

_TABLES = SQLModel.metadata.tables
MOVIES, REVIEWS = _TABLES["movies"], _TABLES["reviews"]
VECTORS, SNAPSHOTS = _TABLES["review_vectors"], _TABLES["snapshots"]
REVISION = _TABLES["revision"]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A review that has no vectors of the encoder in use."""

    review_id: str
    text: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class EncodedReview:
    """The vectors of a review: spans int32 ``(n, 2)``, vectors float16 ``(n, dim)``."""

    review_id: str
    text_sha256: str
    spans: npt.NDArray[np.int32]
    vectors: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class SnapshotInput:
    """What a snapshot is made of, seen in one read transaction."""

    revision: int
    movies: int
    reviews: int
    passages: int
    rows: Iterator[tuple[RowMapping, list[RowMapping]]]


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *keys: str
) -> None:
    """Insert rows, or replace those with the same key."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    changes = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(keys), set_=changes), list(rows)
    )


def next_revision(connection: Connection) -> int:
    """Number a change; holds the number's lock until the transaction ends."""
    return int(
        connection.execute(
            update(REVISION).values(value=REVISION.c.value + 1).returning(REVISION.c.value)
        ).scalar_one()
    )


def store_movies(
    connection: Connection, items: Sequence[messages.MovieMessage], revision: int
) -> set[str]:
    """Upsert films; a field that a source does not know keeps its value.

    Returns:
        Ids of the films that are new or changed.
    """
    known = {
        row["movie_id"]: dict(row)
        for row in connection.execute(
            select(MOVIES).where(MOVIES.c.movie_id.in_([m.movie.movie_id for m in items]))
        ).mappings()
    }
    changed = {}
    for message in items:
        movie = message.movie
        new = {
            **movie.model_dump(exclude={"genres", "directors"}),
            "genres": list(movie.genres),
            "directors": list(movie.directors),
            "source": message.source,
        }
        old = known.get(movie.movie_id)
        if old is not None:
            new = {key: value if value or not old[key] else old[key] for key, value in new.items()}
        if old is None or any(old[key] != value for key, value in new.items()):
            known[movie.movie_id] = changed[movie.movie_id] = {**new, "revision": revision}
    upsert(connection, MOVIES, list(changed.values()), "movie_id")
    return set(changed)


def store_reviews(
    connection: Connection, items: Sequence[messages.ReviewMessage], revision: int
) -> set[str]:
    """Upsert reviews, and mark their films as changed.

    Returns:
        Ids of the reviews that are new or changed.
    """
    known: dict[str, tuple[str, str]] = {
        row.review_id: (row.content_sha256, row.movie_id)
        for row in connection.execute(
            select(REVIEWS.c.review_id, REVIEWS.c.content_sha256, REVIEWS.c.movie_id).where(
                REVIEWS.c.review_id.in_([m.review.review_id for m in items])
            )
        )
    }
    changed: dict[str, dict[str, Any]] = {}
    touched: dict[str, str] = {}
    for message in items:
        review = message.review
        content = hashlib.sha256(review.model_dump_json().encode()).hexdigest()
        old_content, old_movie = known.get(review.review_id, (None, None))
        if old_content == content:
            continue
        known[review.review_id] = (content, review.movie_id)
        changed[review.review_id] = {
            **review.model_dump(exclude={"published"}),
            "published": review.published.isoformat() if review.published else None,
            "source": message.source,
            "content_sha256": content,
            "text_sha256": hashlib.sha256(review.text.encode()).hexdigest(),
        }
        touched[review.movie_id] = message.source
        if old_movie is not None:
            touched.setdefault(old_movie, message.source)
    upsert(connection, REVIEWS, list(changed.values()), "review_id")
    _touch(connection, touched, revision)
    return set(changed)


def _touch(connection: Connection, sources: Mapping[str, str], revision: int) -> None:
    """Mark films as changed; make those that no message has described yet."""
    if not sources:
        return
    present = set(
        connection.execute(
            select(MOVIES.c.movie_id).where(MOVIES.c.movie_id.in_(list(sources)))
        ).scalars()
    )
    if present:
        connection.execute(
            update(MOVIES).where(MOVIES.c.movie_id.in_(sorted(present))).values(revision=revision)
        )
    missing = [
        Movie(movie_id=movie_id, source=source, revision=revision).model_dump()
        for movie_id, source in sources.items()
        if movie_id not in present
    ]
    upsert(connection, MOVIES, missing, "movie_id")


def _has_vectors(encoder_id: str) -> Any:
    return and_(
        VECTORS.c.review_id == REVIEWS.c.review_id,
        VECTORS.c.text_sha256 == REVIEWS.c.text_sha256,
        VECTORS.c.encoder_id == encoder_id,
    )


class VectorStore:
    """The vectors of reviews, the work list, and what snapshots are made of."""

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id

    def backlog(self, limit: int) -> list[WorkItem]:
        """The work list: reviews without vectors of this encoder, a film's together."""
        joined = REVIEWS.outerjoin(VECTORS, _has_vectors(self._encoder_id))
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(REVIEWS.c.review_id, REVIEWS.c.text, REVIEWS.c.text_sha256)
                .select_from(joined)
                .where(VECTORS.c.review_id.is_(None))
                .order_by(REVIEWS.c.movie_id, REVIEWS.c.review_id)
                .limit(limit)
            )
            return [WorkItem(*row) for row in rows]

    def backlog_size(self) -> int:
        """How many reviews the work list holds."""
        with reading(self._engine) as connection:
            reviews = connection.execute(select(func.count()).select_from(REVIEWS)).scalar_one()
            done = connection.execute(
                select(func.count()).select_from(
                    REVIEWS.join(VECTORS, _has_vectors(self._encoder_id))
                )
            ).scalar_one()
            return int(reviews) - int(done)

    def save(self, encoded: Sequence[EncodedReview]) -> None:
        """Keep vectors and mark their films as changed."""
        rows = [
            ReviewVectors(
                review_id=item.review_id,
                encoder_id=self._encoder_id,
                text_sha256=item.text_sha256,
                passages=len(item.spans),
                spans=item.spans.astype("<i4").tobytes(),
                vectors=item.vectors.astype("<f2").tobytes(),
            ).model_dump()
            for item in encoded
        ]
        with writing(self._engine) as connection:
            upsert(connection, VECTORS, rows, "review_id")
            films = select(REVIEWS.c.movie_id).where(
                REVIEWS.c.review_id.in_([item.review_id for item in encoded])
            )
            connection.execute(
                update(MOVIES)
                .where(MOVIES.c.movie_id.in_(films))
                .values(revision=next_revision(connection))
            )

    def changed_since_published(self) -> bool:
        """Whether films with vectors have changed since the last snapshot of this encoder."""
        with reading(self._engine) as connection:
            published = connection.execute(
                select(func.max(SNAPSHOTS.c.revision)).where(
                    SNAPSHOTS.c.snapshot_id.is_not(None),
                    SNAPSHOTS.c.encoder_id == self._encoder_id,
                )
            ).scalar_one()
            newest = connection.execute(select(func.max(MOVIES.c.revision))).scalar_one()
            if newest is None:
                return False
            if published is not None:
                return bool(newest > published)
            found = select(VECTORS.c.review_id).where(VECTORS.c.encoder_id == self._encoder_id)
            return connection.execute(found.limit(1)).first() is not None

    def last_published(self) -> tuple[str, str] | None:
        """Snapshot id and encoder id of the last snapshot that became current."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(SNAPSHOTS.c.snapshot_id, SNAPSHOTS.c.encoder_id)
                .where(SNAPSHOTS.c.snapshot_id.is_not(None))
                .order_by(SNAPSHOTS.c.sequence.desc())
                .limit(1)
            ).first()
            return (row[0], row[1]) if row else None

    def begin_snapshot(self, revision: int, *, at_least: int = 1) -> int:
        """Number a snapshot, greater than every number given before and than ``at_least - 1``."""
        with writing(self._engine) as connection:
            last = connection.execute(select(func.max(SNAPSHOTS.c.sequence))).scalar_one() or 0
            record = SnapshotRecord(
                sequence=max(last + 1, at_least),
                revision=revision,
                encoder_id=self._encoder_id,
                created_at=datetime.now(UTC),
            )
            connection.execute(SNAPSHOTS.insert().values(**record.model_dump()))
            assert record.sequence is not None  # noqa: S101 - set above
            return record.sequence

    def snapshot_published(self, sequence: int, snapshot_id: str, movies: int) -> None:
        """Record that a snapshot is durable and current."""
        with writing(self._engine) as connection:
            connection.execute(
                update(SNAPSHOTS)
                .where(SNAPSHOTS.c.sequence == sequence)
                .values(snapshot_id=snapshot_id, movies=movies)
            )

    @contextmanager
    def snapshot_input(self) -> Iterator[SnapshotInput]:
        """Films in the order of their ids, each with its reviews that have vectors.

        The rows can be iterated once, while the context is open; they are streamed.
        """
        joined = REVIEWS.join(
            VECTORS, and_(_has_vectors(self._encoder_id), VECTORS.c.passages > 0)
        ).join(MOVIES, MOVIES.c.movie_id == REVIEWS.c.movie_id)
        with reading(self._engine) as connection:
            revision = connection.execute(select(func.max(MOVIES.c.revision))).scalar_one() or 0
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
            stream = (
                connection.execution_options(yield_per=500)
                .execute(
                    select(REVIEWS, VECTORS.c.spans, VECTORS.c.vectors)
                    .select_from(joined)
                    .order_by(REVIEWS.c.movie_id, REVIEWS.c.review_id)
                )
                .mappings()
            )
            rows = (
                (described[movie_id], list(group))
                for movie_id, group in groupby(stream, key=lambda row: row["movie_id"])
            )
            yield SnapshotInput(revision, movies, reviews, int(passages), rows)


def count_reviews(engine: Engine) -> int:
    """How many reviews are stored."""
    with reading(engine) as connection:
        return int(connection.execute(select(func.count(col(Review.review_id)))).scalar_one())
