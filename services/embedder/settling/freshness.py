"""Freshness: the time from fetching a page until its reviews are searchable.

A review that a run stored is *searchable* since the first snapshot that holds it became current:
one of at least the review's revision, started after it was encoded. ``note`` is called whenever a
snapshot may have become current; it writes that time to ``run_items``, from which the run's median
and longest times are read when the run ends, and counts each review once in the histogram. A
process that was killed between publishing and ``note`` makes up for it after its restart, with the
same times.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import Histogram
from sqlalchemy import Connection, Engine, exists, func, select, update

from services.embedder.database.engine import reading, writing
from services.embedder.database.review_store import UNENCODED
from services.embedder.database.run_ledger import ITEMS, LEDGERS
from services.embedder.database.snapshot_records import Published, SnapshotRecords

CHUNK_ITEMS = 5000

_freshness = Histogram(
    "movie_search_embedder_freshness_seconds",
    "Seconds from fetching the page to being searchable, for each new or changed review",
    buckets=(
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600,
        86400, 2 * 86400, 7 * 86400, 30 * 86400,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """Median and longest time from fetched to searchable of a run's stored reviews, in seconds."""

    median_s: float
    max_s: float


class Freshness:
    """Records when the reviews of open runs become searchable.

    Args:
        engine: The database.
        records: The published snapshots.
    """

    def __init__(self, engine: Engine, records: SnapshotRecords) -> None:
        self._engine = engine
        self._records = records
        self._noted = 0

    def note(self) -> None:
        """Record the reviews in the last published snapshot; blocking, cheap if it is not new."""
        published = self._records.last_published()
        if published is None or published.sequence == self._noted:
            return
        with reading(self._engine) as connection:
            query = select(LEDGERS.c.run_id).where(LEDGERS.c.closed.is_(False))
            open_runs = list(connection.execute(query).scalars())
        for run_id in open_runs:
            after: str | None = ""
            while after is not None:
                with writing(self._engine) as connection:
                    after, fetched = _note_chunk(connection, run_id, after, published)
                for fetched_at in fetched:
                    _freshness.observe(max(0.0, published.at - fetched_at))
        self._noted = published.sequence

    def of_run(self, run_id: str) -> Times | None:
        """Return the times of a run; None if none of its reviews has both times."""
        timed = (
            ITEMS.c.run_id == run_id,
            ITEMS.c.searchable_at.is_not(None),
            ITEMS.c.fetched_at.is_not(None),
        )
        elapsed_s = ITEMS.c.searchable_at - ITEMS.c.fetched_at
        with reading(self._engine) as connection:
            count, longest_s = connection.execute(
                select(func.count(), func.max(elapsed_s)).where(*timed)
            ).one()
            if not count:
                return None
            middle = connection.execute(
                select(elapsed_s)
                .where(*timed)
                .order_by(elapsed_s)
                .offset((count - 1) // 2)
                .limit(2 - count % 2)
            ).scalars()
            values = list(middle)
        return Times(max(0.0, sum(values) / len(values)), max(0.0, longest_s))


def _note_chunk(
    connection: Connection, run_id: str, after: str, published: Published
) -> tuple[str | None, list[float]]:
    """Record the next items of a run as searchable, in the order of their ledger ids.

    Args:
        connection: An open write transaction.
        run_id: The run.
        after: Ledger id of the last item of the previous chunk.
        published: The snapshot that has become current.

    Returns:
        The ledger id of the last item, None when there are no more; and the times when the recorded
        items were fetched, in seconds since 1970.
    """
    unencoded = exists().where(UNENCODED.c.review_id == ITEMS.c.review_id)
    item = ITEMS.c["item"]
    chunk = list(
        connection.execute(
            select(item)
            .where(
                ITEMS.c.run_id == run_id,
                item > after,
                ITEMS.c.outcome == "stored",
                ITEMS.c.review_id.is_not(None),
                ITEMS.c.fetched_at.is_not(None),
                ITEMS.c.searchable_at.is_(None),
                ITEMS.c.revision <= published.revision,
                ~unencoded,
            )
            .order_by(item)
            .limit(CHUNK_ITEMS)
        ).scalars()
    )
    if not chunk:
        return None, []
    fetched = connection.execute(
        update(ITEMS)
        .where(ITEMS.c.run_id == run_id, item.in_(chunk))
        .values(searchable_at=published.at)
        .returning(ITEMS.c.fetched_at)
    ).scalars()
    return chunk[-1], list(fetched)
