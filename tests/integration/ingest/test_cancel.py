"""Cancelling a run at any moment: real crawl processes, a real site, a real Redis server."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import load_catalogue
from services.ingest.demo_site.demo_server import serve_demo_site
from services.ingest.supervisor import retry_budget
from services.ingest.supervisor.attempt import CrawlAttempt
from services.ingest.supervisor.supervisor import Supervisor
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import RunEnd, parse
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.crawl.supervision import (
    NOWHERE,
    crawling,
    is_alive,
    record_of,
    settled,
    supervising,
)
from tests.support.waiting import async_wait_until

ENDED_WITHIN_S = 8.0  # of a busy machine; less than a crawl is given to end in good order
DEMO = '[sources.demo]\nspider = "schema_org"\ndelay_s = {delay_s}\n'


@pytest.fixture
def delay_s() -> float:
    """The pause between two pages."""
    return 0.05


@pytest.fixture
async def supervisor(
    redis: Client, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delay_s: float
) -> AsyncIterator[Supervisor]:
    """A supervisor of a site with six movies."""
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", redis_url)
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MOVIE_SEARCH_SOURCES", str(tmp_path / "sources.toml"))
    (tmp_path / "sources.toml").write_text(DEMO.format(delay_s=delay_s))
    with serve_demo_site("127.0.0.1", 0, catalogue=load_catalogue()[:6]) as url:
        async with supervising(redis, url) as supervisor:
            yield supervisor


async def _request(redis: Client) -> Run:
    run, _ = await registry.request_run(redis, "demo")
    return run


async def _assert_over(redis: Client, supervisor: Supervisor, run: Run, cancelled: float) -> None:
    """The run is cancelled, for good, and nothing of it is left."""

    async def no_process() -> bool:
        return run.run_id not in supervisor.pids

    left_s = cancelled + ENDED_WITHIN_S - time.monotonic()
    await async_wait_until(no_process, timeout_s=max(left_s, 0))
    record = await record_of(redis, run)
    assert (record.state, record.error) == ("cancelled", None)
    assert record.ended_at is not None

    async def no_lease() -> bool:
        return not await redis.exists(f"lease:{run.run_id}")

    await async_wait_until(no_lease, timeout_s=5)  # by itself it would last longer


async def _assert_source_is_free(redis: Client, supervisor: Supervisor, run: Run) -> None:
    """The next run of the source ends well, and the cancelled one was not begun again."""
    before = (await record_of(redis, run)).attempts
    following = await _request(redis)
    assert (await settled(redis, following)).state == "embedding"
    await registry.advance(redis, following, "searchable")
    record = await record_of(redis, run)
    assert (record.state, record.attempts) == ("cancelled", before)
    assert supervisor.pids == {}


async def _never(*_: object) -> None:
    """Cancel at once."""


async def _is_crawling(redis: Client, supervisor: Supervisor, run: Run) -> None:
    async def crawling_now() -> bool:
        return (await record_of(redis, run)).state == "crawling"

    await async_wait_until(crawling_now)


async def _has_process(redis: Client, supervisor: Supervisor, run: Run) -> None:
    await crawling(supervisor, run)


async def _has_sent(redis: Client, supervisor: Supervisor, run: Run) -> None:
    await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM))


async def _is_embedding(redis: Client, supervisor: Supervisor, run: Run) -> None:
    assert (await settled(redis, run)).state == "embedding"


@pytest.mark.parametrize("moment", [_never, _is_crawling, _has_process, _has_sent, _is_embedding])
async def test_cancelled_at_each_stage(
    redis: Client,
    supervisor: Supervisor,
    moment: Callable[[Client, Supervisor, Run], Awaitable[None]],
) -> None:
    run = await _request(redis)
    await moment(redis, supervisor, run)
    assert await registry.advance(redis, run, "cancelled")
    await _assert_over(redis, supervisor, run, time.monotonic())
    await _assert_source_is_free(redis, supervisor, run)


@pytest.mark.parametrize("delay_s", [1.0])
async def test_a_cancelled_crawl_sends_no_end(redis: Client, supervisor: Supervisor) -> None:
    run = await _request(redis)
    await _has_sent(redis, supervisor, run)
    await registry.advance(redis, run, "cancelled")
    await _assert_over(redis, supervisor, run, time.monotonic())
    sent = [parse(fields) for _, fields in await redis.xrange(REVIEWS_STREAM)]
    assert sent
    assert not any(isinstance(message, RunEnd) for message in sent)


async def test_a_crawl_that_does_not_listen_is_killed(
    redis: Client, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop, Scrapy waits for the answer that it has asked for: here, there is none."""
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", redis_url)
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, supervising(redis, f"http://127.0.0.1:{port}") as supervisor:
        run = await _request(redis)
        pid = await crawling(supervisor, run)
        await asyncio.wait_for(asked.wait(), 60)
        assert await registry.advance(redis, run, "cancelled")
        await _assert_over(redis, supervisor, run, time.monotonic())
        assert not is_alive(pid)


async def test_a_run_cancelled_before_its_attempt_gets_no_process(redis: Client) -> None:
    run = await _request(redis)
    crawl_attempt = CrawlAttempt(redis, "me", 60_000, NOWHERE, lambda _: 0, asyncio.Event())
    assert await crawl_attempt.renew_lease(run)
    assert await registry.advance(redis, run, "cancelled")
    assert await crawl_attempt.crawl(run, 60.0) is None
    assert (await record_of(redis, run)).attempts == 0
    assert not await redis.exists(f"lease:{run.run_id}")


@pytest.mark.parametrize("seed", range(4))
async def test_requests_and_cancels_in_a_row(
    redis: Client, supervisor: Supervisor, seed: int
) -> None:
    """The supervisor looks while runs come and go; it must never be left with one of them."""
    chance = random.Random(seed)
    ended = []
    for _ in range(12):
        run = await _request(redis)
        supervisor._wake.set()  # as its command would
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            await _has_process(redis, supervisor, run)
        assert await registry.advance(redis, run, "cancelled")
        ended.append((run, time.monotonic()))
    for run, cancelled in reversed(ended):
        await _assert_over(redis, supervisor, run, cancelled)
    await _assert_source_is_free(redis, supervisor, ended[-1][0])


async def test_cancelled_while_it_waits_for_its_next_attempt(
    redis: Client, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_budget, "RETRY_AFTER_S", 30.0)
    run = await _request(redis)
    os.kill(await crawling(supervisor, run), signal.SIGKILL)

    async def waits() -> bool:
        return run.run_id not in supervisor.pids

    await async_wait_until(waits)
    assert (await record_of(redis, run)).state == "crawling"
    assert await registry.advance(redis, run, "cancelled")
    await _assert_over(redis, supervisor, run, time.monotonic())
    await _assert_source_is_free(redis, supervisor, run)
