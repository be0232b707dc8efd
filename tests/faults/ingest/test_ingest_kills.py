"""kill -9 at random moments of a crawl: of its process, of the supervisor, of Redis.

A real ingest service crawls the demo's movies through a real Redis server into SQL while its parts
are killed, one after the other, and started again at once (``docker``'s and ``movie-search up``'s
part). Every run that ends well has left exactly the rows of an undisturbed run, and its
ledger is balanced: nothing is lost, nothing is there twice.

``INGEST_KILLS`` is the number of kills, ``INGEST_KILLS_SEED`` chooses the moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine, text

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine, reading
from services.ingest.demo_site.demo_catalogue import load_catalogue
from services.ingest.demo_site.demo_pages import DemoSite
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.delivery.streams import StreamConsumer
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.counts import Counted
from tests.support.delivery.redis_server import RedisServer
from tests.support.soak import times
from tests.support.waiting import async_wait_until

KILLS = int(os.environ.get("INGEST_KILLS", str(times(20, soak=500))))
SEED = int(os.environ.get("INGEST_KILLS_SEED", "20"))
ENDS_WITHIN_S = 120.0
MOVIES, REVIEWS = 132, 660
MOST_PAGES_AGAIN = 30  # of a kill
GIVEN_UP = "the crawl ended 3 times without progress"

TABLES = ("movies", "reviews", "source_items")

Row = dict[str, Any]


@dataclass
class MovieSite:
    """The demo's movies on a separate server, which counts the requests."""

    url: str
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def pages(self) -> int:
        """Answers with a page so far."""
        return self.asked.total()

    @property
    def again(self) -> int:
        """How many of them had been given before."""
        return self.asked.total() - len(self.asked)


