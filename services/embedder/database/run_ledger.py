"""The ledger of each run: compares what arrived with the counts in the run's end message.

A run is complete when ``emitted = stored + duplicate + dead-lettered`` and as many items were named
as kept as its end message says; otherwise it ends as incomplete, with the reason. Counting is exact
under redelivery, in any order: an item counts when it is first inserted into ``run_items``, in the
same transaction that stores it. An item that was both sent and named as kept counts as sent,
whichever message came first. The items of a run are kept until it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, exists, func, literal, select, update
from sqlmodel import SQLModel

from services.embedder.database.engine import reading, writing
from services.embedder.database.review_store import UNENCODED, insert
from shared.delivery.messages import KeptItems, RunEnd, checksum_of_ids, ledger_id

_TABLES = SQLModel.metadata.tables
LEDGERS, ITEMS = _TABLES["run_ledgers"], _TABLES["run_items"]
_REVIEW = ledger_id("review", "")
_UNKNOWN_SOURCE = "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """One movie or review of a run, and its outcome.

    Attributes:
        run_id: The run that sent or named the item.
        source: The source that the run crawls.
        item: Ledger id of the item (``shared.delivery.messages.ledger_id``).
        review_id: Id of the review; None for a movie.
        outcome: "stored", "duplicate", "dead" or "kept".
        revision: Revision of the change that stored the item; None if nothing was stored.
        fetched_at: When its page was fetched, in seconds since 1970; None if unknown.
    """

    run_id: str
    source: str
    item: str
    review_id: str | None
    outcome: str
    revision: int | None = None
    fetched_at: float | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state of an open run's ledger; its fields are columns of ``run_ledgers``."""

    run_id: str
    source: str
    items: int
    checksum: str
    stored: int
    duplicate: int
    dead: int
    kept: int
    kept_items: int
    kept_checksum: str
    expected: int | None
    expected_checksum: str | None
    expected_kept: int
    expected_kept_checksum: str
    complete: bool
    end_entry: str | None
    removed: int | None
    fault: str | None

    @property
    def shortfall(self) -> str | None:
        """How the arrived items differ from the run's end message; None when they match."""
        if self.expected is None:
            return "the run's end message has not arrived"
        if self.items != self.expected:
            return f"{self.expected} items were sent, {self.items} arrived"
        if self.checksum != self.expected_checksum:
            return f"{self.expected} items were sent, and others arrived"
        if self.kept_items != self.expected_kept:
            return f"{self.expected_kept} unchanged items were named, {self.kept_items} arrived"
        if self.kept_checksum != self.expected_kept_checksum:
            return f"{self.expected_kept} unchanged items were named, and others arrived"
        return None

    @property
    def balanced(self) -> bool:
        """Whether every item that was sent or named as kept has arrived."""
        return self.shortfall is None

    @property
    def undecided(self) -> bool:
        """Whether the removals of the run must still be decided (``removal``)."""
        return self.removed is None and (self.complete or self.kept_items > 0)


def dead_item(run_id: str, kind: str, item_id: str) -> Item:
    """Return a dead-lettered item; its source is unknown, as the entry could not be read."""
    return Item(run_id, _UNKNOWN_SOURCE, ledger_id(kind, item_id), None, "dead")


def kept_items(message: KeptItems) -> list[Item]:
    """Return the items that a message names as kept."""
    return [
        Item(
            message.run_id,
            message.source,
            item,
            item.removeprefix(_REVIEW) if item.startswith(_REVIEW) else None,
            "kept",
        )
        for item in message.items
    ]


def count_items(connection: Connection, items: Sequence[Item]) -> None:
    """Count items that have not been counted before; those of a closed run are ignored."""
    if not items:
        return
    run_ids = {item.run_id for item in items}
    _open(connection, {item.run_id: item.source for item in items})
    # The rows are locked, because their checksums are read, added to and written back.
    ledgers = connection.execute(
        select(LEDGERS.c.run_id, LEDGERS.c.closed, LEDGERS.c.kept_items)
        .where(LEDGERS.c.run_id.in_(run_ids))
        .with_for_update()
    ).all()
    for run_id, closed, kept in ledgers:
        if not closed:
            _count(connection, run_id, [i for i in items if i.run_id == run_id], kept=kept)


def _count(connection: Connection, run_id: str, items: Sequence[Item], *, kept: int) -> None:
    """Count the items of one run.

    Args:
        connection: An open write transaction.
        run_id: The run.
        items: Items of this run; those that have been counted before are ignored.
        kept: How many items of the run have been counted as kept before.
    """
    sent = [item.item for item in items if item.outcome != "kept"]
    if kept and sent:
        of_run = and_(ITEMS.c.run_id == run_id, ITEMS.c["item"].in_(sent))
        replaced = connection.execute(
            delete(ITEMS).where(of_run, ITEMS.c.outcome == "kept").returning(ITEMS.c["item"])
        ).scalars()
        _add(connection, run_id, dict.fromkeys(replaced, "kept"), sign=-1)
    rows = [
        {
            "run_id": run_id, "item": i.item, "review_id": i.review_id, "outcome": i.outcome,
            "revision": i.revision, "fetched_at": i.fetched_at,
        }
        for i in sorted(items, key=lambda item: item.outcome == "kept")
    ]  # fmt: skip
    statement = insert(connection, ITEMS).on_conflict_do_nothing()
    inserted = connection.execute(statement.returning(ITEMS.c["item"], ITEMS.c.outcome), rows)
    _add(connection, run_id, {row.item: row.outcome for row in inserted})


