"""What is gone from a source, taken out of the database: decided once for each run.

It is decided when a run's ledger balances and nothing sent before its end is left on the stream:
then all that the run saw is in ``run_items``. In one transaction:

1. What has been decided is not decided again.
2. A review that was named as kept must be in the database. One that is not there (the database was
   lost or replaced) makes the run faulty, so that the next one reads every page again.
3. A run that did not see all of its source removes nothing.
4. Items that the source had, and that the run neither sent nor named, are *gone*: the source has
   them no longer. Reviews that no source has are deleted with their vectors, their films marked as
   changed; so are films that have no source and no review.
5. The guard: to take away more than half of the reviews that the source had, or of its films, takes
   an operator's word. Nothing takes away the last review of all. What the guard refuses is rolled
   back whole, and the reason kept with the ledger.

The films that searches lose are remembered with the revision of their removal: it tells the
publisher that there is something to publish, and that fewer films are no accident.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union,
    update,
)

from services.embedder.database.engine import writing
from services.embedder.database.review_store import (
    MOVIE_ITEM,
    MOVIES,
    REMOVED_MOVIES,
    REVIEWS,
    SOURCE_ITEMS,
    UNENCODED,
    insert,
    lock_changes,
    next_revision,
)
from services.embedder.database.run_ledger import ITEMS, LEDGERS, Ledger, read_ledger
from services.embedder.database.work_list import VECTORS
from shared.delivery.messages import ledger_id
from shared.telemetry import get_logger

_MOVIE, _REVIEW = ledger_id("movie", ""), ledger_id("review", "")


class RemovalRefused(Exception):
    """The run may not remove what is gone from its source; the message says why."""


@dataclass(frozen=True, slots=True)
class _Had:
    """How much a source had before a run."""

    reviews: int
    movies: int


class Removals:
    """Decides what runs remove."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide(self, run_id: str, *, allowed: bool) -> Ledger:
        """Remove what is gone, or note why not; the first decision stands. Blocking.

        Args:
            run_id: A run whose ledger balances, all of whose entries have been handled.
            allowed: Whether an operator lets it remove more than half of what its source had.

        Returns:
            The ledger, with ``removed`` and perhaps ``fault`` set.
        """
        try:
            with writing(self._engine) as connection:
                lock_changes(connection)
                ledger = read_ledger(connection, run_id)
                if ledger.removed is not None or not ledger.balanced:
                    return ledger
                _require_kept(connection, ledger)
                removed = _remove(connection, ledger, allowed=allowed) if ledger.complete else 0
                return _decided(connection, run_id, removed)
        except RemovalRefused as refused:
            fault = str(refused)
        with writing(self._engine) as connection:
            return _decided(connection, run_id, 0, fault=fault)


def _decided(
    connection: Connection, run_id: str, removed: int, *, fault: str | None = None
) -> Ledger:
    connection.execute(
        update(LEDGERS).where(LEDGERS.c.run_id == run_id).values(removed=removed, fault=fault)
    )
    return read_ledger(connection, run_id)


def _require_kept(connection: Connection, ledger: Ledger) -> None:
    there = exists().where(REVIEWS.c.review_id == ITEMS.c.review_id)
    missing = connection.execute(
        select(func.count()).where(
            ITEMS.c.run_id == ledger.run_id,
            ITEMS.c.outcome == "kept",
            ITEMS.c.review_id.is_not(None),
            ~there,
        )
    ).scalar_one()
    if missing:
        raise RemovalRefused(
            f"{missing} of {ledger.kept} reviews on unchanged pages are not in the database: it "
            "was lost or replaced; the next crawl of the source reads every page again"
        )


def _remove(connection: Connection, ledger: Ledger, *, allowed: bool) -> int:
    """Remove what is gone; returns how many reviews that were.

    Raises:
        RemovalRefused: it must not; the transaction is to be rolled back.
    """
    had = _had(connection, ledger)
    revision = next_revision(connection)
    lost = _find_gone(connection, ledger)
    reviews = _delete_reviews(connection, ledger, revision)
    movies = _delete_movies(connection, ledger, revision)
    if reviews and connection.execute(select(REVIEWS.c.review_id).limit(1)).first() is None:
        raise RemovalRefused(
            f"source {ledger.source} no longer has any of its {had.reviews} reviews, and without "
            "them there would be nothing to search: nothing was removed"
        )
    if not allowed and (lost * 2 > had.reviews or movies * 2 > had.movies):
        raise RemovalRefused(
            f"{lost} of the {had.reviews} reviews and {movies} of the {had.movies} films that "
            f"source {ledger.source} had are gone from it, more than half: nothing was removed; "
            f"to confirm, crawl it again with `movie-search ingest {ledger.source} "
            '--allow-removals`, or "allow_removals": true'
        )
    if lost or movies:
        get_logger().info(
            "gone from the source",
            run=ledger.run_id,
            source=ledger.source,
            reviews=lost,
            removed=reviews,
            movies=movies,
        )
    return reviews


