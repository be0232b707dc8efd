"""Runs to their end: one child process per run, whatever dies on the way.

The truth about a run is its record in Redis (``shared.runs.registry``); a command on the stream
``ingest.commands`` only wakes the supervisor up. At start, when woken, and every ``LOOK_EVERY_S``
it requests the runs that are due (``schedule``), and looks at the runs that have not ended:

- ``queued``: it is started.
- ``crawling``, and nobody holds its lease: its supervisor died, or its process did; it is started
  again, and goes on where it was, unless it has failed (``attempts``).
- ``cancelled`` (or otherwise ended) while its process runs: the process is ended (``crawling``).
- gone from Redis, or waiting for nothing: it is ended (``endings``).

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.ingest.sources.sources import Source, SourceInvalid, find_source
from services.ingest.supervisor.attempt import CrawlAttempt
from services.ingest.supervisor.crawl_schedule import request_due
from services.ingest.supervisor.lost_runs import SETTLE_LIMIT_S, LostRuns
from shared.delivery.messages import IngestCommand, MessageInvalid, parse
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.delivery.streams import Entry, EntryInvalid, wait_for
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

LOOK_EVERY_S = 2.0
LEASE_MS = 15_000
HEARTBEAT_MS = 15_000
MAX_CRAWLS = 4
AGAIN_AFTER_FAULT_S = 10.0


def heartbeat_key() -> str:
    """Key that is fresh while this host's ingest service is alive."""
    return f"heartbeat:ingest:{socket.gethostname()}"


def _new_holder() -> str:
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def _nothing_finished(_: Run) -> int:
    return 0


@dataclass
class Supervisor:
    """Starts, watches and settles crawls.

    Args:
        redis: For run records and leases.
        sources: What may be crawled.
        demo_url: Where the demo site listens.
        time_limit_s: Limit of a run's crawl processes together, for sources without their own.
        lease_ms: How long a run is ours without a renewal.
        holder: The name under which runs are leased.
        finished_pages: How many pages a run need not fetch again; blocking. Absent: none.
        settle_limit_s: How long a run may wait for an idle embedder.
    """

    redis: Client
    sources: Mapping[str, Source]
    demo_url: str
    time_limit_s: float
    lease_ms: int = LEASE_MS
    holder: str = field(default_factory=_new_holder)
    finished_pages: Callable[[Run], int] = _nothing_finished
    settle_limit_s: float = SETTLE_LIMIT_S
    _crawling: CrawlAttempt = field(init=False)
    _endings: LostRuns = field(init=False)
    _crawls: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _sources_busy: set[str] = field(default_factory=set, init=False)
    _not_before: dict[str, float] = field(default_factory=dict, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._endings = LostRuns(self.redis, self.settle_limit_s)
        self._crawling = CrawlAttempt(
            self.redis,
            self.holder,
            self.lease_ms,
            self.demo_url,
            self.finished_pages,
            asyncio.Event(),
        )

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids of the crawls that are running, by run."""
        return self._crawling.pids

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
        self._crawling.stop = stop
        recalled = False
        try:
            while not stop.is_set():
                try:
                    await self._beat()
                    if not recalled:
                        await self._endings.recall(self.sources)
                        recalled = True
                    await self._look()
                except UNAVAILABLE as error:
                    get_logger().warning("redis away, crawls go on", error=str(error))
                await wait_for(stop, self._pause_s(), wake=self._wake)
                self._wake.clear()
        finally:
            stop.set()  # without their supervisor no crawls may go on
            await asyncio.gather(*self._crawls.values())

    def _pause_s(self) -> float:
        """Until the next look, or the next attempt if that comes first."""
        now = time.monotonic()
        return min([LOOK_EVERY_S, *(at - now for at in self._not_before.values() if at > now)])

    async def _beat(self) -> None:
        # Said again with every beat, so that a Redis that lost everything knows it again.
        await registry.publish_sources(self.redis, self.sources)
        await self.redis.set(heartbeat_key(), self.holder, px=HEARTBEAT_MS)

    async def _look(self) -> None:
        active = await registry.active_runs(self.redis)
        active += await request_due(self.redis, self.sources, active)
        await self._endings.follow(active)
        self._not_before = {
            run.run_id: self._not_before[run.run_id]
            for run in active
            if run.run_id in self._not_before
        }
        for run in active:
            if run.state not in {"queued", "crawling"} or run.run_id in self._crawls:
                continue
            if len(self._crawls) >= MAX_CRAWLS or run.source in self._sources_busy:
                continue
            if time.monotonic() < self._not_before.get(run.run_id, 0.0):
                continue
            if await self._crawling.renew_lease(run):
                self._sources_busy.add(run.source)
                self._crawls[run.run_id] = asyncio.create_task(self._attempt(run))

    async def _attempt(self, run: Run) -> None:
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        try:
            source = find_source(self.sources, run.source)
            delay = await self._crawling.attempt(run, source.time_limit_s or self.time_limit_s)
            if delay is not None:
                self._not_before[run.run_id] = time.monotonic() + delay
        except SourceInvalid as error:
            await self._crawling.fail(run, str(error))
        except UNAVAILABLE as error:
            log.warning("redis away, run left as it is", error=str(error))
        except Exception:
            log.exception("supervision failed", retry_s=AGAIN_AFTER_FAULT_S)
            self._not_before[run.run_id] = time.monotonic() + AGAIN_AFTER_FAULT_S
        finally:
            self._crawls.pop(run.run_id, None)
            self._sources_busy.discard(run.source)
            self._wake.set()
