"""The queries that the embedder repeats cost the same, however much is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, event

from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import StoredVectors, WorkList
from services.embedder.settling.freshness import Freshness
from tests.support.embedder.arrivals import Sent, arrive, movie, review

HOLDER = "embedder-1"


class Steps:
    """Counts the instructions that SQLite executes."""

    def __init__(self, engine: Engine) -> None:
        self._count = 0
        event.listen(engine, "connect", self._watch)

    def _watch(self, connection: sqlite3.Connection, _: object) -> None:
        connection.set_progress_handler(self._step, 1)

    def _step(self) -> int:
        self._count += 1
        return 0

    def of(self, query: Callable[[], object]) -> int:
        before = self._count
        query()
        return self._count - before


async def steps_of_a_tick(folder: Path, movies: int, *, encoded: bool) -> dict[str, int]:
    """The cost of each query in SQLite instructions, with an open run of so many movies."""
    engine = open_engine(f"sqlite:///{folder / 'movies.sqlite'}")
    items: list[Sent] = []
    for n in range(movies):
        items += [movie(f"tt{n}"), *(review(f"r{n}-{m}", f"tt{n}") for m in range(4))]
    for start in range(0, len(items), 500):
        await arrive(engine, *items[start : start + 500])
    work_list, records = WorkList(engine, "encoder"), SnapshotRecords(engine, "encoder")
    spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    while encoded and (work := work_list.claim(500, HOLDER)):
        work_list.save([StoredVectors(w.review_id, w.text_sha256, spans, values) for w in work])
    freshness, ledgers = Freshness(engine, records), Ledgers(engine)
    if encoded:
        with records.content() as content:
            records.published(records.begin(content.revision), "00000001-00000000", movies)
    freshness.note()
    steps = Steps(engine)
    costs = {
        "open_ledgers": steps.of(ledgers.open_ledgers),
        "unencoded": steps.of(lambda: ledgers.unencoded("run-1")),
        "note": steps.of(freshness.note),
        "changed": steps.of(records.changed_since_published),
        "last_published": steps.of(records.last_published),
        "backlog_size": steps.of(work_list.backlog_size),
        "claim": steps.of(lambda: work_list.claim(16, HOLDER)),
    }
    engine.dispose()
    return costs


async def test_an_idle_tick_costs_the_same_for_any_catalogue(tmp_path: Path) -> None:
    small = await steps_of_a_tick(tmp_path / "small", 8, encoded=True)
    large = await steps_of_a_tick(tmp_path / "large", 400, encoded=True)
    assert min(small.values()) > 0
    for name, steps in large.items():
        assert steps <= small[name] * 1.5 + 50, name


async def test_the_cost_of_a_busy_tick_grows_only_with_the_work_left(tmp_path: Path) -> None:
    small = await steps_of_a_tick(tmp_path / "small", 8, encoded=False)
    large = await steps_of_a_tick(tmp_path / "large", 400, encoded=False)
    growth = 400 / 8
    assert large["claim"] <= small["claim"] * 1.5 + 50
    assert large["unencoded"] <= small["unencoded"] * growth * 1.5


@pytest.mark.parametrize("done", [100, 300])
async def test_the_next_batch_is_found_without_reading_encoded_reviews(
    tmp_path: Path, done: int
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    await arrive(engine, *(review(f"r{n:03d}", f"tt{n:03d}") for n in range(400)))
    work_list = WorkList(engine, "encoder")
    spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    steps = Steps(engine)
    first = steps.of(lambda: work_list.claim(16, HOLDER))
    work = work_list.claim(done, HOLDER)
    work_list.save([StoredVectors(w.review_id, w.text_sha256, spans, values) for w in work])
    later = steps.of(lambda: work_list.claim(16, HOLDER))
    engine.dispose()
    looking_up = 16 * 20  # each text among those of the encoded reviews, by an index
    assert later <= first * 1.1 + looking_up
