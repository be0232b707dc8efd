"""Runs to their end: one child process per run, whatever dies on the way.

The truth about a run is its record in Redis (``shared.runs``); a command on the stream
``ingest.commands`` only wakes the supervisor up. At start, when woken, and every ``LOOK_EVERY_S``
it looks at the runs that have not ended:

- ``queued``: it is started.
- ``crawling``, and nobody holds its lease: its supervisor died, or its process did; it is started
  again, ``MAX_ATTEMPTS`` times in all, and then it has failed.
- ``cancelled`` (or gone) while its process runs: the process is ended.

While a process runs, its supervisor renews the lease on the run; a lease that another supervisor
holds is respected. A crawl that ended well moves its run to ``embedding``, which the embedder may
have done before. When the service stops, its crawls are ended without a verdict: their runs stay
``crawling``, and go on at the next start.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from prometheus_client import Counter

from services.ingest.child import CrawlProcess
from services.ingest.outcome import Outcome
from services.ingest.sources import Source, SourceInvalid, find_source
from shared import runs
from shared.messages import IngestCommand, MessageInvalid, parse
from shared.redis import UNAVAILABLE, Client
from shared.runs import Run
from shared.streams import Entry, EntryInvalid
from shared.telemetry import get_logger

LOOK_EVERY_S = 2.0
BEAT_EVERY_S = 1.0
LEASE_MS = 15_000
HEARTBEAT_MS = 15_000
MAX_ATTEMPTS = 3
MAX_CRAWLS = 4
RETRY_AFTER_S = 1.0  # doubled for each attempt

_crawls = Counter("ingest_crawls_total", "Crawl processes that ended", ["source", "outcome"])

T = TypeVar("T")


def heartbeat_key() -> str:
    """Key that is fresh while this host's ingest service is alive."""
    return f"heartbeat:ingest:{socket.gethostname()}"


def _new_holder() -> str:
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


