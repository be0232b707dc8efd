"""The embedder's real loops for a test, and runs for it to settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.embedder.database.engine import open_engine
from services.embedder.service import Embedder
from shared.delivery.messages import REVIEWS_STREAM, KeptItems, MovieMessage, ReviewMessage, RunEnd
from shared.delivery.redis_client import Client
from shared.encoder import Encoder
from shared.runs import registry
from shared.runs.registry import Run
from shared.settings import Settings
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.waiting import async_wait_until

Message = MovieMessage | ReviewMessage | KeptItems | RunEnd


@asynccontextmanager
async def embedder(settings: Settings, encoder: Encoder) -> AsyncIterator[Embedder]:
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
    """All in one step: whoever reads finds them together, and makes no snapshot of a part."""
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
        found = await registry.get_run(redis, run.run_id)
        return found if found is not None and registry.ended(found) else None

    found = await async_wait_until(terminal, timeout_s=120, what="the run has ended")
    assert found is not None
    return found


def current(settings: Settings) -> Snapshot:
    store = SnapshotStore(settings.snapshot_dir)
    pointer = store.current()
    return open_snapshot(store, pointer.snapshot_id, manifest_sha256=pointer.manifest_sha256)
