"""One attempt at a run: its process, from the decision to start it to the verdict.

The process is watched while its supervisor renews the lease on the run. It is ended when the run
has ended otherwise (cancelled, lost), when the lease is another's, when the time limit is reached,
and when the service stops; only the third is a verdict on the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

from services.ingest.outcome import Outcome
from services.ingest.supervisor.crawl_process import CrawlProcess
from services.ingest.supervisor.retry_budget import RetryBudget, read_budget, write_budget
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.delivery.streams import wait_for
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

BEAT_EVERY_S = 0.5
CANCEL_GRACE_S = 1.0  # a cancelled crawl has nothing to finish

_crawls = Counter("ingest_crawls_total", "Crawl processes that ended", ["source", "outcome"])
_active = Gauge("ingest_active_crawls", "Crawl processes that are running")
_seconds = Histogram(
    "ingest_crawl_seconds",
    "How long crawl processes ran",
    ["source", "outcome"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
)

T = TypeVar("T")


@dataclass
class CrawlAttempt:
    """Makes attempts at runs.

    Args:
        redis: For run records and leases.
        holder: The name under which runs are leased.
        lease_ms: How long a run is ours without a renewal.
        demo_url: Where the demo site listens.
        finished_pages: How many pages a run need not fetch again; blocking.
        stop: Set when the service stops.
    """

    redis: Client
    holder: str
    lease_ms: int
    demo_url: str
    finished_pages: Callable[[Run], int]
    stop: asyncio.Event
    pids: dict[str, int] = field(default_factory=dict, init=False)
    """Process ids of the crawls that are running, by run."""

    async def attempt(self, run: Run, time_limit_s: float) -> float | None:
        """Crawl once, if the run may still be crawled, and record what has become of it.

        Args:
            run: A run that is ours by lease.
            time_limit_s: Limit of all its crawl processes together.

        Returns:
            The pause in seconds before the next attempt; None when there is none to be made.

        Raises:
            One of ``UNAVAILABLE``: Redis is away, and the run is left as it is. The lease is still
                ours or runs out, and whoever looks next makes another attempt.
        """
        attempts = await self._attempts(run)
        refusal = attempts.refusal(time_limit_s)
        if refusal is not None:
            await self.fail(run, refusal)
            return None
        await registry.advance(self.redis, run, "crawling")
        if await self._is_over(run):  # cancelled while we were about it
            await self._release(run)
            return None
        await write_budget(self.redis, run.run_id, attempts.begun())
        began = time.monotonic()
        outcome = await self._crawl(run, attempts, time_limit_s)
        taken_s = time.monotonic() - began
        if outcome is None:
            label, delay = "ended", None
            await self._leave(run, attempts)
        else:
            label, delay = await self._conclude(
                run, outcome, attempts.crawl_s + taken_s, time_limit_s
            )
        _crawls.labels(run.source, label).inc()
        _seconds.labels(run.source, label).observe(taken_s)
        return delay

    async def renew_lease(self, run: Run) -> bool:
        """Take or keep the lease on a run; False while another holder's is alive."""
        return await registry.take_lease(
            self.redis, run.run_id, self.holder, lease_ms=self.lease_ms
        )

    async def fail(self, run: Run, error: str) -> None:
        """End a run."""
        get_logger().error("run failed", run_id=run.run_id, source=run.source, error=error)
        await self._patiently(lambda: registry.advance(self.redis, run, "failed", error=error))
        await self._release(run)

    async def _crawl(self, run: Run, before: RetryBudget, limit_s: float) -> Outcome | None:
        process = await CrawlProcess.start(run.run_id, run.source, demo_url=self.demo_url)
        self.pids[run.run_id] = process.pid
        _active.inc()
        get_logger().info(
            "crawl started",
            run_id=run.run_id,
            source=run.source,
            attempt=before.attempts + 1,
            finished_pages=before.finished,
            pid=process.pid,
        )
        try:
            return await self._watch(run, process, before.crawl_s, limit_s)
        finally:
            await process.stop(CANCEL_GRACE_S)  # has ended, unless supervision itself has failed
            self.pids.pop(run.run_id, None)
            _active.dec()

    async def _watch(
        self, run: Run, process: CrawlProcess, used_s: float, limit_s: float
    ) -> Outcome | None:
        """Wait for the process, or end it; None when its run needs no verdict from us."""
        began = time.monotonic()
        while True:
            outcome = await process.wait(BEAT_EVERY_S)
            crawl_s = used_s + time.monotonic() - began
            if outcome is not None:
                return None if outcome.again and self.stop.is_set() else outcome
            if self.stop.is_set():
                await process.stop()
                return None
            if crawl_s > limit_s:
                await process.stop()
                return Outcome(error=f"the time limit of {limit_s:g} s was reached")
            if not await self._is_still_ours(run, crawl_s):
                await process.stop(CANCEL_GRACE_S)
                get_logger().info("crawl ended, its run is over", run_id=run.run_id)
                return None

    async def _is_still_ours(self, run: Run, crawl_s: float) -> bool:
        try:
            if not await self.renew_lease(run):
                return False
            # Kept at every beat: nobody could say it after a kill.
            await registry.set_fields(self.redis, run.run_id, crawl_s=crawl_s)
            return not await self._is_over(run)
        except UNAVAILABLE as error:
            get_logger().warning("redis away, crawl goes on", error=str(error))
            return True

    async def _is_over(self, run: Run) -> bool:
        record = await registry.get_run(self.redis, run.run_id)
        # Searchable: the embedder was quicker than the process, which has sent all and is ending.
        return record is None or (registry.ended(record) and record.state != "searchable")

    async def _leave(self, run: Run, before: RetryBudget) -> None:
        """Give the run back without a verdict; a stop of the service is no attempt."""
        if self.stop.is_set():
            counts = {"attempts": before.attempts, "in_vain": before.in_vain}
            await self._patiently(lambda: registry.set_fields(self.redis, run.run_id, **counts))
        await self._release(run)

    async def _conclude(
        self, run: Run, outcome: Outcome, crawl_s: float, limit_s: float
    ) -> tuple[str, float | None]:
        """Record how a process ended; what to call it, and the pause before the next."""
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        await self._patiently(lambda: registry.set_fields(self.redis, run.run_id, crawl_s=crawl_s))
        if outcome.error is None:
            log.info("crawl done", movies=outcome.movies, reviews=outcome.reviews)
            await self._patiently(lambda: registry.advance(self.redis, run, "embedding"))
            await self._release(run)
            return "done", None
        error = outcome.error
        if outcome.again:
            attempts = await self._patiently(lambda: self._attempts(run))
            refusal = attempts.refusal(limit_s)
            if refusal is None:
                delay = attempts.retry_after_s
                log.warning("crawl ended early, trying again", error=error, retry_s=delay)
                await self._release(run)
                return "again", delay
            error = f"{refusal}: {error}"
        await self.fail(run, error)
        return "failed", None

    async def _attempts(self, run: Run) -> RetryBudget:
        finished = await asyncio.to_thread(self.finished_pages, run)
        return (await read_budget(self.redis, run.run_id)).seen(finished)

    async def _release(self, run: Run) -> None:
        await self._patiently(lambda: registry.release_lease(self.redis, run.run_id, self.holder))

    async def _patiently(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Do it as soon as Redis is there; while it is away there is nothing else to be done."""
        delay = 0.1
        while True:
            try:
                return await operation()
            except UNAVAILABLE as error:
                if self.stop.is_set():
                    raise
                get_logger().warning("redis away, waiting", error=str(error), retry_s=delay)
                await wait_for(self.stop, delay)
                delay = min(delay * 2, 2.0)
