"""Crawl processes as the supervisor starts them, and what they put on the stream."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.outcome import Outcome, read_outcome
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import (
    KeptItems,
    MovieMessage,
    ReviewMessage,
    RunEnd,
    checksum_of_ids,
    ledger_id,
    parse,
)
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run

TIMEOUT_S = 120


@dataclass
class Sent:
    """What a run has put on the stream."""

    movies: dict[str, MovieMessage] = field(default_factory=dict)
    reviews: dict[str, ReviewMessage] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    ends: list[RunEnd] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> set[str]:
        """Ledger ids of the items sent."""
        return {ledger_id("movie", i) for i in self.movies} | {
            ledger_id("review", i) for i in self.reviews
        }

    def assert_balanced(self, *, complete: bool | None = None) -> RunEnd:
        """The run's end says exactly what was sent and kept, and nothing was both."""
        end = self.ends[-1]
        assert (end.emitted, end.checksum) == (len(self.items), checksum_of_ids(self.items))
        assert (end.kept, end.kept_checksum) == (len(self.kept), checksum_of_ids(self.kept))
        assert not self.kept & self.items
        if complete is not None:
            assert end.complete == complete
        return end


@dataclass
class Crawls:
    """Runs crawls of one configuration in separate processes.

    Args:
        redis: A connection to the server that receives the items.
        redis_url: The URL of that server.
        folder: The folder of ``sources.toml`` and of the data.
        demo_url: The URL of the demo site.
    """

    redis: Client
    redis_url: str
    folder: Path
    demo_url: str = "http://127.0.0.1:1"
    settings: dict[str, str] = field(default_factory=dict)
    errors: bytes = b""

    def configure(self, toml: str) -> None:
        (self.folder / "sources.toml").write_text(toml)

    @property
    def ingest_dir(self) -> Path:
        return self.folder / "data" / "ingest"

    async def request(self, source: str = "demo", *, allow_removals: bool = False) -> Run:
        run, _ = await registry.request_run(self.redis, source, allow_removals=allow_removals)
        await registry.advance(self.redis, run, "crawling")
        return run

    async def start(self, run: Run) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "MOVIE_SEARCH_REDIS_URL": self.redis_url,
            "MOVIE_SEARCH_DATA_DIR": str(self.folder / "data"),
            **self.settings,
        }
        if (self.folder / "sources.toml").exists():
            environment["MOVIE_SEARCH_SOURCES"] = str(self.folder / "sources.toml")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ingest.crawl",
            "--run-id", run.run_id, "--source", run.source, "--demo-url", self.demo_url,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )  # fmt: skip

    async def finish(self, process: asyncio.subprocess.Process) -> Outcome:
        line, self.errors = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
        assert process.returncode is not None
        return read_outcome(process.returncode, line)

    async def crawl(self, run: Run) -> Outcome:
        """One attempt, to its end."""
        return await self.finish(await self.start(run))

    async def settle(self, run: Run) -> None:
        """Do the embedder's part: all is stored, and searchable."""
        await registry.advance(self.redis, run, "searchable", snapshot_id="s")

    async def baseline(self, source: str = "demo") -> Run:
        """A run that a next one may build on."""
        run = await self.request(source)
        outcome = await self.crawl(run)
        assert outcome.error is None, self.errors.decode()
        await self.settle(run)
        return run

    async def sent(self, run: Run) -> Sent:
        """What a run has put on the stream so far."""
        sent = Sent()
        for _, fields in await self.redis.xrange(REVIEWS_STREAM):
            message = parse(fields)
            if message.run_id != run.run_id:
                continue
            sent.kinds[message.kind] += 1
            if isinstance(message, MovieMessage):
                sent.movies[message.item_id] = message
            elif isinstance(message, ReviewMessage):
                sent.reviews[message.item_id] = message
            elif isinstance(message, KeptItems):
                sent.kept |= set(message.items)
            elif isinstance(message, RunEnd):
                sent.ends.append(message)
        return sent
