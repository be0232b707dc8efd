"""A network that loses replies, cuts them, swallows everything, or brings one byte at a time.

Producer and consumer reach Redis through a proxy that does these things. When it has healed, both
go on within five seconds: everything that was taken is in SQL, once, and nothing is stranded. A
blackhole lasts 30 s under ``make soak``; in CI it and all timeouts are shorter by the same factor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.ingest.context import Crawl
from services.ingest.delivery.stream_sender import StreamSender
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.visits.visits import open_visits
from shared.delivery import redis_client as shared_redis
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import RunEnd
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import StreamConsumer, append, append_patiently
from shared.runs import registry
from shared.snapshot.storage.store import SnapshotStore
from tests.support.counts import Counted
from tests.support.delivery.faulty_proxy import FaultyProxy, faulty_proxy
from tests.support.delivery.messages import movie, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.stored import count_reviews
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder
from tests.support.soak import SOAK
from tests.support.waiting import async_wait_until

RECOVERS_WITHIN_S = 5.0
SHORTER = 1 if SOAK else 10
TIMEOUT_S = shared_redis.SOCKET_TIMEOUT_S
BLACKHOLE_S = 30 / SHORTER
SOURCE = SchemaOrgSource.model_validate(
    {"name": "test", "spider": "schema_org", "start_urls": ["http://127.0.0.1/"]}
)
TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _short_timeouts(redis: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all connections but that of ``redis``, which does not go through the proxy."""
    monkeypatch.setattr(shared_redis, "SOCKET_TIMEOUT_S", shared_redis.SOCKET_TIMEOUT_S / SHORTER)


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultyProxy]:
    async with faulty_proxy(redis_url) as found:
        yield found


@dataclass
class Line:
    """A producer and a consumer, with the proxy between them and Redis."""

    proxy: FaultyProxy
    redis: Client  # past the proxy
    sender: StreamSender
    engine: Engine
    lost: list[str]
    sent: int = 0

    async def send(self, reviews: int = 30) -> None:
        """A movie and its reviews, confirmed."""
        number = self.sent // (reviews + 1)
        await self.sender.send(movie(number))
        for n in range(reviews):
            await self.sender.send(review(number, n, f"What viewer {n} says."))
        self.sent += reviews + 1
        await self.sender.flush()

    async def settled(self) -> bool:
        if await self.redis.xlen(REVIEWS_STREAM):
            return False
        items = await asyncio.to_thread(lambda: Ledgers(self.engine).ledger("run-1").items)
        return items == self.sent

    async def recovered(self) -> float:
        """Seconds until all that was sent is stored and nothing is left."""
        began = time.monotonic()
        await async_wait_until(self.settled, timeout_s=60, what="all is stored")
        return time.monotonic() - began

    async def undisturbed(self, sends: int, reviews: int = 30) -> float:
        """Seconds that this machine takes for so many sends when nothing breaks."""
        began = time.monotonic()
        for _ in range(sends):
            await self.send(reviews)
        await self.recovered()
        return time.monotonic() - began

    async def finish(self) -> None:
        """The run's end arrives, and everything adds up."""
        totals = self.sender.totals
        end = RunEnd(run_id="run-1", source="test", emitted=totals.items, checksum=totals.checksum)
        await append_patiently(
            self.sender.redis, REVIEWS_STREAM, [end.to_fields()], give_up_after_s=30
        )
        ledgers = Ledgers(self.engine)

        async def balanced() -> bool:
            if await self.redis.xlen(REVIEWS_STREAM):  # the commit comes before the acknowledgement
                return False
            return (await asyncio.to_thread(ledgers.ledger, "run-1")).balanced

        await async_wait_until(balanced)
        found = ledgers.ledger("run-1")
        assert self.lost == []
        assert (found.items, found.dead) == (self.sent, 0)
        assert found.stored == count_reviews(self.engine)
        assert await self.redis.xlen(DEAD_LETTERS_STREAM) == 0
        assert (await self.redis.xpending(REVIEWS_STREAM, EMBEDDER_GROUP))["pending"] == 0


@asynccontextmanager
async def line(proxy: FaultyProxy, redis: Client, folder: Path) -> AsyncIterator[Line]:
    engine = open_engine(f"sqlite:///{folder / 'movies.sqlite'}")
    storing = ReviewConsumer(engine, lambda _: None)
    consumer = StreamConsumer(
        url=proxy.url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name="a", batch=10,
        handle=storing.handle, on_dead=storing.on_dead, dead_stream=DEAD_LETTERS_STREAM,
        block_ms=100,
    )  # fmt: skip
    producer = connect(proxy.url)
    lost: list[str] = []
    crawl = Crawl("run-1", SOURCE, "", stream_high=10**6, stream_low=1, give_up_after_s=120)
    visits = open_visits(None, "run-1", baseline=None, fingerprint="f")
    sender = StreamSender(producer, crawl, visits, lost.append, lambda _: None)
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield Line(proxy, redis, sender, engine, lost)
    finally:
        proxy.heal()
        stop.set()
        await task
        await sender.close()
        await producer.aclose()
        visits.close()
        engine.dispose()


COMMANDS = ["XADD", "XREADGROUP", "EVAL", "XPENDING", "XCLAIM", "XAUTOCLAIM"]


