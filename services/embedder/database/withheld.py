"""What operators have removed: no message brings it back, until it is allowed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select
from sqlmodel import SQLModel

from services.embedder.database.models import REVIEWS
from services.embedder.database.review_store import insert
from shared.delivery.messages import MovieMessage, ReviewMessage

WITHHELD = SQLModel.metadata.tables["withheld_items"]
Kind = Literal["source", "movie", "review"]


def withhold(connection: Connection, kind: Kind, name: str) -> None:
    """Record that a source, a movie with its reviews, or a review is removed for good."""
    rows = [{"kind": kind, "name": name, "within": None}]
    if kind == "movie":
        ids = connection.execute(select(REVIEWS.c.review_id).where(REVIEWS.c.movie_id == name))
        rows += [{"kind": "review", "name": one, "within": name} for one in ids.scalars()]
    connection.execute(insert(connection, WITHHELD).on_conflict_do_nothing(), rows)


def allow(connection: Connection, kind: Kind, name: str) -> bool:
    """Let crawls bring a source, movie or review back; returns whether it was withheld."""
    itself = and_(WITHHELD.c.kind == kind, WITHHELD.c.name == name)
    its_reviews = WITHHELD.c.within == name if kind == "movie" else WITHHELD.c.name.is_(None)
    return connection.execute(delete(WITHHELD).where(or_(itself, its_reviews))).rowcount > 0


def is_withheld(connection: Connection, kind: Kind, name: str) -> bool:
    """Whether an operator has removed it."""
    query = select(WITHHELD.c.name).where(WITHHELD.c.kind == kind, WITHHELD.c.name == name)
    return connection.execute(query).first() is not None


def withheld_review(review_id: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a review is withheld."""
    return exists().where(WITHHELD.c.kind == "review", WITHHELD.c.name == review_id)


def not_withheld(
    connection: Connection, items: Sequence[MovieMessage | ReviewMessage]
) -> list[MovieMessage | ReviewMessage]:
    """The messages of what may be stored."""
    names = {key for message in items for key in _keys(message)}
    found = connection.execute(
        select(WITHHELD.c.kind, WITHHELD.c.name).where(
            WITHHELD.c.name.in_({name for _, name in names})
        )
    )
    withheld = {(row.kind, row.name) for row in found}
    if not withheld:
        return list(items)
    return [message for message in items if not withheld & _keys(message)]


def _keys(message: MovieMessage | ReviewMessage) -> set[tuple[str, str]]:
    keys = {("source", message.source), (message.kind, message.item_id)}
    if isinstance(message, ReviewMessage):
        keys.add(("movie", message.review.movie_id))
    return keys
