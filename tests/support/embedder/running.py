"""The embedder's real loops for a test, and runs for it to complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.embedder.database.engine import open_engine
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import (
    KeptItems,
    MovieMessage,
    PosterMessage,
    ReviewMessage,
    RunEnd,
)
from shared.delivery.redis_client import Client
from shared.encoder import Encoder
from shared.runs import registry
from shared.runs.registry import Run
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.waiting import async_wait_until

Message = MovieMessage | ReviewMessage | PosterMessage | KeptItems | RunEnd


@asynccontextmanager
async def embedder(settings: EmbedderSettings, encoder: Encoder) -> AsyncIterator[Embedder]:
    engine = open_engine(settings.database)
    stop = asyncio.Event()
    service = Embedder(settings, engine, encoder, precision="f32")
    task = asyncio.create_task(service.run(stop))
    try:
        yield service
    finally:
        stop.set()
        await task
        engine.dispose()


async def send(redis: Client, messages: Sequence[Message]) -> None:
    """Send all messages in one step, so that no snapshot is made of a part of them."""
    pipeline = redis.pipeline(transaction=True)
    for message in messages:
        pipeline.xadd(REVIEWS_STREAM, message.to_fields())
    await pipeline.execute()


async def new_run(redis: Client, source: str = "test", *, allow_removals: bool = False) -> Run:
    run, _ = await registry.request_run(redis, source, allow_removals=allow_removals)
    await registry.advance(redis, run, "crawling")
    return run


async def ended(redis: Client, run: Run) -> Run:
    async def terminal() -> Run | None:
        record = await registry.get_run(redis, run.run_id)
        return record if record is not None and registry.ended(record) else None

    record = await async_wait_until(terminal, timeout_s=120, what="the run has ended")
    assert record is not None
    return record


def current(settings: EmbedderSettings) -> Snapshot:
    store = SnapshotStore(settings.snapshot_dir)
    pointer = store.current()
    return open_snapshot(store, pointer.snapshot_id, manifest_sha256=pointer.manifest_sha256)
