"""How long it took from fetching a page until what it says could be found.

A review that a run stored is *searchable* when the first snapshot that holds it became current:
one of at least the review's revision, begun when it was encoded. ``note`` is called whenever a
snapshot may have become current; it writes that moment to ``run_items``, where the run's median and
longest time are read when it ends, and counts each review once in the histogram. A process that was
killed before it noted what it had published notes it after its restart, with the same moments.
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
    "embedder_freshness_seconds",
    "From page fetched to searchable, of each review that is new or changed",
    buckets=(
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600,
        86400, 2 * 86400, 7 * 86400, 30 * 86400,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """From fetched to searchable, of the reviews that a run stored, in seconds."""

    median_s: float
    max_s: float


class Freshness:
    """Follows when the reviews of open runs become searchable."""

    def __init__(self, engine: Engine, records: SnapshotRecords) -> None:
        self._engine = engine
        self._records = records
        self._noted = 0

    def note(self) -> None:
        """Note what the last published snapshot holds. Blocking; cheap when there is no new one."""
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
                for moment in fetched:
                    _freshness.observe(max(0.0, published.at - moment))
        self._noted = published.sequence

    def of_run(self, run_id: str) -> Times | None:
        """The times of a run; None when nothing of it tells them."""
        known = (
            ITEMS.c.run_id == run_id,
            ITEMS.c.searchable_at.is_not(None),
            ITEMS.c.fetched_at.is_not(None),
        )
        took = ITEMS.c.searchable_at - ITEMS.c.fetched_at
        with reading(self._engine) as connection:
            count, longest = connection.execute(
                select(func.count(), func.max(took)).where(*known)
            ).one()
            if not count:
                return None
            middle = connection.execute(
                select(took)
                .where(*known)
                .order_by(took)
                .offset((count - 1) // 2)
                .limit(2 - count % 2)
            ).scalars()
            values = list(middle)
        return Times(max(0.0, sum(values) / len(values)), max(0.0, longest))


def _note_chunk(
    connection: Connection, run_id: str, after: str, published: Published
) -> tuple[str | None, list[float]]:
    """Note some items of a run, in the order of their names.

    Returns:
        The last item looked at, None when there are no more; and when those noted were fetched.
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
