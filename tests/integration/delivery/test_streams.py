"""The delivery rules on a real Redis server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.delivery.dead_letters import PAYLOAD_BYTES, PREVIEW_CHARS
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import (
    MAX_DELIVERIES,
    Entry,
    EntryInvalid,
    StreamConsumer,
    Unavailable,
    append,
    append_patiently,
)
from tests.support.delivery.redis_server import RedisServer
from tests.support.waiting import async_wait_until

STREAM, GROUP, DEAD = "s", "g", "s.dead"


class Handler:
    """Remembers what it committed; breaks where it is told to."""

    def __init__(self) -> None:
        self.committed: list[str] = []
        self.dead: list[str] = []
        self.deliveries: dict[str, int] = {}
        self.break_on: Callable[[str], Exception | None] = lambda _: None

    async def handle(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            name = entry.fields["n"]
            self.deliveries[name] = self.deliveries.get(name, 0) + 1
            error = self.break_on(name)
            if isinstance(error, EntryInvalid):
                raise EntryInvalid(entry, error.reason)
            if error is not None:
                raise error
        self.committed.extend(entry.fields["n"] for entry in entries)

    async def on_dead(self, entry: Entry, reason: str) -> None:
        self.dead.append(entry.fields.get("n", ""))


def consumer(
    url: str, handler: Handler, *, name: str = "c1", batch: int = 256, min_idle_ms: int = 60_000
) -> StreamConsumer:
    return StreamConsumer(
        url=url, stream=STREAM, group=GROUP, name=name, handle=handler.handle,
        on_dead=handler.on_dead, dead_stream=DEAD, block_ms=50, batch=batch,
        min_idle_ms=min_idle_ms,
    )  # fmt: skip


@asynccontextmanager
async def consuming(subject: StreamConsumer) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(subject.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def send(redis: Client, *names: str) -> None:
    await append(redis, STREAM, [{"n": name} for name in names])


def settled(redis: Client) -> Callable[[], Awaitable[bool]]:
    async def nothing_left() -> bool:
        groups = await redis.xinfo_groups(STREAM)
        return bool(groups) and groups[0]["pending"] == 0 and await redis.xlen(STREAM) == 0

    return nothing_left


async def test_what_was_sent_before_the_group_existed_is_delivered(
    redis: Client, redis_url: str
) -> None:
    handler = Handler()
    await send(redis, "a", "b")
    async with consuming(consumer(redis_url, handler)):
        await send(redis, "c")
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b", "c"]


async def test_own_pending_entries_come_first(redis: Client, redis_url: str) -> None:
    """What this consumer had read when it died is handled at its next start."""
    handler = Handler()
    await send(redis, "a", "b")
    await redis.xgroup_create(STREAM, GROUP, id="0")
    await redis.xreadgroup(GROUP, "c1", {STREAM: ">"})
    await send(redis, "c")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b", "c"]


async def test_entries_of_a_dead_consumer_are_claimed(redis: Client, redis_url: str) -> None:
    handler = Handler()
    await send(redis, "a", "b")
    await redis.xgroup_create(STREAM, GROUP, id="0")
    await redis.xreadgroup(GROUP, "dead", {STREAM: ">"})
    async with consuming(consumer(redis_url, handler, min_idle_ms=100)):
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b"]


async def test_nothing_is_acknowledged_before_it_is_committed(
    redis: Client, redis_url: str
) -> None:
    handler = Handler()
    away = [True]
    handler.break_on = lambda _: Unavailable("database") if away[0] else None
    await send(redis, "a", "b")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(lambda: _true(handler.deliveries.get("a", 0) >= 2))
        assert await redis.xlen(STREAM) == 2
        assert handler.committed == []
        away[0] = False
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b"]
    assert handler.dead == []


async def test_waiting_makes_nobody_poison(redis: Client, redis_url: str) -> None:
    """However long something else is away, and however few or many wait for it."""
    handler = Handler()
    away = [True]
    handler.break_on = lambda _: Unavailable("database") if away[0] else None
    await send(redis, "a", "b")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(
            lambda: _true(handler.deliveries.get("a", 0) > MAX_DELIVERIES), timeout_s=120
        )
        pending = await redis.xpending_range(STREAM, GROUP, min="-", max="+", count=10)
        assert all(row["times_delivered"] <= 1 for row in pending)
        away[0] = False
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b"]
    assert handler.dead == []
    assert await redis.exists(DEAD) == 0


async def test_waiting_does_not_acquit_poison(redis: Client, redis_url: str) -> None:
    handler = Handler()
    failures = itertools.cycle([RuntimeError("boom"), Unavailable("database")])
    handler.break_on = lambda _: next(failures)
    await send(redis, "poison")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis), timeout_s=60)
    assert handler.dead == ["poison"]
    assert handler.deliveries["poison"] == 2 * MAX_DELIVERIES - 1
    [(_, letter)] = await redis.xrange(DEAD)
    assert letter["reason"] == f"failed {MAX_DELIVERIES} times: RuntimeError('boom')"
    assert letter["deliveries"] == str(MAX_DELIVERIES)


async def test_others_that_wait_in_the_same_batch_do_not_acquit_poison(
    redis: Client, redis_url: str
) -> None:
    """Only the deliveries of those that wait are undone, not that of the one that failed."""
    handler = Handler()
    away = [True]

    def broken(name: str) -> Exception | None:
        if name == "poison":
            return RuntimeError("boom")
        return Unavailable("database") if away[0] else None

    handler.break_on = broken
    await send(redis, "poison", "a", "b")

    async def is_counted() -> bool:
        pending = await redis.xpending_range(STREAM, GROUP, min="-", max="+", count=10)
        counts = [row["times_delivered"] for row in pending]
        return bool(counts[0] > max(counts[1:]))

    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(lambda: _true(handler.deliveries.get("a", 0) >= 2))
        await async_wait_until(is_counted, timeout_s=15)
        away[0] = False
        await async_wait_until(settled(redis))
    assert sorted(handler.committed) == ["a", "b"]
    assert handler.dead == ["poison"]


@pytest.mark.parametrize(
    ("body", "whole"),
    [("x" * 10_000, True), ("é" * (PAYLOAD_BYTES // 2 - 10), True),
     ("é" * (PAYLOAD_BYTES // 2), False)],
)  # fmt: skip
async def test_a_dead_letter_is_the_whole_entry_unless_it_is_huge(
    redis: Client, redis_url: str, body: str, whole: bool
) -> None:
    handler = Handler()
    handler.break_on = lambda _: EntryInvalid(Entry("", {}), "not json")
    entry = {"n": "bad", "body": body}
    [entry_id] = await append(redis, STREAM, [entry])
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis))
    [(_, letter)] = await redis.xrange(DEAD)
    ours = {"entry": entry_id, "reason": "not json", "deliveries": "1"}
    if whole:
        assert letter == {**entry, **ours}
    else:
        assert letter == {
            **entry, **ours, "body": body[:PREVIEW_CHARS],
            "truncated": str(len(body.encode()) + 3),
        }  # fmt: skip


async def _true(value: bool) -> bool:
    return value


async def test_poison_is_buried_and_blocks_nobody(redis: Client, redis_url: str) -> None:
    handler = Handler()
    handler.break_on = lambda name: RuntimeError("boom") if name == "poison" else None
    await send(redis, "a", "poison", "b")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis))
    assert sorted(handler.committed) == ["a", "b"]
    assert handler.dead == ["poison"]
    [(_, letter)] = await redis.xrange(DEAD)
    assert letter["n"] == "poison"
    assert letter["reason"] == f"failed {MAX_DELIVERIES} times: RuntimeError('boom')"


async def test_an_entry_that_can_never_be_processed_is_buried_at_once(
    redis: Client, redis_url: str
) -> None:
    handler = Handler()

    def refuse(name: str) -> Exception | None:
        return EntryInvalid(Entry("", {}), "not json") if name == "bad" else None

    handler.break_on = refuse
    await send(redis, "a", "bad", "b")
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b"]
    assert handler.deliveries["bad"] == 1
    [(_, letter)] = await redis.xrange(DEAD)
    assert letter["reason"] == "not json"


async def test_poison_that_kills_the_process_is_buried_and_takes_nobody_with_it(
    redis: Client, redis_url: str
) -> None:
    """Each 'death' leaves the batch pending, as kill -9 would; the delivery count finds it."""

    class Died(BaseException):
        pass

    handler = Handler()
    handled: list[list[str]] = []

    async def deadly(entries: Sequence[Entry]) -> None:
        handled.append([entry.fields["n"] for entry in entries])
        if "poison" in handled[-1]:
            raise Died
        await handler.handle(entries)

    await send(redis, "poison", *(f"n{i}" for i in range(20)))
    for _ in range(MAX_DELIVERIES + 3):
        subject = consumer(redis_url, handler)
        subject.handle = deadly
        stop = asyncio.Event()
        task = asyncio.create_task(subject.run(stop))
        done = asyncio.create_task(async_wait_until(settled(redis)))
        await asyncio.wait({task, done}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            done.cancel()
            assert isinstance(task.exception(), Died)
        else:
            stop.set()
            await task
            break
    assert sorted(handler.committed) == sorted(f"n{i}" for i in range(20))
    assert handler.dead == ["poison"]
    assert sum("poison" in batch for batch in handled) <= MAX_DELIVERIES


async def test_stopping_finishes_the_batch_in_hand(redis: Client, redis_url: str) -> None:
    handler = Handler()
    gate = asyncio.Event()
    inner = handler.handle

    async def slow(entries: Sequence[Entry]) -> None:
        await gate.wait()
        await inner(entries)

    subject = consumer(redis_url, handler)
    subject.handle = slow
    await send(redis, "a")
    stop = asyncio.Event()
    task = asyncio.create_task(subject.run(stop))

    async def taken() -> bool:
        groups = await redis.xinfo_groups(STREAM) if await redis.exists(STREAM) else []
        return bool(groups) and groups[0]["pending"] == 1

    await async_wait_until(taken)
    stop.set()
    gate.set()
    await task
    assert handler.committed == ["a"]
    assert await settled(redis)()


async def test_two_consumers_share_the_work(redis: Client, redis_url: str) -> None:
    one, two = Handler(), Handler()
    names = [f"n{i}" for i in range(300)]
    async with (
        consuming(consumer(redis_url, one, name="c1", batch=10)),
        consuming(consumer(redis_url, two, name="c2", batch=10)),
    ):
        await send(redis, *names)
        await async_wait_until(settled(redis))
    assert sorted(one.committed + two.committed) == sorted(names)


async def test_a_flushed_server_gets_its_group_again(redis: Client, redis_url: str) -> None:
    handler = Handler()
    async with consuming(consumer(redis_url, handler)):
        await send(redis, "a")
        await async_wait_until(settled(redis))
        await redis.flushall()
        await send(redis, "b")
        await async_wait_until(lambda: _true("b" in handler.committed))
        await async_wait_until(settled(redis))
    assert handler.committed == ["a", "b"]


async def test_entries_that_a_server_forgot_to_delete_are_delivered_again(
    redis: Client, redis_url: str
) -> None:
    """Acknowledged, but still there: back-pressure would wait for them for ever."""
    handler = Handler()
    await send(redis, "a", "b", "c")
    await redis.xgroup_create(STREAM, GROUP, id="0")
    taken = await redis.xreadgroup(GROUP, "c1", {STREAM: ">"}, count=2)
    await redis.xack(STREAM, GROUP, *(entry_id for entry_id, _ in taken[0][1]))
    async with consuming(consumer(redis_url, handler)):
        await async_wait_until(settled(redis))
    assert sorted(handler.committed) == ["a", "b", "c"]


async def test_a_killed_server_loses_nothing_that_it_acknowledged(
    private_redis: RedisServer,
) -> None:
    handler = Handler()
    redis = connect(private_redis.url)
    async with consuming(consumer(private_redis.url, handler)):
        await send(redis, *(f"n{i}" for i in range(50)))
        private_redis.kill()
        sending = asyncio.create_task(
            append_patiently(redis, STREAM, [{"n": "late"}], give_up_after_s=30)
        )
        await asyncio.to_thread(private_redis.start)
        await sending
        await async_wait_until(settled(redis))
    assert set(handler.committed) == {*(f"n{i}" for i in range(50)), "late"}
    await redis.aclose()


async def test_sending_gives_up_in_the_end(private_redis: RedisServer) -> None:
    redis = connect(private_redis.url)
    private_redis.kill()
    with pytest.raises(UNAVAILABLE):
        await append_patiently(redis, STREAM, [{"n": "x"}], give_up_after_s=0.3)
    await redis.aclose()
