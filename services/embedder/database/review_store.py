"""Stores reviews in SQL, and which source has what.

Each function works in the caller's transaction and is idempotent. The order of messages does not
matter: the version that was fetched last wins, even if an older message is delivered after it (a
replayed dead letter, an entry of a worker that died).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from services.embedder.database.models import MOVIES, REVIEWS
from shared.delivery import messages
from shared.delivery.messages import ledger_id
from shared.record import (
    MOVIE_FIELDS,
    REVIEW_FACTS,
    MovieRecord,
    RecordField,
    ReviewFacts,
    ReviewRecord,
)

_TABLES = SQLModel.metadata.tables
UNENCODED = _TABLES["unencoded_reviews"]
MOST_AHEAD_S = 60.0
"""How far the clocks of two embedders may differ."""
SOURCE_ITEMS, REMOVED_MOVIES = _TABLES["source_items"], _TABLES["removed_movies"]
REVISION = _TABLES["revision"]

_FIRST_FACTS = frozenset(
    ("rating", "title", "author", "published", "url", "language", "spoiler")
)  # the facts of a review in the first version

MOVIE_ITEM: ColumnElement[str] = literal(ledger_id("movie", "")) + MOVIES.c.movie_id
REVIEW_ITEM: ColumnElement[str] = literal(ledger_id("review", "")) + REVIEWS.c.review_id
"""Ledger ids of the rows of ``MOVIES`` and ``REVIEWS``."""

FINDABLE_BY = ("title", "original_title", "description")
"""A movie without reviews is in search if it has one of these facts."""
FINDABLE: ColumnElement[bool] = or_(*(MOVIES.c[name].is_not(None) for name in FINDABLE_BY))


def insert(connection: Connection, table: Table) -> Any:
    """Return the dialect's insert statement, which supports ``ON CONFLICT``."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *keys: str
) -> None:
    """Insert rows, or replace those with the same key."""
    if not rows:
        return
    statement = insert(connection, table)
    changes = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(keys), set_=changes), list(rows)
    )


def lock_changes(connection: Connection) -> None:
    """Wait for all other changes to end; must be the first lock of a transaction."""
    connection.execute(select(REVISION.c.value).with_for_update())


def next_revision(connection: Connection) -> int:
    """Return the number of a new change; its row stays locked until the transaction ends."""
    return int(
        connection.execute(
            update(REVISION).values(value=REVISION.c.value + 1).returning(REVISION.c.value)
        ).scalar_one()
    )


def store_reviews(
    connection: Connection, items: Sequence[messages.ReviewMessage], revision: int
) -> set[str]:
    """Upsert reviews, put changed texts on the work list, and mark their movies as changed.

    Args:
        connection: An open write transaction.
        items: The messages.
        revision: Number of this change.

    Returns:
        Ids of the reviews that are new or changed.
    """
    known: dict[str, tuple[str, str, str, float | None]] = {
        row.review_id: (row.content_sha256, row.text_sha256, row.movie_id, row.fetched_at)
        for row in connection.execute(
            select(
                REVIEWS.c.review_id,
                REVIEWS.c.content_sha256,
                REVIEWS.c.text_sha256,
                REVIEWS.c.movie_id,
                REVIEWS.c.fetched_at,
            ).where(REVIEWS.c.review_id.in_([m.review.review_id for m in items]))
        )
    }
    changed: dict[str, dict[str, Any]] = {}
    seen: dict[str, dict[str, Any]] = {}
    unencoded: dict[str, dict[str, str]] = {}
    touched: dict[str, str] = {}
    for message in items:
        review = message.review
        content = content_sha256(review)
        text_sha256 = hashlib.sha256(review.text.encode()).hexdigest()
        fetched_at = moment_of(message)
        old_content, old_text, old_movie, last = known.get(review.review_id, (None,) * 4)
        if is_older(fetched_at, last):
            continue
        known[review.review_id] = (content, text_sha256, review.movie_id, fetched_at)
        if old_content == content:
            if fetched_at not in {None, last}:
                seen[review.review_id] = {"b_key": review.review_id, "b_fetched_at": fetched_at}
            continue
        if old_text != text_sha256:
            unencoded[review.review_id] = {
                "review_id": review.review_id,
                "movie_id": review.movie_id,
            }
        changed[review.review_id] = {
            "review_id": review.review_id,
            "movie_id": review.movie_id,
            "text": review.text,
            **row_of(review, REVIEW_FACTS),
            "source": message.source,
            "content_sha256": content,
            "text_sha256": text_sha256,
            "fetched_at": fetched_at,
        }
        touched[review.movie_id] = message.source
        if old_movie is not None:
            touched.setdefault(old_movie, message.source)
    upsert(connection, REVIEWS, list(changed.values()), "review_id")
    note_fetched(connection, REVIEWS.c.review_id, seen)
    upsert(connection, UNENCODED, list(unencoded.values()), "review_id")
    touch_movies(connection, touched, revision)
    return set(changed)


