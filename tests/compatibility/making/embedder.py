"""The old version's embedder runs here as a whole, and its parts do single steps of its work."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import numpy as np

from .invented import Club
from .old import DEAD_EMBEDDER, EMBEDDER, old
from .program import OldProgram


@asynccontextmanager
async def running_embedder(program: OldProgram) -> AsyncIterator[Any]:
    """Run all loops of the embedder, which consume, encode, settle and publish."""
    engine = old("services.embedder.database").open_engine(program.settings.database)
    stop = asyncio.Event()
    service = old("services.embedder.service").Embedder(
        program.settings, engine, program.encoder, precision="f32"
    )
    task = asyncio.create_task(service.run(stop))
    try:
        yield service
    finally:
        stop.set()
        await task
        engine.dispose()


async def end_of_run(program: OldProgram, run: Any, state: str) -> None:
    """Wait until a run has ended, and check that it ended in this state."""

    async def ended() -> Any:
        record = await program.runs.get_run(program.redis, run.run_id)
        return record if program.runs.ended(record) else None

    waiting = old("tests.support.waiting")
    record = await waiting.async_wait_until(ended, timeout_s=120, what="the run has ended")
    assert record.state == state, record


async def store_everything(program: OldProgram, engine: Any) -> None:
    """Consume the reviews as the embedder does, until nothing is left on the stream."""
    messages, streams = old("shared.messages"), old("shared.streams")
    consumer = old("services.embedder.consumer").ReviewConsumer(engine, lambda _: None)
    stop = asyncio.Event()

    async def on_idle() -> None:
        if not await program.redis.xlen(messages.REVIEWS_STREAM):
            stop.set()

    await streams.StreamConsumer(
        url=program.url, stream=messages.REVIEWS_STREAM, group=messages.EMBEDDER_GROUP,
        name=EMBEDDER, handle=consumer.handle, on_dead=consumer.on_dead,
        dead_stream=messages.DEAD_LETTERS_STREAM, block_ms=1, on_idle=on_idle,
    ).run(stop)  # fmt: skip


def quarantine_and_claim(program: OldProgram, engine: Any) -> None:
    """Quarantine one review, and let an embedder that died long ago have claimed another one."""
    vectors = old("services.embedder.vectors")
    store = vectors.VectorStore(engine, program.encoder.spec.encoder_id)
    _quarantine(program, vectors, store)
    with mock.patch.object(vectors.time, "time", Club.FETCHED.timestamp):
        claimed = store.claim(1, f"{DEAD_EMBEDDER}.2")  # The claim expired long ago.
    program.named["claimed review"] = claimed[0].review_id


def _quarantine(program: OldProgram, vectors: Any, store: Any) -> None:
    """Store a review whose vectors were not finite: it is kept, and has no passages."""
    [item] = [one for one in store.backlog(100) if one.review_id == Club.QUARANTINED]
    none = np.empty((0, program.encoder.spec.dim), np.float16)
    spans = np.empty((0, 2), np.int32)
    store.save([vectors.EncodedReview(item.review_id, item.text_sha256, spans, none)])


def begin_snapshot(program: OldProgram, engine: Any) -> None:
    """Begin a snapshot that will never be published."""
    records = old("services.embedder.snapshot_records")
    revision = _last_revision(program.settings.database)
    records.SnapshotRecords(engine, program.encoder.spec.encoder_id).begin(revision)


def _last_revision(database: str) -> int:
    """Read the number of the last change from the database at this address."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as db:
        [number] = db.execute("SELECT value FROM revision").fetchone()
    db.close()
    return int(number)
