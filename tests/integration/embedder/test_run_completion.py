"""Runs are completed when everything has arrived, however reads and writes interleave."""

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
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import Entry, append
from shared.runs import registry
from tests.support.embedder.arrivals import Sent, arrive, end, kept, review
from tests.support.embedder.running import new_run
from tests.support.embedder.stored import backlog


class LateArrival(Ledgers):
    """Stores and acknowledges the last entry of a run right after the ledgers were read."""

    def __init__(self, engine: Engine, redis_url: str, entry_id: str, message: Sent) -> None:
        super().__init__(engine)
        self._redis_url = redis_url
        self._late: tuple[str, Sent] | None = (entry_id, message)
        self._stored_in = engine

    def unencoded(self, run_id: str) -> int:
        left = super().unencoded(run_id)
        if self._late is not None:
            entry_id, message = self._late
            self._late = None
            asyncio.run(self._arrive(entry_id, message))
        return left

    async def _arrive(self, entry_id: str, message: Sent) -> None:
        consumer = ReviewConsumer(self._stored_in, lambda _: None)
        await consumer.handle([Entry(entry_id, message.to_fields())])
        client = connect(self._redis_url)
        await client.xdel(REVIEWS_STREAM, entry_id)
        await client.aclose()


def run_completion(engine: Engine, ledgers: Ledgers, redis: Client) -> RunCompletion:
    freshness = Freshness(engine, SnapshotRecords(engine, "encoder"))
    return RunCompletion(ledgers, Removals(engine), freshness, redis, on_removed=lambda: None)


def encode_all(engine: Engine) -> None:
    work_list = WorkList(engine, "encoder")
    spans, values = np.array([[0, 4]], dtype=np.int32), np.ones((1, 2), dtype=np.float16)
    work_list.save(
        [StoredVectors(w.review_id, w.text_sha256, spans, values) for w in backlog(engine)]
    )


async def test_a_review_that_is_stored_during_the_check_is_not_lost(
    redis: Client, redis_url: str, engine: Engine
) -> None:
    run = await new_run(redis, "site")
    early, late = review("a", run=run.run_id), review("b", run=run.run_id)
    ending = end([early, late], run=run.run_id, complete=True)
    ids = await append(redis, REVIEWS_STREAM, [m.to_fields() for m in (early, late, ending)])
    consumer = ReviewConsumer(engine, lambda _: None)
    # The second entry is delivered later, the others are stored and acknowledged.
    await consumer.handle([Entry(ids[0], early.to_fields()), Entry(ids[2], ending.to_fields())])
    await redis.xdel(REVIEWS_STREAM, ids[0], ids[2])
    encode_all(engine)

    ledgers = LateArrival(engine, redis_url, ids[1], late)
    assert await run_completion(engine, ledgers, redis).report_progress() == []
    assert (
        await run_completion(engine, ledgers, redis).report_progress() == []
    )  # the late review is not encoded yet
    encode_all(engine)
    [ready] = await run_completion(engine, ledgers, redis).report_progress()
    assert (ready.shortfall, ready.removed) == (None, 0)


async def test_a_review_that_never_arrives_makes_the_run_incomplete(
    redis: Client, engine: Engine
) -> None:
    run = await new_run(redis, "site")
    sent = [review("a", run=run.run_id), review("b", run=run.run_id)]
    ending = end(sent, run=run.run_id, complete=True)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", sent[0].to_fields()), Entry("1-2", ending.to_fields())])
    encode_all(engine)
    completion = run_completion(engine, Ledgers(engine), redis)
    ready = await completion.report_progress()
    assert [ledger.shortfall for ledger in ready] == ["2 items were sent, 1 arrived"]
    await completion.complete(ready, None)
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    assert (record.state, record.error) == ("incomplete", "2 items were sent, 1 arrived")
    assert Ledgers(engine).open_ledgers() == []


async def test_while_a_run_crawls_ingest_writes_how_many_reviews_are_kept(
    redis: Client, engine: Engine
) -> None:
    run = await new_run(redis, "site")
    await registry.set_fields(redis, run.run_id, kept=7)
    named = kept("review/a", "review/b", run=run.run_id)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", named.to_fields())])
    completion = run_completion(engine, Ledgers(engine), redis)
    await completion.report_progress()
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    assert record.kept == 7
    ending = end([], kept=named.items, run=run.run_id)
    await consumer.handle([Entry("1-2", ending.to_fields())])
    await completion.report_progress()
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    assert record.kept == 2


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_a_run_that_was_cut_short_keeps_its_state_and_gets_its_final_counts(
    redis: Client, engine: Engine, state: registry.State
) -> None:
    """Its stored reviews are searchable like others, so its record has their freshness too."""
    run = await new_run(redis, "site")
    sent = review("a", run=run.run_id, fetched_at=datetime.now(UTC) - timedelta(seconds=30))
    left = review("b", run=run.run_id)
    consumer = ReviewConsumer(engine, lambda _: None)
    await consumer.handle([Entry("1-1", sent.to_fields())])
    [entry_id] = await append(redis, REVIEWS_STREAM, [left.to_fields()])
    await registry.advance(redis, run, state, error="no more")
    completion = run_completion(engine, Ledgers(engine), redis)
    assert await completion.report_progress() == []  # nothing is encoded yet
    encode_all(engine)
    assert await completion.report_progress() == []  # and its last review has not been stored
    await consumer.handle([Entry(entry_id, left.to_fields())])
    await redis.xdel(REVIEWS_STREAM, entry_id)
    encode_all(engine)
    [ready] = await completion.report_progress()
    records = SnapshotRecords(engine, "encoder")
    with records.content() as content:
        sequence = records.begin(content.revision)
    records.published(sequence, "00000001-00000000", 1)
    Freshness(engine, records).note()
    await completion.complete([ready], "00000001-00000000")
    assert Ledgers(engine).open_ledgers() == []
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    assert (record.state, record.error, record.snapshot_id) == (state, "no more", None)
    assert (record.stored, record.embedded) == (2, 2)
    assert record.freshness_max_s is not None
    assert record.freshness_max_s >= 30


class Counting(Ledgers):
    """Counts the calls of ``unencoded``."""

    calls = 0

    def unencoded(self, run_id: str) -> int:
        self.calls += 1
        return super().unencoded(run_id)


async def test_a_long_backlog_is_not_counted_at_every_tick(
    engine: Engine, redis: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await arrive(engine, *(review(f"r{n}") for n in range(3)))
    ledgers = Counting(engine)
    completion = run_completion(engine, ledgers, redis)
    for _ in range(3):
        await completion.report_progress()
    assert ledgers.calls == 3
    monkeypatch.setattr("services.embedder.settling.run_completion.RECOUNT_LIMIT", 2)
    for _ in range(3):
        await completion.report_progress()
    assert ledgers.calls == 4
    monkeypatch.setattr("services.embedder.settling.run_completion.RECOUNT_EVERY_S", 0.0)
    completion = run_completion(engine, ledgers, redis)
    for _ in range(3):
        await completion.report_progress()
    assert ledgers.calls == 7
