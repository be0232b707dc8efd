"""Removes from the database what a source no longer has: decided once for each run.

The decision is taken when a run's ledger balances and no message sent before the run's end is left
on the stream: all items that the run saw are then in ``run_items``. In one transaction:

1. A decision that has been taken is not taken again.
2. A review that was named as kept must be in the database. If one is missing (the database was lost
   or replaced), the run gets a fault, so that the next run reads every page again.
3. A run that did not see all of its source removes nothing.
4. Items that the source had, and that the run neither sent nor named, are *gone* from the source.
   Reviews that no source has are deleted with their vectors, and their movies are marked as
   changed; movies that have no source and no review are deleted too. A movie that has lost its
   last review and still has a source is found by its facts. What the source told of a gone movie is
   deleted, so that its other sources are believed.
   A review that the source has under another id since this run is replaced, and does not count.
5. The guard: removing more than half of the reviews or movies of a source needs an operator's
   confirmation. The last movie that can be found is never removed. A removal that the guard refuses
   is rolled back as a whole, and the reason is stored with the ledger.

The movies that searches lose are stored with the revision of their removal: this tells the
publisher that there is a change to publish, and that the smaller number of movies is intended.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, exists, func, literal, select, union, update

from services.embedder.database.engine import writing
from services.embedder.database.models import REVIEWS
from services.embedder.database.review_store import SOURCE_ITEMS, lock_changes, next_revision
from services.embedder.database.run_ledger import ITEMS, LEDGERS, Ledger, read_ledger
from services.embedder.database.withheld import is_withheld, withheld_review
from services.embedder.settling.gone_items import Gone, has_content, mark_gone, remove_gone
from shared.delivery.messages import ledger_id
from shared.telemetry import get_logger

_MOVIE, _REVIEW = ledger_id("movie", ""), ledger_id("review", "")


class RemovalRefused(Exception):
    """Raised when the run may not remove what is gone from its source; the message says why."""


@dataclass(frozen=True, slots=True)
class _SourceSize:
    """How many reviews and movies a source had before a run."""

    reviews: int
    movies: int


class Removals:
    """Decides what runs remove from the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide(self, run_id: str, *, allowed: bool) -> Ledger:
        """Remove what is gone, or store why not; blocking. A repeated call changes nothing.

        Args:
            run_id: A run whose ledger balances and whose stream entries have all been handled.
            allowed: Whether an operator has confirmed that the run may remove more than half of
                what its source had.

        Returns:
            The ledger, with ``removed`` set, and ``fault`` if the removal was refused.
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
    if is_withheld(connection, "source", ledger.source):
        return
    stored = exists().where(REVIEWS.c.review_id == ITEMS.c.review_id)
    missing = connection.execute(
        select(func.count()).where(
            ITEMS.c.run_id == ledger.run_id,
            ITEMS.c.outcome == "kept",
            ITEMS.c.review_id.is_not(None),
            ~stored,
            ~withheld_review(ITEMS.c.review_id),
        )
    ).scalar_one()
    if missing:
        raise RemovalRefused(
            f"{missing} of {ledger.kept} reviews on unchanged pages are not in the database: it "
            "was lost or replaced; the next crawl of the source reads every page again"
        )


def _remove(connection: Connection, ledger: Ledger, *, allowed: bool) -> int:
    """Remove what is gone; returns the number of deleted reviews that were not replaced.

    Raises:
        RemovalRefused: The guard refuses the removal; the caller must roll the transaction back.
    """
    size = _source_size(connection, ledger)
    revision = next_revision(connection)
    gone = Gone(ledger.run_id, ledger.source)
    seen = exists().where(
        ITEMS.c.run_id == ledger.run_id, ITEMS.c["item"] == SOURCE_ITEMS.c["item"]
    )
    lost = mark_gone(connection, gone, ~seen)
    renamed = _count_renamed(connection, gone)
    lost -= renamed
    removed = remove_gone(connection, gone, revision)
    reviews, movies = max(0, removed.reviews - renamed), removed.movies
    if (removed.reviews or movies) and not has_content(connection):
        raise RemovalRefused(
            f"source {ledger.source} no longer has any of its {size.reviews} reviews and "
            f"{size.movies} movies, and without them there would be nothing to search: nothing "
            "was removed"
        )
    if not allowed and (lost * 2 > size.reviews or movies * 2 > size.movies):
        raise RemovalRefused(
            f"{lost} of the {size.reviews} reviews and {movies} of the {size.movies} movies that "
            f"source {ledger.source} had are gone from it, more than half: nothing was removed; "
            f"to confirm, crawl it again with `movie-search ingest {ledger.source} "
            '--allow-removals`, or "allow_removals": true'
        )
    if lost or movies:
        get_logger().info(
            "removed items gone from source",
            run=ledger.run_id,
            source=ledger.source,
            reviews=lost,
            removed=reviews,
            movies=movies,
        )
    return reviews


def _source_size(connection: Connection, ledger: Ledger) -> _SourceSize:
    """Count what the source had before this run; items that the run has added do not count."""
    before = (
        SOURCE_ITEMS.c.source == ledger.source,
        SOURCE_ITEMS.c.added_by.is_distinct_from(ledger.run_id),
    )
    item = SOURCE_ITEMS.c["item"]
    reviews = select(func.count()).where(*before, item.startswith(_REVIEW))
    movies = union(
        select(func.substr(item, len(_MOVIE) + 1).label("movie_id")).where(
            *before, item.startswith(_MOVIE)
        ),
        select(REVIEWS.c.movie_id)
        .join(SOURCE_ITEMS, REVIEWS.c.review_id == func.substr(item, len(_REVIEW) + 1))
        .where(*before, item.startswith(_REVIEW)),
    ).subquery()
    return _SourceSize(
        connection.execute(reviews).scalar_one(),
        connection.execute(select(func.count()).select_from(movies)).scalar_one(),
    )


def _count_renamed(connection: Connection, gone: Gone) -> int:
    """Count the gone reviews that the source has under another id since this run."""
    old, new = REVIEWS.alias("old"), REVIEWS.alias("new")
    has_new = exists().where(
        new.c.movie_id == old.c.movie_id,
        new.c.text_sha256 == old.c.text_sha256,
        SOURCE_ITEMS.c["item"] == literal(_REVIEW) + new.c.review_id,
        SOURCE_ITEMS.c.source == gone.source,
        SOURCE_ITEMS.c.added_by == gone.run_id,
    )
    renamed = (
        select(func.count())
        .select_from(ITEMS.join(old, old.c.review_id == ITEMS.c.review_id))
        .where(*gone.rows, has_new)
    )
    return int(connection.execute(renamed).scalar_one())
