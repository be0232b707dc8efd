"""75,000 reviews from disk through Redis into SQL: completeness, speed and memory.

    python -m tests.benchmarks.sections.ingest [--reviews N]

The real ingest service crawls ``imdb75k`` with the dataset spider into a real Redis server, and a
process with the embedder's consumer stores them; nothing is encoded. ``XADD`` of the same messages
alone, before and after, shows the limit of Redis. Exits with 1 when the ledger does not balance.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self

import psutil
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledger, Ledgers
from services.ingest.pages.items import to_review
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import ReviewMessage
from shared.delivery.redis_client import Client, connect
from shared.delivery.streams import StreamConsumer, append
from shared.runs import registry
from tests.benchmarks.figures.plan import ROOT
from tests.support.delivery.redis_server import RedisServer, redis_server
from tests.support.ingest.dataset_reading import read_reviews
from tests.support.waiting import async_wait_until

DATA = ROOT.parent / "shared" / "data" / "imdb75k"
SOURCE = "imdb75k"
BATCH = 100  # as in the pipeline
TIMEOUT_S = 1800.0
LOOK_EVERY_S = 0.2


@contextmanager
def _process(*arguments: str, environment: dict[str, str]) -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, *arguments], env=environment) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def store(redis_url: str, database: str) -> None:
    """Run only the embedder's consumer, until SIGTERM."""

    async def consume() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        consumer = ReviewConsumer(open_engine(database), lambda _: None)
        await StreamConsumer(
            url=redis_url,
            stream=REVIEWS_STREAM,
            group=EMBEDDER_GROUP,
            name="benchmark",
            handle=consumer.handle,
            on_dead=consumer.on_dead,
            dead_stream=DEAD_LETTERS_STREAM,
        ).run(stop)

    asyncio.run(consume())


async def xadd_alone(reviews: Path) -> float:
    """Messages per second that Redis takes from a sender that does nothing else."""
    messages = (
        ReviewMessage(run_id="alone", source=SOURCE, review=to_review(item, SOURCE)).to_fields()
        for item, _ in read_reviews(reviews, SOURCE)
    )
    with redis_server() as server:
        redis = connect(server.url)
        sent, took_s = 0, 0.0
        while batch := list(islice(messages, BATCH)):
            began = time.perf_counter()
            await append(redis, REVIEWS_STREAM, batch)
            took_s += time.perf_counter() - began
            sent += len(batch)
        await redis.aclose()
    return sent / took_s


class Memory:
    """The peak memory of each process, sampled until the context ends."""

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        self._processes = processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak_mib: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for name, process in self._processes.items():
                try:
                    self._note(name, process)
                    for child in process.children(recursive=True) if name == "ingest" else ():
                        self._note("ingest: crawl process", child)
                except psutil.NoSuchProcess:
                    continue

    def _note(self, name: str, process: psutil.Process) -> None:
        mib = process.memory_info().rss / 2**20
        self.peak_mib[name] = max(self.peak_mib.get(name, 0.0), mib)


