"""Runs end when all of them is there, and not because one looked at the wrong moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import StoredVectors, WorkList
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.removal import Removals
from services.embedder.settling.run_completion import RunCompletion
from shared.delivery.messages import REVIEWS_STREAM
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import Entry, append
from shared.runs import registry
from tests.support.embedder.arrivals import Sent, arrive, end, kept, review
from tests.support.embedder.running import new_run


class LateArrival(Ledgers):
    """The last entry of a run is stored and acknowledged right after the ledgers were read."""

    def __init__(self, engine: Engine, redis_url: str, entry_id: str, message: Sent) -> None:
        super().__init__(engine)
        self._redis_url = redis_url
        self._late: tuple[str, Sent] | None = (entry_id, message)
        self._stored_in = engine

    def unencoded(self, run_id: str) -> int:
        found = super().unencoded(run_id)
        if self._late is not None:
            entry_id, message = self._late
            self._late = None
            asyncio.run(self._arrive(entry_id, message))
        return found

    async def _arrive(self, entry_id: str, message: Sent) -> None:
        consumer = ReviewConsumer(self._stored_in, lambda _: None)
        await consumer.handle([Entry(entry_id, message.to_fields())])
        client = connect(self._redis_url)
        await client.xdel(REVIEWS_STREAM, entry_id)
        await client.aclose()


def settlement(engine: Engine, ledgers: Ledgers, redis: Client) -> RunCompletion:
    freshness = Freshness(engine, SnapshotRecords(engine, "encoder"))
    return RunCompletion(ledgers, Removals(engine), freshness, redis, on_removed=lambda: None)


def encode_all(engine: Engine) -> None:
    vectors = WorkList(engine, "encoder")
    spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    vectors.save(
        [StoredVectors(w.review_id, w.text_sha256, spans, values) for w in vectors.backlog(99)]
    )


async def test_what_is_stored_while_one_looks_is_no_loss(
    redis: Client, redis_url: str, engine: Engine
) -> None:
    run = await new_run(redis, "site")
    early, late = review("a", run=run.run_id), review("b", run=run.run_id)
    ending = end([early, late], run=run.run_id, complete=True)
    ids = await append(redis, REVIEWS_STREAM, [m.to_fields() for m in (early, late, ending)])
    consumer = ReviewConsumer(engine, lambda _: None)
    # The second entry fails for now, the others are stored and acknowledged.
    await consumer.handle([Entry(ids[0], early.to_fields()), Entry(ids[2], ending.to_fields())])
    await redis.xdel(REVIEWS_STREAM, ids[0], ids[2])
    encode_all(engine)

    ledgers = LateArrival(engine, redis_url, ids[1], late)
    assert await settlement(engine, ledgers, redis).report() == []
    assert await settlement(engine, ledgers, redis).report() == []  # it is not encoded yet
    encode_all(engine)
    [ready] = await settlement(engine, ledgers, redis).report()
    assert (ready.shortfall, ready.removed) == (None, 0)


async def test_what_never_comes_is_a_loss(redis: Client, engine: Engine) -> None:
    run = await new_run(redis, "site")
    sent = [review("a", run=run.run_id), review("b", run=run.run_id)]
    ending = end(sent, run=run.run_id, complete=True)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", sent[0].to_fields()), Entry("1-2", ending.to_fields())])
    encode_all(engine)
    settled = settlement(engine, Ledgers(engine), redis)
    ready = await settled.report()
    assert [ledger.shortfall for ledger in ready] == ["2 items were sent, 1 arrived"]
    await settled.finish(ready, None)
    found = await registry.get_run(redis, run.run_id)
    assert found is not None
    assert (found.state, found.error) == ("incomplete", "2 items were sent, 1 arrived")
    assert Ledgers(engine).open_ledgers() == []


async def test_while_it_crawls_ingest_tells_how_many_are_kept(
    redis: Client, engine: Engine
) -> None:
    run = await new_run(redis, "site")
    await registry.set_fields(redis, run.run_id, kept=7)
    named = kept("review/a", "review/b", run=run.run_id)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", named.to_fields())])
    settled = settlement(engine, Ledgers(engine), redis)
    await settled.report()
    found = await registry.get_run(redis, run.run_id)
    assert found is not None
    assert found.kept == 7
    ending = end([], kept=named.items, run=run.run_id)
    await consumer.handle([Entry("1-2", ending.to_fields())])
    await settled.report()
    found = await registry.get_run(redis, run.run_id)
    assert found is not None
    assert found.kept == 2


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_a_run_that_was_cut_short_keeps_its_end_and_learns_what_came_of_it(
    redis: Client, engine: Engine, state: registry.State
) -> None:
    """What it stored is searched for like the rest, so its record says so, and how soon."""
    run = await new_run(redis, "site")
    sent = review("a", run=run.run_id, fetched_at=datetime.now(UTC) - timedelta(seconds=30))
    left = review("b", run=run.run_id)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", sent.to_fields())])
    [entry_id] = await append(redis, REVIEWS_STREAM, [left.to_fields()])
    await registry.advance(redis, run, state, error="no more")
    settled = settlement(engine, Ledgers(engine), redis)
    assert await settled.report() == []  # nothing is encoded yet
    encode_all(engine)
    assert await settled.report() == []  # and what it sent last has not been stored
    await consumer.handle([Entry(entry_id, left.to_fields())])
    await redis.xdel(REVIEWS_STREAM, entry_id)
    encode_all(engine)
    [ready] = await settled.report()
    records = SnapshotRecords(engine, "encoder")
    with records.content() as content:
        sequence = records.begin(content.revision)
    records.published(sequence, "00000001-00000000", 1)
    Freshness(engine, records).note()
    await settled.finish([ready], "00000001-00000000")
    assert Ledgers(engine).open_ledgers() == []
    found = await registry.get_run(redis, run.run_id)
    assert found is not None
    assert (found.state, found.error, found.snapshot_id) == (state, "no more", None)
    assert (found.stored, found.embedded) == (2, 2)
    assert found.freshness_max_s is not None
    assert found.freshness_max_s >= 30


class Counting(Ledgers):
    """Counts how often it is asked."""

    asked = 0

    def unencoded(self, run_id: str) -> int:
        self.asked += 1
        return super().unencoded(run_id)


async def test_very_many_reviews_are_not_counted_each_time(
    engine: Engine, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await arrive(engine, *(review(f"r{n}") for n in range(3)))
    ledgers = Counting(engine)
    settling = settlement(engine, ledgers, redis)
    for _ in range(3):
        await settling.report()
    assert ledgers.asked == 3
    monkeypatch.setattr("services.embedder.settling.run_completion.MANY", 2)
    for _ in range(3):
        await settling.report()
    assert ledgers.asked == 4
    monkeypatch.setattr("services.embedder.settling.run_completion.COUNT_EVERY_S", 0.0)
    settling = settlement(engine, ledgers, redis)
    for _ in range(3):
        await settling.report()
    assert ledgers.asked == 7
