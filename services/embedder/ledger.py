"""The ledger of each run: what arrived, against what its end said should.

``emitted = stored + duplicate + dead-lettered`` or the run is incomplete, and says so. Counting is
exact under redelivery: an item counts when it is first inserted into ``run_items``, in the same
transaction that stores it. The items of a run are kept until it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from services.embedder.database import reading, writing
from services.embedder.store import REVIEWS, VECTORS
from shared.messages import RunEnd, checksum_of_ids

_TABLES = SQLModel.metadata.tables
LEDGERS, ITEMS = _TABLES["run_ledgers"], _TABLES["run_items"]


@dataclass(frozen=True, slots=True)
class Item:
    """One movie or review of a run, and what became of it."""

    run_id: str
    source: str
    item: str
    review_id: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state of an open run's ledger. Counts of stored, duplicate and dead are of reviews."""

    run_id: str
    source: str
    items: int
    checksum: str
    stored: int
    duplicate: int
    dead: int
    expected: int | None
    expected_checksum: str | None
    end_entry: str | None

    @property
    def balanced(self) -> bool:
        """Whether everything that was emitted has arrived."""
        return (
            self.expected is not None
            and self.items == self.expected
            and self.checksum == self.expected_checksum
        )


def count_items(connection: Connection, items: Sequence[Item]) -> None:
    """Count items that have not been counted before; those of a closed run are passed over."""
    if not items:
        return
    _open(connection, {item.run_id: item.source for item in items})
    closed = set(
        connection.execute(
            select(LEDGERS.c.run_id).where(
                LEDGERS.c.closed, LEDGERS.c.run_id.in_({item.run_id for item in items})
            )
        ).scalars()
    )
    rows = [
        {"run_id": i.run_id, "item": i.item, "review_id": i.review_id, "outcome": i.outcome}
        for i in items
        if i.run_id not in closed
    ]
    if not rows:
        return
    inserted = connection.execute(
        _insert(connection, ITEMS)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(ITEMS.c.run_id, ITEMS.c.item, ITEMS.c.review_id, ITEMS.c.outcome)
    ).all()
    for run_id in {row.run_id for row in inserted}:
        _add(connection, run_id, [row for row in inserted if row.run_id == run_id])


def _add(connection: Connection, run_id: str, rows: Sequence[Any]) -> None:
    before = connection.execute(
        select(LEDGERS.c.checksum).where(LEDGERS.c.run_id == run_id)
    ).scalar_one()
    checksum = (int(before) + checksum_of_ids(row.item for row in rows)) % 2**64
    outcomes = [row.outcome for row in rows if row.item.startswith("review/")]
    connection.execute(
        update(LEDGERS)
        .where(LEDGERS.c.run_id == run_id)
        .values(
            items=LEDGERS.c["items"] + len(rows),
            checksum=str(checksum),
            stored=LEDGERS.c.stored + outcomes.count("stored"),
            duplicate=LEDGERS.c.duplicate + outcomes.count("duplicate"),
            dead=LEDGERS.c.dead + outcomes.count("dead"),
        )
    )


def record_end(connection: Connection, end: RunEnd, entry_id: str) -> None:
    """Note what a run's end says should have arrived."""
    _open(connection, {end.run_id: end.source})
    connection.execute(
        update(LEDGERS)
        .where(LEDGERS.c.run_id == end.run_id)
        .values(expected=end.emitted, expected_checksum=str(end.checksum), end_entry=entry_id)
    )


def _open(connection: Connection, sources: Mapping[str, str]) -> None:
    rows = [
        {
            "run_id": run_id, "source": source, "items": 0, "checksum": "0", "stored": 0,
            "duplicate": 0, "dead": 0, "closed": False,
        }
        for run_id, source in sources.items()
    ]  # fmt: skip
    connection.execute(_insert(connection, LEDGERS).values(rows).on_conflict_do_nothing())


def _insert(connection: Connection, table: Any) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


class Ledgers:
    """The ledgers of all open runs."""

    def __init__(self, engine: Engine, encoder_id: str) -> None:
        self._engine = engine
        self._encoder_id = encoder_id

    def open_ledgers(self, run_ids: Iterable[str] | None = None) -> list[Ledger]:
        """Ledgers of the runs that have not ended; of these runs only, if given."""
        columns = [LEDGERS.c[name] for name in Ledger.__dataclass_fields__]
        query = select(*columns).where(LEDGERS.c.closed.is_(False))
        if run_ids is not None:
            query = query.where(LEDGERS.c.run_id.in_(list(run_ids)))
        with reading(self._engine) as connection:
            return [Ledger(*row) for row in connection.execute(query)]

    def unencoded(self, run_id: str) -> int:
        """How many reviews that a run stored have no vectors yet."""
        joined = ITEMS.join(REVIEWS, REVIEWS.c.review_id == ITEMS.c.review_id).outerjoin(
            VECTORS,
            and_(
                VECTORS.c.review_id == REVIEWS.c.review_id,
                VECTORS.c.text_sha256 == REVIEWS.c.text_sha256,
                VECTORS.c.encoder_id == self._encoder_id,
            ),
        )
        with reading(self._engine) as connection:
            return int(
                connection.execute(
                    select(func.count())
                    .select_from(joined)
                    .where(ITEMS.c.run_id == run_id, VECTORS.c.review_id.is_(None))
                ).scalar_one()
            )

    def close(self, run_id: str) -> None:
        """End a run's ledger; its items are not needed any more."""
        with writing(self._engine) as connection:
            connection.execute(
                update(LEDGERS).where(LEDGERS.c.run_id == run_id).values(closed=True)
            )
            connection.execute(delete(ITEMS).where(ITEMS.c.run_id == run_id))