def content_sha256(review: ReviewRecord) -> str:
    """Hash the content of a review; a review with an unchanged hash is a duplicate.

    The hash equals the one that earlier versions stored: a fact that was added to the record later
    is hashed only if it is known, so that an upgrade changes no review.
    """
    facts = {
        field.name: value
        for field in REVIEW_FACTS
        if (value := getattr(review, field.name)) is not None or field.name in _FIRST_FACTS
    }
    content = {
        "review_id": review.review_id, "movie_id": review.movie_id, "text": review.text, **facts
    }  # fmt: skip
    return hashlib.sha256(to_json(content)).hexdigest()


def row_of(
    record: MovieRecord | ReviewFacts, record_fields: Iterable[RecordField]
) -> dict[str, Any]:
    """Return the columns of a record, with tuples as lists for JSON."""
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in record_fields
        for value in (getattr(record, field.name),)
    }


def moment_of(message: messages.MovieMessage | messages.ReviewMessage) -> float | None:
    """When the page of a message was fetched, in seconds since 1970; None if unknown.

    Not later than now: a clock that is ahead would hide every edit until it is right.
    """
    if message.fetched_at is None:
        return None
    return min(message.fetched_at.timestamp(), time.time())


def is_older(fetched_at: float | None, stored: float | None) -> bool:
    """Whether a message is known to be older than what is stored.

    What was stored with a time in the future was stored by a clock that was ahead, so that nothing
    is known of its age.
    """
    if fetched_at is None or stored is None or stored > time.time() + MOST_AHEAD_S:
        return False
    return fetched_at < stored


def note_fetched(
    connection: Connection, key: Column[Any], seen: Mapping[str, Mapping[str, Any]]
) -> None:
    """Update the time of the last fetch of rows that have not changed."""
    if seen:
        statement = update(key.table).where(key == bindparam("b_key"))
        connection.execute(
            statement.values(fetched_at=bindparam("b_fetched_at")), list(seen.values())
        )


def touch_movies(connection: Connection, sources: Mapping[str, str], revision: int) -> None:
    """Mark movies as changed, and create those that no message has described yet."""
    if not sources:
        return
    connection.execute(delete(REMOVED_MOVIES).where(REMOVED_MOVIES.c.movie_id.in_(list(sources))))
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
        {
            **row_of(MovieRecord(movie_id), MOVIE_FIELDS),
            "source": source,
            "fetched_at": None,
            "revision": revision,
        }
        for movie_id, source in sources.items()
        if movie_id not in present
    ]
    upsert(connection, MOVIES, missing, "movie_id")


def record_sources(
    connection: Connection, items: Iterable[messages.MovieMessage | messages.ReviewMessage]
) -> None:
    """Record that the sources of these items have them."""
    rows = [
        {
            "source": message.source,
            "item": ledger_id(message.kind, message.item_id),
            "added_by": message.run_id,
        }
        for message in items
    ]
    if rows:
        connection.execute(insert(connection, SOURCE_ITEMS).on_conflict_do_nothing(), rows)


def record_kept(connection: Connection, kept: messages.KeptItems) -> None:
    """Record that a source still has items; those that are not in the database are ignored."""
    for kind, key, item in (
        ("movie", MOVIES.c.movie_id, MOVIE_ITEM),
        ("review", REVIEWS.c.review_id, REVIEW_ITEM),
    ):
        prefix = ledger_id(kind, "")
        ids = [name.removeprefix(prefix) for name in kept.items if name.startswith(prefix)]
        if ids:
            stored = select(literal(kept.source), item).where(key.in_(ids))
            connection.execute(
                insert(connection, SOURCE_ITEMS)
                .from_select(["source", "item"], stored)
                .on_conflict_do_nothing()
            )
