"""Full disks, full memory, a locked database: nothing is lost, nothing crashes, all goes on after.

A handler that cannot commit acknowledges nothing, a producer that gets no reply holds what it has,
and a snapshot that cannot be written leaves the one before it in place.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.exceptions import OutOfMemoryError
from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database import engine as embedder_database
from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledger, Ledgers
from services.embedder.publishing import publish_schedule
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import StreamConsumer, append, append_patiently
from shared.runs import registry
from shared.snapshot import commit
from shared.snapshot.storage.store import SnapshotStore
from tests.support.counts import Counted
from tests.support.delivery.messages import movie, review, run_end, small_run
from tests.support.delivery.redis_server import RedisServer
from tests.support.disk.small_disk import small_disk
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.soak import times
from tests.support.waiting import async_wait_until

LOCKED_S = times(2, soak=10)


@asynccontextmanager
async def storing(url: str, engine: Engine) -> AsyncIterator[asyncio.Task[None]]:
    """The consumer, from the stream into SQL; it must be alive in the end."""
    handler = ReviewConsumer(engine, lambda _: None)
    consumer = StreamConsumer(
        url=url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name="a", handle=handler.handle,
        on_dead=handler.on_dead, dead_stream=DEAD_LETTERS_STREAM, batch=20, block_ms=50,
    )  # fmt: skip
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield task
        assert not task.done()
    finally:
        stop.set()
        await task


async def ledger_of(engine: Engine) -> Ledger:
    return await asyncio.to_thread(Ledgers(engine).ledger, "run-1")


async def assert_balanced(redis: Client, engine: Engine, stored: int, *, dead: int = 0) -> None:
    """All is in SQL, nothing on the stream, and nothing was blamed for it."""

    async def drained() -> bool:
        try:
            return bool(await redis.xlen(REVIEWS_STREAM) == 0)
        except UNAVAILABLE:
            return False

    await async_wait_until(drained, timeout_s=60)
    ledger = await ledger_of(engine)
    assert ledger.shortfall is None
    assert (ledger.stored, ledger.duplicate, ledger.dead) == (stored, 0, dead)
    assert await redis.xlen(DEAD_LETTERS_STREAM) == dead


async def elapsed(seconds: float) -> None:
    """Wait while something is broken."""
    ends = time.monotonic() + seconds

    async def over() -> bool:
        return time.monotonic() > ends

    await async_wait_until(over)


async def test_the_disk_of_redis_is_full(tmp_path: Path, counted: Counted) -> None:
    """It stops rather than promise what it cannot keep, and is started again until it can."""
    with small_disk(8) as disk:
        server = RedisServer(disk.folder)
        server.start()
        redis = connect(server.url)
        engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
        restarts = 0
        stop = asyncio.Event()

        async def supervise() -> None:
            nonlocal restarts
            while not stop.is_set():
                if server.process is not None and server.process.poll() is not None:
                    server.process = None
                    restarts += 1
                if server.process is None:
                    try:
                        await asyncio.to_thread(server.start)
                    except (OSError, RuntimeError):
                        server.process = None
                await asyncio.sleep(0.05)

        supervising = asyncio.create_task(supervise())
        first, second = small_run(5, 5), small_run(30, 5, word="second")[30:]
        try:
            await append(redis, REVIEWS_STREAM, [item.to_fields() for item in first])
            disk.fill()
            everything = [*second, run_end([*first, *second])]
            sending = asyncio.create_task(
                append_patiently(
                    redis, REVIEWS_STREAM, [m.to_fields() for m in everything], give_up_after_s=60
                )
            )

            async def stopped() -> bool:
                return restarts >= 2

            await async_wait_until(stopped, timeout_s=60)
            assert not sending.done()
            disk.make_room()
            await sending
            async with storing(server.url, engine):
                stored = sum(item.kind == "review" for item in [*first, *second])
                await assert_balanced(redis, engine, stored)
        finally:
            stop.set()
            await supervising
            await redis.aclose()
            server.stop()
            engine.dispose()
    counted("full disks of Redis", 1)


async def test_the_disk_of_the_database_is_full(
    redis: Client, redis_url: str, counted: Counted
) -> None:
    with small_disk(2) as disk:
        engine = open_engine(f"sqlite:///{disk.folder / 'movies.sqlite'}")
        items = small_run(10, 10)
        async with storing(redis_url, engine):
            await send(redis, items[:11])
            await assert_taken(redis)
            disk.fill()
            rest = [*items[11:], run_end(items)]
            await send(redis, rest)
            await elapsed(1)
            assert await redis.xlen(REVIEWS_STREAM) == len(rest)  # nothing is acknowledged
            disk.make_room()
            await assert_balanced(redis, engine, 100)
        engine.dispose()
    counted("full disks of the database", 1)


async def assert_taken(redis: Client) -> None:
    async def taken() -> bool:
        return bool(await redis.xlen(REVIEWS_STREAM) == 0)

    await async_wait_until(taken)


async def test_the_disk_of_the_snapshots_is_full(
    redis: Client,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: Counted,
) -> None:
    monkeypatch.setattr(publish_schedule, "RETRY_FAILED_S", (0.2, 0.5))
    monkeypatch.setattr(commit, "SPARE_BYTES", 0)  # so that writing begins, and fails halfway
    with small_disk(8) as disk:
        settings = EmbedderSettings(
            redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1,
            snapshot_url=f"file://{disk.folder}",
        )  # fmt: skip
        async with embedder(settings, HashEncoder()):
            run = await new_run(redis)
            items = small_run(5, 3, run_id=run.run_id)
            await send(redis, [*items, run_end(items, run_id=run.run_id)])
            before = (await ended(redis, run)).snapshot_id
            disk.fill()
            run = await new_run(redis)
            items = small_run(6, 3, run_id=run.run_id, word="other")
            await send(redis, [*items, run_end(items, run_id=run.run_id)])
            await assert_taken(redis)
            await elapsed(2)
            found = await registry.get_run(redis, run.run_id)
            assert found is not None
            assert found.state == "crawling"
            assert current(settings).snapshot_id == before
            assert current(settings).catalogue.counts()[:2] == (5, 15)
            disk.make_room()
            assert (await ended(redis, run)).state == "searchable"
        assert current(settings).catalogue.counts()[:2] == (6, 18)
        left = [path.name for path in SnapshotStore(settings.snapshot_dir).root.iterdir()]
        assert not [name for name in left if name.startswith((".staging", ".trash"))]
    counted("full disks of the snapshots", 1)


async def fill_memory(redis: Client, *, room_bytes: int) -> None:
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + room_bytes)


async def test_redis_is_out_of_memory(
    private_redis: RedisServer, tmp_path: Path, counted: Counted
) -> None:
    """The stream fills it before anybody reads: producers wait, a consumer still gets it empty."""
    redis = connect(private_redis.url)
    engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    await fill_memory(redis, room_bytes=600_000)
    movies = [movie(n) for n in range(20)]
    reviews = [review(n % 20, n, f"Viewer {n}: " + "long " * 500) for n in range(400)]
    items: list[MovieMessage | ReviewMessage] = [*movies, *reviews]
    sending = asyncio.create_task(_produce(redis, items))

    async def full() -> bool:
        try:
            await redis.set("probe", "x" * 10_000)
            await redis.delete("probe")
        except OutOfMemoryError:
            return True
        return False

    await async_wait_until(full)
    refused = await redis.xlen(REVIEWS_STREAM)
    assert 0 < refused < len(items)
    assert not sending.done()
    async with storing(private_redis.url, engine):
        await sending
        await append(redis, REVIEWS_STREAM, [run_end(items).to_fields()])
        await assert_balanced(redis, engine, 400)
    await redis.aclose()
    engine.dispose()
    counted("servers out of memory", 1)


async def _produce(redis: Client, items: Sequence[MovieMessage | ReviewMessage]) -> None:
    for start in range(0, len(items), 20):
        fields = [item.to_fields() for item in items[start : start + 20]]
        await append_patiently(redis, REVIEWS_STREAM, fields, give_up_after_s=60)


async def test_poison_is_buried_by_a_server_that_is_out_of_memory(
    private_redis: RedisServer, tmp_path: Path, counted: Counted
) -> None:
    redis = connect(private_redis.url)
    engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    items = small_run(2, 2)
    broken = {**items[1].to_fields(), "body": "{" + "x" * 5_000}
    await append(redis, REVIEWS_STREAM, [broken, *(item.to_fields() for item in items)])
    await append(redis, REVIEWS_STREAM, [run_end(items).to_fields()])
    await fill_memory(redis, room_bytes=0)
    with pytest.raises(OutOfMemoryError):
        await redis.set("probe", "x" * 10_000)
    async with storing(private_redis.url, engine):
        await assert_taken(redis)
    assert await redis.xlen(DEAD_LETTERS_STREAM) == 1
    ledger = await ledger_of(engine)
    # The broken one came first; the item is counted with it, and stored all the same.
    assert (ledger.shortfall, ledger.dead, ledger.stored) == (None, 1, 3)
    await redis.aclose()
    engine.dispose()
    counted("servers out of memory", 1)


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def hold(database: Path) -> subprocess.Popen[bytes]:
    """Another process, which locks the database until its input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("busy_timeout_ms", [100, 30_000])
async def test_another_process_locks_the_database(
    redis: Client,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: Counted,
    busy_timeout_ms: int,
) -> None:
    """Whether SQLite waits for the lock or says that it is locked: no acknowledgement."""
    monkeypatch.setattr(embedder_database, "BUSY_TIMEOUT_MS", busy_timeout_ms)
    database = tmp_path / "movies.sqlite"
    engine = open_engine(f"sqlite:///{database}")
    holder = hold(database)
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"locked\n"
        items = small_run(10, 5)
        messages = [*items, run_end(items)]
        await send(redis, messages)
        async with storing(redis_url, engine):
            await elapsed(LOCKED_S)
            assert await redis.xlen(REVIEWS_STREAM) == len(messages)
            assert holder.poll() is None
            holder.communicate()
            await assert_balanced(redis, engine, 50)
    finally:
        holder.kill()
        holder.communicate()
        engine.dispose()
    counted("seconds with a locked database", LOCKED_S)
