"""Kills (-9) of the embedder and of Redis, FLUSHALL, two workers, and poison entries of each kind.

Real embedder processes (``tests.support.embedder.embedder_child``) store the entries of a real
Redis server in SQL and publish them, while they die before a commit, after it, between two
acknowledgements, and at random moments. Everything that the stream accepted is in SQL, once, and
the run's ledger balances.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.settings import EmbedderSettings
from services.ingest.supervisor.lost_runs import LOST, LostRuns
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import MAX_DELIVERIES, StreamConsumer, append_patiently
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.counts import Counted
from tests.support.delivery.messages import movie, review, run_end, small_run
from tests.support.delivery.redis_server import RedisServer
from tests.support.embedder.embedder_child import (
    HANGS,
    KILLS,
    RAISES,
    STEPS,
    EmbedderProcess,
    Fate,
    embedder_process,
)
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.embedder.stored import count_reviews
from tests.support.soak import times
from tests.support.waiting import async_wait_until

pytestmark = pytest.mark.alone

Item = MovieMessage | ReviewMessage
EMBEDDER_KILLS = times(46, soak=1000)
REDIS_KILLS = times(4, soak=100)
RESUMES_WITHIN_S = 5.0
SEED = 20


def settings_for(url: str, folder: Path) -> EmbedderSettings:
    return EmbedderSettings(redis_url=url, data_dir=folder, publish_idle_s=0.1)


def portion(number: int, run: Run, reviews: int = 40) -> list[Item]:
    """A movie and its reviews."""
    texts = (f"Portion {number}: what viewer {n} says." for n in range(reviews))
    return [
        movie(number, run_id=run.run_id),
        *(review(number, n, text, run_id=run.run_id) for n, text in enumerate(texts)),
    ]


async def ended_record(redis: Client, run: Run) -> Run:
    """Wait until a run has ended; returns its record."""

    async def terminal() -> Run | None:
        try:
            record = await registry.get_run(redis, run.run_id)
        except UNAVAILABLE:
            return None
        return record if record is not None and registry.ended(record) else None

    record = await async_wait_until(terminal, timeout_s=120, what="the run has ended")
    assert record is not None
    return record


async def assert_all_stored(
    redis: Client, settings: EmbedderSettings, run: Run, items: Sequence[Item]
) -> None:
    """Check that nothing is lost, nothing is stored twice and nothing is left on the stream."""
    reviews = sum(isinstance(item, ReviewMessage) for item in items)
    end = await ended_record(redis, run)
    assert (end.state, end.error) == ("searchable", None)
    assert (end.stored, end.duplicate, end.dead_lettered) == (reviews, 0, 0)
    engine = open_engine(settings.database)
    try:
        assert count_reviews(engine) == reviews
    finally:
        engine.dispose()
    assert current(settings).catalogue.counts()[:2] == (len(items) - reviews, reviews)

    async def taken() -> bool:
        """Entries that were sent twice may be acknowledged after the run's end."""
        return bool(await redis.xlen(REVIEWS_STREAM) == 0)

    await async_wait_until(taken)
    assert (await redis.xpending(REVIEWS_STREAM, EMBEDDER_GROUP))["pending"] == 0
    assert await redis.xlen(DEAD_LETTERS_STREAM) == 0