async def through(
    server: RedisServer, folder: Path, reviews: Path
) -> tuple[Ledger, dict[str, float], float]:
    """One crawl of the dataset into SQL.

    Returns:
        Its ledger, the peak memory of each process in MiB, and the seconds from request to stored.
    """
    sources = folder / "sources.toml"
    sources.write_text(
        f'[sources.{SOURCE}]\nspider = "dataset"\nmovies = "{DATA / "movies.parquet"}"\n'
        f'reviews = "{reviews}"\nreviews_per_movie = 0\n'
    )
    database = f"sqlite:///{folder / 'movies.sqlite'}"
    environment = {
        **os.environ,
        "MOVIE_SEARCH_REDIS_URL": server.url,
        "MOVIE_SEARCH_DATA_DIR": str(folder / "data"),
        "MOVIE_SEARCH_SOURCES": str(sources),
        "MOVIE_SEARCH_DEMO_SITE_PORT": "0",
        "MOVIE_SEARCH_LOG_LEVEL": "warning",
    }
    ledgers = Ledgers(open_engine(database))
    redis = connect(server.url)
    this = ("-m", "tests.benchmarks.sections.ingest", "--store", server.url, database)
    with (
        _process("-m", "services.ingest", environment=environment) as ingest,
        _process(*this, environment=environment) as consumer,
    ):
        assert server.process is not None
        processes = {
            "ingest": ingest,
            "consumer": consumer,
            "redis": psutil.Process(server.process.pid),
        }
        await async_wait_until(
            lambda: registry.known_sources(redis),
            timeout_s=60,
            what="ingest has published its sources",
        )
        with Memory(processes) as memory:
            run, _ = await registry.request_run(redis, SOURCE)
            began = time.monotonic()
            ledger = await _settled(ledgers, redis, run.run_id, began + TIMEOUT_S)
            took_s = time.monotonic() - began
    await redis.aclose()
    return ledger, memory.peak_mib, took_s


async def _settled(ledgers: Ledgers, redis: Client, run_id: str, deadline: float) -> Ledger:
    """The ledger of a run, after all its messages have been handled."""
    while time.monotonic() < deadline:
        await asyncio.sleep(LOOK_EVERY_S)
        run = await registry.get_run(redis, run_id)
        if run is not None and run.error:
            raise SystemExit(f"run failed: {run.error}")
        for ledger in ledgers.open_ledgers():
            if ledger.expected is not None and not await redis.xlen(REVIEWS_STREAM):
                return ledger
    raise SystemExit(f"run not ended after {TIMEOUT_S:g} s")


async def measure(count: int) -> int:
    """Measure and print; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="movie-search-ingest-") as name:
        folder = Path(name)
        reviews = DATA / "reviews.parquet"
        if count:
            reviews = folder / "reviews.parquet"
            pq.write_table(pq.read_table(DATA / "reviews.parquet").slice(0, count), reviews)
        alone = [await xadd_alone(reviews)]
        with redis_server() as server:
            ledger, peak_mib, took_s = await through(server, folder, reviews)
        alone.append(await xadd_alone(reviews))
    ids = [
        f"review/{to_review(item, SOURCE).review_id}"
        for item, _ in read_reviews(DATA / "reviews.parquet", SOURCE)
    ]
    rows = count or len(ids)
    stored = ledger.stored + ledger.duplicate + ledger.dead
    table = Table("imdb75k, from disk into SQL", "", box=None, title_justify="left")
    for label, value in {
        "reviews in the file": f"{rows:,}, {len(set(ids[:rows])):,} distinct",
        "items sent: movies and reviews": f"{ledger.expected or 0:,}",
        "stored + unchanged + dead-lettered": f"{ledger.stored:,} + {ledger.duplicate:,} + "
        f"{ledger.dead:,} reviews",
        "ledger": "balanced" if ledger.balanced else "NOT BALANCED",
        "items a second, request to stored": f"{ledger.items / took_s:,.0f} in {took_s:.0f} s",
        "XADD of the reviews alone": " and ".join(f"{value:,.0f}/s" for value in alone),
        "of XADD alone": f"{ledger.items / took_s / max(alone):.2f}",
        **{f"peak MiB: {name}": f"{mib:.0f}" for name, mib in sorted(peak_mib.items())},
    }.items():
        table.add_row(label, value)
    Console().print(table)
    return 0 if ledger.balanced and stored == len(set(ids[:rows])) else 1


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=0, help="only the first N reviews; 0: all")
    parser.add_argument("--store", nargs=2, metavar=("REDIS", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.store:
        store(*options.store)
        return 0
    if not (DATA / "reviews.parquet").is_file():
        sys.stderr.write(f"no real reviews in {DATA}\n")
        return 1
    return asyncio.run(measure(options.reviews))


if __name__ == "__main__":
    sys.exit(main())