def _add(
    connection: Connection, run_id: str, outcomes: Mapping[str, str], *, sign: int = 1
) -> None:
    """Add items to the counts and checksums of a run, or subtract them (``sign`` -1)."""
    if not outcomes:
        return
    kept = [item for item, outcome in outcomes.items() if outcome == "kept"]
    sent = [item for item, outcome in outcomes.items() if outcome != "kept"]
    reviews = [outcome for item, outcome in outcomes.items() if item.startswith(_REVIEW)]
    of_run = LEDGERS.c.run_id == run_id
    before = connection.execute(
        select(LEDGERS.c.checksum, LEDGERS.c.kept_checksum).where(of_run)
    ).one()
    connection.execute(
        update(LEDGERS)
        .where(of_run)
        .values(
            items=LEDGERS.c["items"] + sign * len(sent),
            checksum=str((int(before.checksum) + sign * checksum_of_ids(sent)) % 2**64),
            kept_items=LEDGERS.c.kept_items + sign * len(kept),
            kept_checksum=str((int(before.kept_checksum) + sign * checksum_of_ids(kept)) % 2**64),
            **{
                outcome: LEDGERS.c[outcome] + sign * reviews.count(outcome)
                for outcome in ("stored", "duplicate", "dead", "kept")
            },
        )
    )


def remove_nothing(connection: Connection, run_ids: Collection[str] | None = None) -> None:
    """Decide that runs remove nothing, because their ids are those of an earlier version.

    Args:
        connection: An open write transaction.
        run_ids: The runs; None for all that have not ended.
    """
    undecided = [LEDGERS.c.closed.is_(False), LEDGERS.c.removed.is_(None)]
    if run_ids is not None:
        undecided.append(LEDGERS.c.run_id.in_(list(run_ids)))
    connection.execute(update(LEDGERS).where(*undecided).values(removed=0))


def record_end(connection: Connection, end: RunEnd, entry_id: str) -> None:
    """Store the expected counts of a run, from its end message.

    Args:
        connection: An open write transaction.
        end: The run's end message.
        entry_id: Id of the message's stream entry.
    """
    _open(connection, {end.run_id: end.source})
    connection.execute(
        update(LEDGERS)
        .where(LEDGERS.c.run_id == end.run_id)
        .values(
            source=end.source,
            expected=end.emitted,
            expected_checksum=str(end.checksum),
            expected_kept=end.kept,
            expected_kept_checksum=str(end.kept_checksum),
            complete=end.complete,
            end_entry=entry_id,
        )
    )


def _open(connection: Connection, sources: Mapping[str, str]) -> None:
    rows = [
        {
            "run_id": run_id, "source": source, "items": 0, "checksum": "0", "stored": 0,
            "duplicate": 0, "dead": 0, "closed": False,
        }
        for run_id, source in sources.items()
    ]  # fmt: skip
    connection.execute(insert(connection, LEDGERS).on_conflict_do_nothing(), rows)


class Ledgers:
    """The ledgers of all open runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open_ledgers(self) -> list[Ledger]:
        """Return the ledgers of the runs that have not ended."""
        with reading(self._engine) as connection:
            rows = connection.execute(_columns().where(LEDGERS.c.closed.is_(False)))
            return [Ledger(*row) for row in rows]

    def ledger(self, run_id: str) -> Ledger:
        """Return the ledger of one run, of which at least one message has arrived."""
        with reading(self._engine) as connection:
            return read_ledger(connection, run_id)

    def unencoded(self, run_id: str) -> int:
        """Count the reviews of a run that have no vectors yet."""
        # Not a join: SQLite would start it from the items of the run, of which there are many more.
        in_run = exists().where(
            ITEMS.c.run_id == run_id,
            ITEMS.c["item"] == literal(_REVIEW) + UNENCODED.c.review_id,
            ITEMS.c.outcome.in_(("stored", "duplicate", "kept")),
        )
        with reading(self._engine) as connection:
            query = select(func.count()).select_from(UNENCODED).where(in_run)
            return int(connection.execute(query).scalar_one())

    def close(self, run_id: str) -> None:
        """Close the ledger of a run and delete its items, which are not needed any more."""
        with writing(self._engine) as connection:
            connection.execute(
                update(LEDGERS).where(LEDGERS.c.run_id == run_id).values(closed=True)
            )
            connection.execute(delete(ITEMS).where(ITEMS.c.run_id == run_id))


def read_ledger(connection: Connection, run_id: str) -> Ledger:
    """Read the ledger of a run; a write transaction also locks it against counting."""
    query = _columns().where(LEDGERS.c.run_id == run_id)
    if connection.get_execution_options().get("immediate"):
        query = query.with_for_update()
    return Ledger(*connection.execute(query).one())


def _columns() -> Any:
    return select(*(LEDGERS.c[name] for name in Ledger.__dataclass_fields__))
