"""Removes items that a source no longer has: reviews with their vectors, movies, and facts.

The items are marked in ``run_items`` as gone, under the id of the run that found it or of an
operator's removal, and each step reads them from there. All steps are in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.database.movie_store import believe_again, forget_facts
from services.embedder.database.review_store import (
    FINDABLE,
    MOVIE_ITEM,
    REMOVED_MOVIES,
    SOURCE_ITEMS,
    UNENCODED,
    insert,
)
from services.embedder.database.review_versions import hand_over
from services.embedder.database.run_ledger import ITEMS
from services.embedder.database.work_list import REVIEW_VECTORS
from shared.delivery.messages import ledger_id

_PORTION = 500
_MOVIE, _REVIEW = ledger_id("movie", ""), ledger_id("review", "")


@dataclass(frozen=True, slots=True)
class Gone:
    """The items of ``source`` that are marked as gone under ``run_id``."""

    run_id: str
    source: str

    @property
    def rows(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions of their rows in ``run_items``."""
        return (ITEMS.c.run_id == self.run_id, ITEMS.c.outcome == "gone")


@dataclass(frozen=True, slots=True)
class Lost:
    """How many reviews were deleted, and how many movies searches lose."""

    reviews: int
    movies: int


def mark_gone(connection: Connection, gone: Gone, chosen: ColumnElement[bool]) -> int:
    """Mark items of a source as gone, and take them from it.

    Args:
        connection: An open write transaction.
        gone: The source, and the id of the marks.
        chosen: The condition of the rows of ``source_items``.

    Returns:
        The number of reviews that the source has lost.
    """
    item = SOURCE_ITEMS.c["item"]
    review_id = case((item.startswith(_REVIEW), func.substr(item, len(_REVIEW) + 1)))
    of_source = SOURCE_ITEMS.c.source == gone.source
    marks = select(literal(gone.run_id), item, review_id, literal("gone")).where(of_source, chosen)
    connection.execute(
        ITEMS.insert().from_select(["run_id", "item", "review_id", "outcome"], marks)
    )
    marked = select(ITEMS.c["item"]).where(*gone.rows)
    connection.execute(delete(SOURCE_ITEMS).where(of_source, item.in_(marked)))
    lost = select(func.count()).where(*gone.rows, ITEMS.c.review_id.is_not(None))
    return int(connection.execute(lost).scalar_one())


def remove_gone(connection: Connection, gone: Gone, revision: int) -> Lost:
    """Remove marked items that no other source has; others are as their other sources tell them.

    Args:
        connection: An open write transaction.
        gone: The marked items.
        revision: Number of this change.
    """
    reviews = select(ITEMS.c.review_id).where(*gone.rows, ITEMS.c.review_id.is_not(None))
    hand_over(connection, gone.source, reviews, run_id=gone.run_id, revision=revision)
    deleted = _delete_reviews(connection, gone, revision)
    _forget_facts(connection, gone, revision)
    return Lost(deleted, _delete_movies(connection, gone, revision))


def has_content(connection: Connection) -> bool:
    """Whether there is a review, or a movie that can be found without one."""
    reviews = select(REVIEWS.c.review_id).limit(1)
    movies = select(MOVIES.c.movie_id).where(FINDABLE).limit(1)
    return any(connection.execute(query).first() is not None for query in (reviews, movies))


def _delete_reviews(connection: Connection, gone: Gone, revision: int) -> int:
    """Delete gone reviews that no source has, with their vectors; mark their movies as changed."""
    has_source = exists().where(SOURCE_ITEMS.c["item"] == ITEMS.c["item"])
    ids = select(ITEMS.c.review_id).where(*gone.rows, ITEMS.c.review_id.is_not(None), ~has_source)
    movies = select(REVIEWS.c.movie_id).where(REVIEWS.c.review_id.in_(ids))
    connection.execute(
        update(MOVIES).where(MOVIES.c.movie_id.in_(movies)).values(revision=revision)
    )
    for table in (REVIEW_VECTORS, UNENCODED):
        connection.execute(delete(table).where(table.c.review_id.in_(ids)))
    return connection.execute(delete(REVIEWS).where(REVIEWS.c.review_id.in_(ids))).rowcount


def _forget_facts(connection: Connection, gone: Gone, revision: int) -> None:
    """Delete what the source told of gone movies; other sources are believed of those that stay."""
    movie_id = func.substr(ITEMS.c["item"], len(_MOVIE) + 1)
    movies = select(movie_id).where(*gone.rows, ITEMS.c["item"].startswith(_MOVIE))
    forget_facts(connection, gone.source, movies)
    is_kept = or_(
        exists().where(REVIEWS.c.movie_id == movie_id),
        exists().where(SOURCE_ITEMS.c["item"] == ITEMS.c["item"]),
    )
    kept = list(connection.execute(movies.where(is_kept)).scalars())
    for start in range(0, len(kept), _PORTION):
        believe_again(connection, kept[start : start + _PORTION], revision)


def _delete_movies(connection: Connection, gone: Gone, revision: int) -> int:
    """Delete movies that have no source and no review, and record the movies that searches lose.

    Returns:
        The number of movies that searches lose.
    """
    reviewed = exists().where(REVIEWS.c.movie_id == MOVIES.c.movie_id)
    has_source = exists().where(SOURCE_ITEMS.c["item"] == MOVIE_ITEM)
    lost_reviews = MOVIES.c.revision == revision
    marked = select(func.substr(ITEMS.c["item"], len(_MOVIE) + 1)).where(
        *gone.rows, ITEMS.c["item"].startswith(_MOVIE)
    )
    deletable = (or_(lost_reviews, MOVIES.c.movie_id.in_(marked)), ~reviewed, ~has_source)
    # A movie that had no review and nothing to be found by was not in search.
    removed = select(MOVIES.c.movie_id, literal(revision)).where(
        ~reviewed,
        or_(
            lost_reviews & ~(has_source & FINDABLE),
            MOVIES.c.movie_id.in_(marked) & ~has_source & FINDABLE,
        ),
    )
    statement = insert(connection, REMOVED_MOVIES).from_select(["movie_id", "revision"], removed)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["movie_id"], set_={"revision": statement.excluded.revision}
        )
    )
    connection.execute(delete(MOVIES).where(*deletable))
    recorded = select(func.count()).where(REMOVED_MOVIES.c.revision == revision)
    return int(connection.execute(recorded).scalar_one())