@pytest.mark.parametrize("how", ["lose", "cut"])
async def test_replies_are_lost_or_cut(
    proxy: FaultyProxy, redis: Client, tmp_path: Path, counted: Counted, how: str
) -> None:
    async with line(proxy, redis, tmp_path) as subject:
        machine_s = await subject.undisturbed(3 * len(COMMANDS), reviews=10)
        spoil = proxy.lose_replies if how == "lose" else proxy.cut_replies
        for round_ in range(3):
            for command in COMMANDS:
                # More often than a client repeats by itself.
                spoil(command, 1 + 4 * (round_ == 2))
                await subject.send(reviews=10)
        proxy.heal()
        took_s = await subject.recovered()
        await subject.finish()
    assert proxy.faults >= 3 * 4  # of the commands that these connections have used
    assert took_s <= RECOVERS_WITHIN_S + machine_s
    counted("replies lost" if how == "lose" else "replies cut", proxy.faults)


@pytest.mark.parametrize("fault", ["blackhole", "one_way"])
@pytest.mark.timeout(120)
async def test_everything_is_swallowed_for_a_while(
    proxy: FaultyProxy, redis: Client, tmp_path: Path, counted: Counted, fault: str
) -> None:
    async with line(proxy, redis, tmp_path) as subject:
        machine_s = await subject.undisturbed(2)
        getattr(proxy, fault)()
        sending = asyncio.create_task(subject.send())
        ends = time.monotonic() + BLACKHOLE_S

        async def over() -> bool:
            return time.monotonic() > ends

        await async_wait_until(over, timeout_s=60)
        proxy.heal()
        began = time.monotonic()
        await sending
        await subject.recovered()
        took_s = time.monotonic() - began
        await subject.send()
        await subject.recovered()
        await subject.finish()
    assert took_s <= RECOVERS_WITHIN_S + machine_s
    counted("networks swallowed", 1)


async def test_one_byte_at_a_time(
    proxy: FaultyProxy,
    redis: Client,
    tmp_path: Path,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Slow is not silent: each reply arrives within the timeout as it is in production."""
    monkeypatch.setattr(shared_redis, "SOCKET_TIMEOUT_S", TIMEOUT_S)
    async with line(proxy, redis, tmp_path) as subject:
        proxy.dribble()
        await subject.send(reviews=5)
        await subject.recovered()
        proxy.heal()
        await subject.finish()
    counted("networks with one byte at a time", 1)


async def test_a_consumer_that_hears_nothing_blames_nobody(
    proxy: FaultyProxy, redis: Client, tmp_path: Path
) -> None:
    """What it had in hand when it was cut off is delivered to it, and no reply says so."""
    message = movie(0)
    await append(redis, REVIEWS_STREAM, [message.to_fields()])
    await redis.xgroup_create(REVIEWS_STREAM, EMBEDDER_GROUP, id="0")
    await redis.xreadgroup(EMBEDDER_GROUP, "a", {REVIEWS_STREAM: ">"})
    proxy.lose_replies("XCLAIM", 60)
    async with line(proxy, redis, tmp_path) as subject:

        async def lost_often() -> bool:
            return proxy.left <= 28  # eight rounds of a client that asks four times

        await async_wait_until(lost_often, timeout_s=60)
        proxy.heal()
        await subject.send(reviews=0)  # the same movie: it arrives twice, and counts once
        await subject.recovered()
        await subject.finish()


async def test_the_admin_api_says_so_and_comes_back_and_search_never_stops(
    proxy: FaultyProxy, redis: Client, tmp_path: Path, counted: Counted
) -> None:
    encoder = HashEncoder()
    settings = query_settings(tmp_path, redis_url=proxy.url, admin_token=TOKEN)
    SnapshotBuilder(SnapshotStore(settings.snapshot_dir), encoder).publish()
    await registry.publish_sources(redis, ["test"])
    async with running_query(settings, always(encoder)) as query:

        async def answers() -> bool:
            response = await query.client.get("/admin/ingest", headers=BEARER)
            return response.status_code == 200

        async def search() -> int:
            return (await query.client.post("/search", json={"query": "a comedy"})).status_code

        await query.reload()  # the snapshot serves before anything breaks
        began = time.monotonic()
        assert await answers()
        assert await search() == 200
        machine_s = time.monotonic() - began
        for break_it in _ways(proxy):
            break_it()
            response = await query.client.get("/admin/ingest", headers=BEARER)
            assert response.status_code in {200, 503}
            assert await search() == 200
            proxy.heal()
            began = time.monotonic()
            await async_wait_until(answers)
            assert time.monotonic() - began <= RECOVERS_WITHIN_S + 10 * machine_s
        # A request whose reply is lost is asked for once, whoever repeats it.
        proxy.lose_replies("EVAL")
        asked = [
            await query.client.post(
                "/admin/ingest",
                json={"source": "test"},
                headers={**BEARER, "Idempotency-Key": "once"},
            )
            for _ in range(2)
        ]
        assert asked[-1].status_code == 202
        assert len(await registry.active_runs(redis)) == 1
    counted("faults under the admin API", proxy.faults)


def _ways(proxy: FaultyProxy) -> list[Callable[[], None]]:
    return [
        lambda: proxy.lose_replies("HGETALL", 9),
        lambda: proxy.cut_replies("ZREVRANGE", 9),
        proxy.blackhole,
        proxy.one_way,
        proxy.dribble,
    ]