def _had(connection: Connection, ledger: Ledger) -> _Had:
    """What the source had before; what this run has added does not count."""
    before = (
        SOURCE_ITEMS.c.source == ledger.source,
        SOURCE_ITEMS.c.added_by.is_distinct_from(ledger.run_id),
    )
    item = SOURCE_ITEMS.c["item"]
    reviews = select(func.count()).where(*before, item.startswith(_REVIEW))
    films = union(
        select(func.substr(item, len(_MOVIE) + 1).label("movie_id")).where(
            *before, item.startswith(_MOVIE)
        ),
        select(REVIEWS.c.movie_id)
        .join(SOURCE_ITEMS, REVIEWS.c.review_id == func.substr(item, len(_REVIEW) + 1))
        .where(*before, item.startswith(_REVIEW)),
    ).subquery()
    return _Had(
        connection.execute(reviews).scalar_one(),
        connection.execute(select(func.count()).select_from(films)).scalar_one(),
    )


def _find_gone(connection: Connection, ledger: Ledger) -> int:
    """Note what the run did not see as "gone", and that the source has it no longer.

    Returns:
        How many reviews the source has lost.
    """
    item = SOURCE_ITEMS.c["item"]
    review_id = case((item.startswith(_REVIEW), func.substr(item, len(_REVIEW) + 1)))
    seen = exists().where(ITEMS.c.run_id == ledger.run_id, ITEMS.c["item"] == item)
    unseen = select(literal(ledger.run_id), item, review_id, literal("gone")).where(
        SOURCE_ITEMS.c.source == ledger.source, ~seen
    )
    connection.execute(
        ITEMS.insert().from_select(["run_id", "item", "review_id", "outcome"], unseen)
    )
    connection.execute(
        delete(SOURCE_ITEMS).where(
            SOURCE_ITEMS.c.source == ledger.source,
            item.in_(select(ITEMS.c["item"]).where(*_gone(ledger))),
        )
    )
    lost = select(func.count()).where(*_gone(ledger), ITEMS.c.review_id.is_not(None))
    return int(connection.execute(lost).scalar_one())


def _gone(ledger: Ledger) -> tuple[ColumnElement[bool], ...]:
    return (ITEMS.c.run_id == ledger.run_id, ITEMS.c.outcome == "gone")


def _delete_reviews(connection: Connection, ledger: Ledger, revision: int) -> int:
    """Delete the gone reviews that no source has, with their vectors; mark their films."""
    elsewhere = exists().where(SOURCE_ITEMS.c["item"] == ITEMS.c["item"])
    ids = select(ITEMS.c.review_id).where(
        *_gone(ledger), ITEMS.c.review_id.is_not(None), ~elsewhere
    )
    films = select(REVIEWS.c.movie_id).where(REVIEWS.c.review_id.in_(ids))
    connection.execute(update(MOVIES).where(MOVIES.c.movie_id.in_(films)).values(revision=revision))
    for table in (VECTORS, UNENCODED):
        connection.execute(delete(table).where(table.c.review_id.in_(ids)))
    return connection.execute(delete(REVIEWS).where(REVIEWS.c.review_id.in_(ids))).rowcount


def _delete_movies(connection: Connection, ledger: Ledger, revision: int) -> int:
    """Delete films that no source has and that have no review, and remember what searches lose.

    Returns:
        How many films have lost their last review or are deleted.
    """
    reviewed = exists().where(REVIEWS.c.movie_id == MOVIES.c.movie_id)
    has_source = exists().where(SOURCE_ITEMS.c["item"] == MOVIE_ITEM)
    lost_reviews = MOVIES.c.revision == revision
    gone = select(func.substr(ITEMS.c["item"], len(_MOVIE) + 1)).where(
        *_gone(ledger), ITEMS.c["item"].startswith(_MOVIE)
    )
    homeless = (or_(lost_reviews, MOVIES.c.movie_id.in_(gone)), ~reviewed, ~has_source)
    vanished = select(MOVIES.c.movie_id, literal(revision)).where(
        ~reviewed, or_(lost_reviews, MOVIES.c.movie_id.in_(gone) & ~has_source)
    )
    statement = insert(connection, REMOVED_MOVIES).from_select(["movie_id", "revision"], vanished)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["movie_id"], set_={"revision": statement.excluded.revision}
        )
    )
    connection.execute(delete(MOVIES).where(*homeless))
    remembered = select(func.count()).where(REMOVED_MOVIES.c.revision == revision)
    return int(connection.execute(remembered).scalar_one())
