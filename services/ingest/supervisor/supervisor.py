"""Brings runs to their end: one child process for each run, whichever process dies meanwhile.

A run's record in Redis (``shared.runs.registry``) is authoritative; a command on the stream
``ingest.commands`` only wakes the supervisor. At start, when woken, and every ``POLL_EVERY_S`` it
requests the runs that are due (``crawl_schedule``), and handles each run that has not ended:

- ``queued``: its crawl is started.
- ``crawling`` without a valid lease: its supervisor or its process died. The crawl is started
  again, and continues from the finished pages, unless the retry budget is spent
  (``retry_budget``).
- ``cancelled`` (or ended otherwise) while its process runs: the process is stopped (``attempt``).
- missing from Redis, or waiting although nothing is left to do: it is ended (``lost_runs``).

While a process runs, its supervisor renews the lease on the run; the supervisor does not touch a
run whose lease another supervisor holds. A successful crawl moves its run to ``embedding``, unless
the embedder has already done so. When the service stops, its crawls are stopped without ending
their runs: the runs stay ``crawling``, and continue at the next start.
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
from shared.delivery import heartbeats
from shared.delivery.messages import IngestCommand, MessageInvalid, parse
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.delivery.streams import Entry, EntryInvalid
from shared.runs import registry
from shared.runs.registry import Run
from shared.system.retry import wait_for
from shared.telemetry import get_logger

POLL_EVERY_S = 2.0
LEASE_MS = 15_000
HEARTBEAT_TTL_S = 15
MAX_CRAWLS = 4
RETRY_AFTER_ERROR_S = 10.0


def _new_holder() -> str:
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def _nothing_finished(_: Run) -> int:
    return 0


@dataclass
class Supervisor:
    """Starts and watches crawls, and records how they end.

    Args:
        redis: Connection for run records and leases.
        sources: The configured sources, by name.
        demo_url: The URL of the demo site.
        time_limit_s: Limit in seconds of a run's crawl processes together, for sources that set
            none.
        lease_ms: Milliseconds for which a lease on a run is valid without renewal.
        holder: The name under which this service leases runs.
        finished_pages: Returns the number of pages that a run need not fetch again; may block.
            Default: none.
        settle_limit_s: Seconds for which a run may wait for an idle embedder.

    Example::

        supervisor = Supervisor(redis, load_sources(settings), demo_url, time_limit_s=3600)
        stop = asyncio.Event()
        task = asyncio.create_task(supervisor.run(stop))
        await registry.request_run(redis, "demo")  # starts within POLL_EVERY_S
        ...
        stop.set()  # stops the crawls; their runs continue under the next supervisor
        await task
    """

    redis: Client
    sources: Mapping[str, Source]
    demo_url: str
    time_limit_s: float
    lease_ms: int = LEASE_MS
    holder: str = field(default_factory=_new_holder)
    finished_pages: Callable[[Run], int] = _nothing_finished
    settle_limit_s: float = SETTLE_LIMIT_S
    _crawl_attempt: CrawlAttempt = field(init=False)
    _lost_runs: LostRuns = field(init=False)
    _crawls: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _sources_busy: set[str] = field(default_factory=set, init=False)
    _not_before: dict[str, float] = field(default_factory=dict, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._lost_runs = LostRuns(self.redis, self.settle_limit_s)
        self._crawl_attempt = CrawlAttempt(
            self.redis,
            self.holder,
            self.lease_ms,
            self.demo_url,
            self.finished_pages,
            asyncio.Event(),
        )

    @property
    def pids(self) -> Mapping[str, int]:
        """Run id to process id of the crawls that are running."""
        return self._crawl_attempt.pids

    async def handle(self, entries: Sequence[Entry]) -> None:
        """Handle commands of the stream: wake the supervisor, which reads the runs' records.

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
        """Supervise until ``stop`` is set; crawls are then stopped without ending their runs."""
        self._crawl_attempt.stop = stop
        are_metrics_restored = False
        try:
            while not stop.is_set():
                try:
                    await self._send_heartbeat()
                    if not are_metrics_restored:
                        await self._lost_runs.restore_metrics(self.sources)
                        are_metrics_restored = True
                    await self._handle_active_runs()
                except UNAVAILABLE as error:
                    get_logger().warning("redis unavailable, crawls continue", error=str(error))
                await wait_for(stop, self._pause_s(), wake=self._wake)
                self._wake.clear()
        finally:
            stop.set()  # crawls must not continue without their supervisor
            await asyncio.gather(*self._crawls.values())

    def _pause_s(self) -> float:
        """Seconds until the next poll, or until the next attempt if that comes first."""
        now = time.monotonic()
        return min([POLL_EVERY_S, *(at - now for at in self._not_before.values() if at > now)])

    async def _send_heartbeat(self) -> None:
        # The sources go with every heartbeat, so that they reappear in a Redis that lost its data.
        await registry.publish_sources(self.redis, self.sources)
        await heartbeats.beat(self.redis, "ingest", ttl_s=HEARTBEAT_TTL_S)

    async def _handle_active_runs(self) -> None:
        active = await registry.active_runs(self.redis)
        active += await request_due(self.redis, self.sources, active)
        await self._lost_runs.follow(active)
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
            if await self._crawl_attempt.renew_lease(run):
                self._sources_busy.add(run.source)
                self._crawls[run.run_id] = asyncio.create_task(self._crawl(run))

    async def _crawl(self, run: Run) -> None:
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        try:
            source = find_source(self.sources, run.source)
            delay = await self._crawl_attempt.crawl(run, source.time_limit_s or self.time_limit_s)
            if delay is not None:
                self._not_before[run.run_id] = time.monotonic() + delay
        except SourceInvalid as error:
            await self._crawl_attempt.fail(run, str(error))
        except UNAVAILABLE as error:
            log.warning("redis unavailable, run unchanged", error=str(error))
        except Exception:
            log.exception("supervision failed", retry_s=RETRY_AFTER_ERROR_S)
            self._not_before[run.run_id] = time.monotonic() + RETRY_AFTER_ERROR_S
        finally:
            self._crawls.pop(run.run_id, None)
            self._sources_busy.discard(run.source)
            self._wake.set()