@contextmanager
def _movie_site() -> Iterator[MovieSite]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 64 * 1024

        def do_GET(self) -> None:
            page = pages.page(self.path)
            if self.path.startswith("/films"):
                site.asked[self.path] += 1
            self.send_response(page.status)
            self.send_header("ETag", page.etag)
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """The other end was killed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        site = MovieSite(f"http://127.0.0.1:{server.server_address[1]}")
        pages = DemoSite(load_catalogue(), site.url)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


@dataclass
class IngestService:
    """The ingest service as a process that is killed and started again."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", "services.ingest"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        self.process.kill()
        self.process.wait()
        self.process = None

    def where_it_is(self) -> str:
        """What it has logged last, with the stacks of its threads; it does not survive this."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
        code = self.process.wait() if self.process is not None else None
        return f"exit code {code}\n{self.log.read_text()[-6000:]}"

    def crawls(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        try:
            children = psutil.Process(self.process.pid).children()
            return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []


@dataclass
class Arena:
    """What is crawled, what crawls, and what can be killed."""

    site: MovieSite
    redis: Client
    server: RedisServer
    service: IngestService
    folder: Path


@dataclass
class Result:
    """What a run has come to."""

    record: Run
    rows: dict[str, list[Row]]
    ledger: Row
    pages: int
    again: int


@dataclass
class Fire:
    """Kills one thing after the other, until it has killed often enough or the run is over."""

    arena: Arena
    chance: random.Random
    left: int
    killed: Counter[str] = field(default_factory=Counter)

    async def burn(self, over: asyncio.Event) -> None:
        while self.left > 0:
            await self._moment(over)
            if over.is_set():
                return
            victim = self.chance.choice(("crawl", "supervisor", "redis"))
            if await asyncio.to_thread(getattr(self, f"_kill_{victim}")):
                self.killed[victim] += 1
                self.left -= 1

    async def _moment(self, over: asyncio.Event) -> None:
        """While things come up again, or when some more pages were asked for."""
        if self.chance.random() < 0.25:
            pages, most_s = sys.maxsize, self.chance.uniform(0.0, 1.5)
        else:
            pages, most_s = self.arena.site.pages + self.chance.randint(1, 60), 8.0
        until = time.monotonic() + most_s

        async def come() -> bool:
            return over.is_set() or self.arena.site.pages >= pages or time.monotonic() > until

        await async_wait_until(come)

    def _kill_crawl(self) -> bool:
        crawls = self.arena.service.crawls()
        for crawl in crawls:
            crawl.kill()
        return bool(crawls)

    def _kill_supervisor(self) -> bool:
        self.arena.service.kill()
        self.arena.service.start()
        return True

    def _kill_redis(self) -> bool:
        self.arena.server.kill()
        self.arena.server.start()
        return True


@asynccontextmanager
async def _arena(server: RedisServer, folder: Path) -> AsyncIterator[Arena]:
    with _movie_site() as site:
        sources = folder / "sources.toml"
        sources.write_text(
            '[sources.films]\nspider = "schema_org"\nallow_private = true\ndelay_s = 0.01\n'
            f'start_urls = ["{site.url}/sitemap.xml"]\n'
        )
        settings = {
            "redis_url": server.url, "data_dir": folder / "data", "sources": sources,
            "demo_site_port": 0,
        }  # fmt: skip
        environment = {f"MOVIE_SEARCH_{key.upper()}": str(v) for key, v in settings.items()}
        service = IngestService({**os.environ, **environment}, folder / "ingest.log")
        redis = connect(server.url)
        service.start()
        try:
            yield Arena(site, redis, server, service, folder)
        finally:
            if service.process is not None:
                service.kill()
            await redis.aclose()


@asynccontextmanager
async def _storing(arena: Arena, database: Path) -> AsyncIterator[Any]:
    """The embedder's part of it: from the stream into a database of the run's own."""
    engine = open_engine(f"sqlite:///{database}")
    handler = ReviewConsumer(engine, lambda _: None)
    consumer = StreamConsumer(
        url=arena.server.url,
        stream=REVIEWS_STREAM,
        group=EMBEDDER_GROUP,
        name="embedder-test",
        handle=handler.handle,
        on_dead=handler.on_dead,
        dead_stream=DEAD_LETTERS_STREAM,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield engine
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)
        engine.dispose()


async def _patient(ask: Callable[[], Any]) -> Any:
    """The answer to a question, however often Redis is killed meanwhile."""

    async def answered() -> list[Any]:
        try:
            return [await ask()]
        except UNAVAILABLE:
            return []

    return (await async_wait_until(answered))[0]


async def _crawl(arena: Arena, number: int, fire: Fire | None = None) -> Result:
    """One run, under fire or not, to its end and into SQL."""
    arena.site.asked.clear()
    async with _storing(arena, arena.folder / f"run-{number}.sqlite") as engine:
        run, _ = await _patient(lambda: registry.request_run(arena.redis, "films"))
        over = asyncio.Event()
        burning = asyncio.create_task(fire.burn(over)) if fire is not None else None

        async def ended() -> Run | None:
            if burning is not None and burning.done():
                burning.result()  # nothing is killed or started any more: why?
            record = await _patient(lambda: registry.get_run(arena.redis, run.run_id))
            assert record is not None
            return record if record.state not in {"queued", "crawling"} else None

        try:
            record = await async_wait_until(ended, timeout_s=ENDS_WITHIN_S + KILLS * 10)
        except AssertionError as error:
            raise AssertionError(f"{error}: {arena.service.where_it_is()}") from error
        finally:
            over.set()
            if burning is not None:
                await burning
        assert record is not None

        async def drained() -> bool:
            return bool(await _patient(lambda: arena.redis.xlen(REVIEWS_STREAM)) == 0)

        await async_wait_until(drained)
        rows = {table: _rows(engine, f"SELECT * FROM {table}") for table in TABLES}  # noqa: S608
        [ledger] = _rows(engine, "SELECT * FROM run_ledgers")
    # So that the next run is one of its own: nothing is left to be asked for conditionally.
    await _patient(lambda: registry.advance(arena.redis, run, "incomplete"))
    return Result(record, rows, ledger, arena.site.pages, arena.site.again)


def _rows(engine: Engine, query: str) -> list[Row]:
    """All that a table holds, but not in which order, when and by which run it came."""
    with reading(engine) as connection:
        rows = [dict(row) for row in connection.execute(text(query)).mappings()]
    for row in rows:
        for name in ("revision", "added_by", "fetched_at"):
            row.pop(name, None)
    return sorted(rows, key=repr)


def _assert_whole(result: Result, undisturbed: dict[str, list[Row]]) -> None:
    assert (result.record.state, result.record.error) == ("embedding", None)
    assert result.rows == undisturbed
    ledger = result.ledger
    assert ledger["items"] == ledger["expected"] == MOVIES + REVIEWS
    assert ledger["checksum"] == ledger["expected_checksum"]
    assert ledger["complete"]
    assert ledger["stored"] + ledger["duplicate"] == REVIEWS
    assert ledger["dead"] == 0
    assert (result.record.movies, result.record.crawled) == (MOVIES, REVIEWS)


@pytest.mark.timeout(2 * ENDS_WITHIN_S + KILLS * 10)  # so that a run that does not end says where
async def test_kills_at_random_moments(
    private_redis: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    counted: Counted,
) -> None:  # fmt: skip
    began = time.monotonic()
    async with _arena(private_redis, tmp_path) as arena:
        undisturbed = await _crawl(arena, 0)
        assert [len(undisturbed.rows[table]) for table in TABLES] == [
            MOVIES, REVIEWS, MOVIES + REVIEWS,
        ]  # fmt: skip
        assert (undisturbed.again, undisturbed.record.attempts) == (0, 1)
        _assert_whole(undisturbed, undisturbed.rows)
        fire = Fire(arena, random.Random(SEED), KILLS)
        results: list[Result] = []
        while fire.left > 0:
            results.append(await _crawl(arena, len(results) + 1, fire))
        dead_letters = await arena.redis.xlen(DEAD_LETTERS_STREAM)
        assert await registry.active_runs(arena.redis) == []
    counted("kills of crawl, service and Redis", sum(fire.killed.values()))
    given_up = [result for result in results if result.record.state == "failed"]
    finished = [result for result in results if result not in given_up]
    attempts = sum(result.record.attempts for result in results)
    pages = sum(result.pages for result in results)
    again = sum(result.again for result in results)
    with capsys.disabled():
        print(
            f"\n{KILLS} kills in {time.monotonic() - began:.0f} s: {dict(fire.killed)}; "
            f"{len(results)} runs, {len(finished)} whole, {len(given_up)} given up; "
            f"{attempts} attempts; {pages} pages fetched, {again} of them again; "
            f"{len(undisturbed.rows['reviews'])} reviews in each, 0 lost, 0 twice"
        )
    for result in finished:
        _assert_whole(result, undisturbed.rows)
    for result in given_up:
        assert result.record.error is not None
        assert result.record.error.startswith(GIVEN_UP)
    assert dead_letters == 0
    assert finished
    # What was asked for and not confirmed yet: a moment's worth of pages, of some 300.
    assert again <= MOST_PAGES_AGAIN * (fire.killed["crawl"] + fire.killed["supervisor"])