@dataclass
class Supervisor:
    """Starts, watches and settles crawls.

    Args:
        redis: For run records and leases.
        sources: What may be crawled.
        demo_url: Where the demo site listens.
        time_limit_s: Wall limit of one crawl process.
        lease_ms: How long a run is ours without a renewal.
    """

    redis: Client
    sources: Mapping[str, Source]
    demo_url: str
    time_limit_s: float
    lease_ms: int = LEASE_MS
    holder: str = field(default_factory=_new_holder)
    _crawls: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _sources_busy: set[str] = field(default_factory=set, init=False)
    _not_before: dict[str, float] = field(default_factory=dict, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    pids: dict[str, int] = field(default_factory=dict, init=False)

    async def handle(self, entries: Sequence[Entry]) -> None:
        """Handler of the command stream: wake up. The record of the run says what to do.

        Raises:
            EntryInvalid: an entry is not a command.
        """
        for entry in entries:
            try:
                message = parse(entry.fields)
            except MessageInvalid as error:
                raise EntryInvalid(entry, str(error)) from error
            if not isinstance(message, IngestCommand):
                raise EntryInvalid(entry, f"{message.kind} is not a command")
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Supervise until ``stop`` is set; running crawls are then ended, not settled."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._beat()
                    await self._look(stop)
                except UNAVAILABLE as error:
                    get_logger().warning("redis away, crawls go on", error=str(error))
                self._wake.clear()
                woken = asyncio.create_task(self._wake.wait())
                await asyncio.wait(
                    {stopped, woken},
                    timeout=LOOK_EVERY_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                woken.cancel()
        finally:
            stopped.cancel()
            await asyncio.gather(*self._crawls.values())

    async def _beat(self) -> None:
        # Said again with every beat, so that a Redis that lost everything knows it again.
        await runs.publish_sources(self.redis, self.sources)
        await self.redis.set(heartbeat_key(), self.holder, px=HEARTBEAT_MS)

    async def _look(self, stop: asyncio.Event) -> None:
        active = await runs.active_runs(self.redis)
        self._not_before = {
            run.run_id: self._not_before[run.run_id]
            for run in active
            if run.run_id in self._not_before
        }
        for run in active:
            if run.state == "embedding" or run.run_id in self._crawls:
                continue
            if len(self._crawls) >= MAX_CRAWLS or run.source in self._sources_busy:
                continue
            if time.monotonic() < self._not_before.get(run.run_id, 0.0):
                continue
            if not await runs.take_lease(
                self.redis, run.run_id, self.holder, lease_ms=self.lease_ms
            ):
                continue
            try:
                find_source(self.sources, run.source)
            except SourceInvalid as error:
                await self._settle(run, "failed", error=str(error))
                continue
            if run.attempts >= MAX_ATTEMPTS:
                await self._settle(
                    run, "failed", error=f"the crawl ended {run.attempts} times before it was done"
                )
                continue
            self._sources_busy.add(run.source)
            self._crawls[run.run_id] = asyncio.create_task(self._crawl(run, stop))

    async def _crawl(self, run: Run, stop: asyncio.Event) -> None:
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        attempt = run.attempts + 1
        try:
            await runs.set_fields(self.redis, run.run_id, attempts=attempt)
            await runs.advance(self.redis, run, "crawling")
            process = await CrawlProcess.start(run.run_id, run.source, demo_url=self.demo_url)
            self.pids[run.run_id] = process.pid
            log.info("crawl started", attempt=attempt, pid=process.pid)
            verdict = await self._watch(run, process, stop)
            await self._conclude(run, attempt, verdict)
        except UNAVAILABLE as error:
            # The lease runs out, and whoever looks next starts the run again.
            log.warning("redis away, run left as it is", error=str(error))
        except Exception:
            log.exception("supervision failed")
        finally:
            self.pids.pop(run.run_id, None)
            self._crawls.pop(run.run_id, None)
            self._sources_busy.discard(run.source)
            self._wake.set()

    async def _watch(self, run: Run, process: CrawlProcess, stop: asyncio.Event) -> Outcome | None:
        """Wait for the process, or end it; None when its run needs no verdict from us."""
        deadline = time.monotonic() + self.time_limit_s
        while True:
            outcome = await process.wait(BEAT_EVERY_S)
            if outcome is not None:
                return None if outcome.again and stop.is_set() else outcome
            if stop.is_set():
                await process.stop()
                await runs.set_fields(self.redis, run.run_id, attempts=run.attempts)
                return None
            if time.monotonic() > deadline:
                await process.stop()
                return Outcome(error=f"the time limit of {self.time_limit_s:g} s was reached")
            if not await self._is_still_ours(run):
                await process.stop()
                get_logger().info("crawl ended, its run is over", run_id=run.run_id)
                return None

    async def _is_still_ours(self, run: Run) -> bool:
        try:
            ours = await runs.take_lease(
                self.redis, run.run_id, self.holder, lease_ms=self.lease_ms
            )
            record = await runs.get_run(self.redis, run.run_id)
        except UNAVAILABLE as error:
            get_logger().warning("redis away, crawl goes on", error=str(error))
            return True
        return ours and record is not None and record.state not in {"cancelled", "failed"}

    async def _conclude(self, run: Run, attempt: int, outcome: Outcome | None) -> None:
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        if outcome is None:
            await runs.release_lease(self.redis, run.run_id, self.holder)
            return
        if outcome.error is None:
            _crawls.labels(run.source, "done").inc()
            log.info("crawl done", movies=outcome.movies, reviews=outcome.reviews)
            await self._settle(run, "embedding")
        elif outcome.again and attempt < MAX_ATTEMPTS:
            _crawls.labels(run.source, "again").inc()
            delay = RETRY_AFTER_S * 2 ** (attempt - 1)
            self._not_before[run.run_id] = time.monotonic() + delay
            log.warning("crawl ended early, trying again", error=outcome.error, retry_s=delay)
            await runs.release_lease(self.redis, run.run_id, self.holder)
        else:
            _crawls.labels(run.source, "failed").inc()
            await self._settle(run, "failed", error=outcome.error)

    async def _settle(self, run: Run, state: runs.State, *, error: str | None = None) -> None:
        """Move the run, patiently: Redis may be away for a moment just now."""
        if error is not None:
            get_logger().error("run failed", run_id=run.run_id, source=run.source, error=error)
        await _patiently(lambda: runs.advance(self.redis, run, state, error=error))
        await _patiently(lambda: runs.release_lease(self.redis, run.run_id, self.holder))


async def _patiently(operation: Callable[[], Awaitable[T]], *, tries: int = 8) -> T:
    delay = 0.1
    for _ in range(tries - 1):
        try:
            return await operation()
        except UNAVAILABLE:
            await asyncio.sleep(delay)
            delay *= 2
    return await operation()