@pytest.mark.timeout(120 + 10 * EMBEDDER_KILLS)
async def test_the_embedder_is_killed_at_any_moment(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    chance = random.Random(SEED)
    settings = settings_for(redis_url, tmp_path)
    run = await new_run(redis)
    sent: list[Item] = []
    killed: Counter[str] = Counter()
    child = EmbedderProcess(settings)
    for number in range(EMBEDDER_KILLS):
        portion_of_it = portion(number, run)
        sent += portion_of_it
        await send(redis, portion_of_it)
        step = chance.choice([*STEPS, None])
        child.start(Fate(step, chance.randint(0, 3)))
        if step is None:
            left = chance.randint(0, len(portion_of_it))
            until = time.monotonic() + chance.uniform(0.2, 2)

            async def come(left: int = left, until: float = until) -> bool:
                return await redis.xlen(REVIEWS_STREAM) <= left or time.monotonic() > until

            await async_wait_until(come)
            assert child.exit_code is None
        else:

            async def dead() -> bool:
                return child.exit_code is not None

            await async_wait_until(dead, timeout_s=60, what=f"it has died {step}")
            assert child.exit_code == -9
        child.kill()
        killed[step or "at a random moment"] += 1
    await send(redis, [run_end(sent, run_id=run.run_id)])
    with embedder_process(settings):
        await assert_all_stored(redis, settings, run, sent)
    for step, count in killed.items():
        counted(f"kills of the embedder {step}", count)
    counted("reviews stored once, 0 lost", len(sent) - EMBEDDER_KILLS)


@pytest.mark.timeout(120 + 20 * REDIS_KILLS)
async def test_redis_is_killed_under_load(
    private_redis: RedisServer, tmp_path: Path, counted: Counted
) -> None:
    settings = settings_for(private_redis.url, tmp_path)
    redis = connect(private_redis.url)
    run = await new_run(redis)
    sent: list[Item] = []
    stop = asyncio.Event()

    async def produce() -> None:
        number = 0
        while not stop.is_set():
            items = portion(number, run, reviews=10)
            fields = [item.to_fields() for item in items]
            await append_patiently(redis, REVIEWS_STREAM, fields, give_up_after_s=60)
            sent.extend(items)  # from here on the stream must keep them
            number += 1

    engine = open_engine(settings.database)
    longest_s = 0.0
    with embedder_process(settings):
        producing = asyncio.create_task(produce())
        for _ in range(REDIS_KILLS):
            before = await asyncio.to_thread(count_reviews, engine)

            async def more(than: int = before) -> bool:
                return await asyncio.to_thread(count_reviews, engine) > than

            await async_wait_until(more, timeout_s=60)
            await asyncio.to_thread(private_redis.kill)
            await asyncio.to_thread(private_redis.start)
            back = time.monotonic()
            before = await asyncio.to_thread(count_reviews, engine)
            await async_wait_until(partial(more, before), timeout_s=60)
            longest_s = max(longest_s, time.monotonic() - back)
        stop.set()
        await producing
        end = run_end(sent, run_id=run.run_id).to_fields()
        await append_patiently(redis, REVIEWS_STREAM, [end], give_up_after_s=60)
        await assert_all_stored(redis, settings, run, sent)
    engine.dispose()
    await redis.aclose()
    assert longest_s <= RESUMES_WITHIN_S
    counted("kills of Redis under load", REDIS_KILLS)
    counted("acknowledged entries, 0 lost", len(sent))
    counted("ms until it went on, at most", round(longest_s * 1000))


async def test_a_flushed_server_heals_and_the_run_says_that_it_is_incomplete(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    settings = settings_for(redis_url, tmp_path)
    endings = LostRuns(redis)
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        await endings.follow(await registry.active_runs(redis))
        await send(redis, portion(1, run))

        async def taken() -> bool:
            return bool(await redis.xlen(REVIEWS_STREAM) == 0)

        await async_wait_until(taken)
        await redis.flushall()
        await endings.follow(await registry.active_runs(redis))
        lost = await ended(redis, run)
        assert (lost.state, lost.error) == ("incomplete", LOST)
        after = await new_run(redis)
        items = portion(2, after)
        await send(redis, [*items, run_end(items, run_id=after.run_id)])
        assert (await ended(redis, after)).state == "searchable"
        ledgers = Ledgers(engine := open_engine(settings.database))

        async def closed() -> bool:
            return not await asyncio.to_thread(ledgers.open_ledgers)

        await async_wait_until(closed)
        engine.dispose()
    counted("flushed servers", 1)


async def test_two_workers_that_claim_the_same_entries_store_them_once(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    """Each takes over the entries that are pending for the other."""
    engine = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    items = small_run(20, 5)
    await send(redis, [*items, run_end(items)])
    handed: Counter[str] = Counter()
    stop = asyncio.Event()

    def worker(name: str) -> StreamConsumer:
        storing = ReviewConsumer(engine, lambda _: None)

        async def slowly(entries: Sequence[object]) -> None:
            handed.update(entry.entry_id for entry in entries)  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
            await storing.handle(entries)  # type: ignore[arg-type]

        return StreamConsumer(
            url=redis_url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name=name, handle=slowly,
            on_dead=storing.on_dead, dead_stream=DEAD_LETTERS_STREAM, batch=20, block_ms=5,
            min_idle_ms=5,
        )  # fmt: skip

    async def done() -> bool:
        return bool(await redis.xlen(REVIEWS_STREAM) == 0)

    async with asyncio.TaskGroup() as workers:
        for name in ("a", "b", "c"):
            workers.create_task(worker(name).run(stop))
        await async_wait_until(done)
        stop.set()
    ledger = Ledgers(engine).ledger("run-1")
    assert (count_reviews(engine), ledger.stored, ledger.duplicate) == (100, 100, 0)
    assert ledger.balanced
    assert await redis.xlen(DEAD_LETTERS_STREAM) == 0
    engine.dispose()
    twice = sum(count > 1 for count in handed.values())
    assert twice
    counted("entries that two workers had at once", twice)


@pytest.mark.timeout(240)
async def test_poison_that_raises_hangs_or_kills_is_a_dead_letter_and_the_others_proceed(
    redis: Client, redis_url: str, tmp_path: Path, counted: Counted
) -> None:
    settings = settings_for(redis_url, tmp_path)
    run = await new_run(redis)
    items = portion(1, run)
    for poison in (RAISES, HANGS, KILLS):
        message = review(1, 99, f"It {poison}.", run_id=run.run_id)
        named = replace(message.review, review_id=f"test:{poison}")
        items.insert(len(items) // 2, message.model_copy(update={"review": named}))
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    child = EmbedderProcess(settings)
    exits: Counter[int] = Counter()
    fate = Fate(stuck_after_s=1.0)  # longer than any commit takes on a busy machine
    child.start(fate)

    async def over() -> bool:
        if (code := child.exit_code) is not None:
            exits[code] += 1
            child.kill()
            child.start(fate)  # as its supervisor does
        record = await registry.get_run(redis, run.run_id)
        return record is not None and registry.ended(record)

    try:
        await async_wait_until(over, timeout_s=200, what="the run has ended")
    finally:
        child.kill()
    end = await ended(redis, run)
    assert (end.state, end.stored, end.dead_lettered) == ("searchable", 40, 3)
    letters = {fields["id"]: fields for _, fields in await redis.xrange(DEAD_LETTERS_STREAM)}
    ended_it = f"the process ended while handling it, {MAX_DELIVERIES} times"
    assert {name: fields["reason"] for name, fields in letters.items()} == {
        f"test:{RAISES}": f"failed {MAX_DELIVERIES} times: RuntimeError('poison')",
        f"test:{HANGS}": ended_it,
        f"test:{KILLS}": ended_it,
    }
    assert {fields["deliveries"] for fields in letters.values()} == {str(MAX_DELIVERIES)}
    assert set(exits) == {137, 70}
    counted("processes ended by poison", exits.total())
    counted("poisoned entries", 3)
