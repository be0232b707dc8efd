"""Removes a source, a movie or a review from the database because an operator asks for it.

It goes as what is gone from its source goes (``gone_items``), in one transaction, and is recorded,
so that no crawl brings it back (``withheld``). The last content is not removed: without content no
snapshot can be made, and the one that has it would go on being served.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, delete, or_, select

from services.embedder.database.engine import writing
from services.embedder.database.models import REVIEWS
from services.embedder.database.review_store import (
    REVIEW_ITEM,
    SOURCE_ITEMS,
    lock_changes,
    next_revision,
)
from services.embedder.database.run_ledger import ITEMS
from services.embedder.database.withheld import Kind, allow, is_withheld, withhold
from services.embedder.settling.gone_items import Gone, has_content, mark_gone, remove_gone
from shared.delivery.messages import ledger_id


class RemovalImpossible(Exception):
    """Raised when nothing was removed; the message says why."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many reviews and movies were removed."""

    reviews: int
    movies: int


class OperatorRemovals:
    """Removes what operators name, and allows it again; every method is blocking."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remove(self, kind: Kind, name: str) -> Removed:
        """Remove a source, a movie with its reviews, or a review; may be repeated.

        Raises:
            RemovalImpossible: There is no such thing, or it is the last that can be searched.
        """
        with writing(self._engine) as connection:
            lock_changes(connection)
            chosen = _chosen(kind, name)
            sources = list(
                connection.execute(select(SOURCE_ITEMS.c.source).where(chosen).distinct()).scalars()
            )
            if not sources and not is_withheld(connection, kind, name):
                raise RemovalImpossible(f"there is no {kind} {name}")
            withhold(connection, kind, name)
            revision = next_revision(connection)
            reviews = movies = 0
            for source in sources:
                gone = Gone(f"removal-{revision}", source)
                mark_gone(connection, gone, chosen)
                lost = remove_gone(connection, gone, revision)
                reviews += lost.reviews
                movies = lost.movies  # all that this change has taken out of search
                connection.execute(delete(ITEMS).where(ITEMS.c.run_id == gone.run_id))
            if (reviews or movies) and not has_content(connection):
                raise RemovalImpossible(
                    f"without {kind} {name} there would be nothing to search: nothing was removed"
                )
            return Removed(reviews, movies)

    def allow(self, kind: Kind, name: str) -> None:
        """Let crawls bring back what was removed.

        Raises:
            RemovalImpossible: It was not removed.
        """
        with writing(self._engine) as connection:
            lock_changes(connection)
            if not allow(connection, kind, name):
                raise RemovalImpossible(f"{kind} {name} was not removed by an operator")


def _chosen(kind: Kind, name: str) -> ColumnElement[bool]:
    """The condition of the rows of ``source_items`` that go."""
    if kind == "source":
        return SOURCE_ITEMS.c.source == name
    item = SOURCE_ITEMS.c["item"]
    if kind == "review":
        return item == ledger_id("review", name)
    of_movie = select(REVIEW_ITEM).where(REVIEWS.c.movie_id == name)
    return or_(item == ledger_id("movie", name), item.in_(of_movie))
