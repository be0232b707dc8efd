"""One attempt at a run: a crawl process, from the decision to start it to the recorded outcome.

The supervisor watches the process and renews its lease on the run meanwhile. It stops the process
when

1. the run has ended by other means (cancelled, lost),
2. another supervisor holds the lease,
3. the run's time limit is reached, or
4. the service stops.

Only the third ends the run as failed; the others leave the run's state as it is.
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
from shared.delivery.redis_client import UNAVAILABLE, Client, until_available
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

BEAT_EVERY_S = 0.5
CANCEL_GRACE_S = 1.0  # a cancelled crawl has nothing to finish

_crawls = Counter(
    "movie_search_ingest_crawls_total", "Crawl processes that ended", ["source", "outcome"]
)
_active = Gauge("movie_search_ingest_active_crawls", "Crawl processes that are running")
_seconds = Histogram(
    "movie_search_ingest_crawl_seconds",
    "Run time of crawl processes",
    ["source", "outcome"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
)

T = TypeVar("T")


@dataclass
class CrawlAttempt:
    """Makes attempts at runs; one instance serves all runs of a supervisor.

    Args:
        redis: Connection for run records and leases.
        holder: The name under which this service leases runs.
        lease_ms: Milliseconds for which a lease is valid without renewal.
        demo_url: The URL of the demo site.
        finished_pages: Returns the number of pages that a run need not fetch again; may block.
        stop: Set when the service stops.

    Example::

        crawl_attempt = CrawlAttempt(redis, "host-1", 15_000, demo_url, finished_pages, stop)
        if await crawl_attempt.renew_lease(run):
            pause_s = await crawl_attempt.crawl(run, time_limit_s=3600)  # None: the run is settled
    """

    redis: Client
    holder: str
    lease_ms: int
    demo_url: str
    finished_pages: Callable[[Run], int]
    stop: asyncio.Event
    pids: dict[str, int] = field(default_factory=dict, init=False)
    """Run id to process id of the crawls that are running."""

    async def crawl(self, run: Run, time_limit_s: float) -> float | None:
        """Crawl once, if the run may still be crawled, and record the outcome.

        Args:
            run: A run whose lease this service holds.
            time_limit_s: Limit in seconds of all crawl processes of the run together.

        Returns:
            Seconds to wait before the next attempt; None when no further attempt is needed.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable, and the run's record is unchanged. This
                service still holds the lease, or it expires; a supervisor makes another attempt.
        """
        budget = await self._read_budget(run)
        refusal = budget.refusal(time_limit_s)
        if refusal is not None:
            await self.fail(run, refusal)
            return None
        await registry.advance(self.redis, run, "crawling")
        if await self._has_ended(run):  # cancelled since the caller read the record
            await self._release(run)
            return None
        await write_budget(self.redis, run.run_id, budget.with_attempt_started())
        started = time.monotonic()
        outcome = await self._run_process(run, budget, time_limit_s)
        elapsed_s = time.monotonic() - started
        if outcome is None:
            label, delay = "ended", None
            await self._leave_unfinished(run, budget)
        else:
            label, delay = await self._record_outcome(
                run, outcome, budget.crawl_s + elapsed_s, time_limit_s
            )
        _crawls.labels(run.source, label).inc()
        _seconds.labels(run.source, label).observe(elapsed_s)
        return delay

    async def renew_lease(self, run: Run) -> bool:
        """Take or keep the lease on a run; False while another holder's lease is valid."""
        return await registry.take_lease(
            self.redis, run.run_id, self.holder, lease_ms=self.lease_ms
        )

    async def fail(self, run: Run, error: str) -> None:
        """End a run as failed.

        Args:
            run: A run whose lease this service holds.
            error: The reason, in a sentence for the operator.
        """
        get_logger().error("run failed", run_id=run.run_id, source=run.source, error=error)
        await self._until_available(
            lambda: registry.advance(self.redis, run, "failed", error=error)
        )
        await self._release(run)

    async def _run_process(self, run: Run, budget: RetryBudget, limit_s: float) -> Outcome | None:
        process = await CrawlProcess.start(run.run_id, run.source, demo_url=self.demo_url)
        self.pids[run.run_id] = process.pid
        _active.inc()
        get_logger().info(
            "crawl started",
            run_id=run.run_id,
            source=run.source,
            attempt=budget.attempts + 1,
            finished_pages=budget.finished,
            pid=process.pid,
        )
        try:
            return await self._watch(run, process, budget.crawl_s, limit_s)
        finally:
            await process.stop(CANCEL_GRACE_S)  # still runs only if supervision itself failed
            self.pids.pop(run.run_id, None)
            _active.dec()

    async def _watch(
        self, run: Run, process: CrawlProcess, used_s: float, limit_s: float
    ) -> Outcome | None:
        """Wait for the process, or stop it; None when the run's state is to stay as it is."""
        started = time.monotonic()
        while True:
            outcome = await process.wait(BEAT_EVERY_S)
            crawl_s = used_s + time.monotonic() - started
            if outcome is not None:
                return None if outcome.again and self.stop.is_set() else outcome
            if self.stop.is_set():
                await process.stop()
                return None
            if crawl_s > limit_s:
                await process.stop()
                return Outcome(error=f"the time limit of {limit_s:g} s was reached")
            if not await self._may_continue(run, crawl_s):
                await process.stop(CANCEL_GRACE_S)
                get_logger().info("crawl stopped, run has ended", run_id=run.run_id)
                return None

    async def _may_continue(self, run: Run, crawl_s: float) -> bool:
        """Whether the run goes on and its lease is still held; also True while Redis is away."""
        try:
            if not await self.renew_lease(run):
                return False
            # Stored at every beat: after a kill the elapsed time would be lost.
            await registry.set_fields(self.redis, run.run_id, crawl_s=crawl_s)
            return not await self._has_ended(run)
        except UNAVAILABLE as error:
            get_logger().warning("redis unavailable, crawl continues", error=str(error))
            return True

    async def _has_ended(self, run: Run) -> bool:
        record = await registry.get_run(self.redis, run.run_id)
        # Searchable: the process has sent everything, and the embedder was faster than its exit.
        return record is None or (registry.ended(record) and record.state != "searchable")

    async def _leave_unfinished(self, run: Run, budget: RetryBudget) -> None:
        """Release the run without ending it; a stop of the service does not count as an attempt."""
        if self.stop.is_set():
            counts = {"attempts": budget.attempts, "in_vain": budget.in_vain}
            await self._until_available(
                lambda: registry.set_fields(self.redis, run.run_id, **counts)
            )
        await self._release(run)

    async def _record_outcome(
        self, run: Run, outcome: Outcome, crawl_s: float, limit_s: float
    ) -> tuple[str, float | None]:
        """Record how a process ended.

        Returns:
            The metrics' label for it, and the seconds to wait before the next attempt, if any.
        """
        log = get_logger().bind(run_id=run.run_id, source=run.source)
        await self._until_available(
            lambda: registry.set_fields(self.redis, run.run_id, crawl_s=crawl_s)
        )
        if outcome.error is None:
            log.info("crawl done", movies=outcome.movies, reviews=outcome.reviews)
            await self._until_available(lambda: registry.advance(self.redis, run, "embedding"))
            await self._release(run)
            return "done", None
        error = outcome.error
        if outcome.again:
            budget = await self._until_available(lambda: self._read_budget(run))
            refusal = budget.refusal(limit_s)
            if refusal is None:
                delay = budget.retry_after_s
                log.warning("crawl ended early, retrying", error=error, retry_s=delay)
                await self._release(run)
                return "again", delay
            error = f"{refusal}: {error}"
        await self.fail(run, error)
        return "failed", None

    async def _read_budget(self, run: Run) -> RetryBudget:
        finished = await asyncio.to_thread(self.finished_pages, run)
        return (await read_budget(self.redis, run.run_id)).with_finished_pages(finished)

    async def _release(self, run: Run) -> None:
        await self._until_available(
            lambda: registry.release_lease(self.redis, run.run_id, self.holder)
        )

    async def _until_available(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Repeat an operation until Redis is available; raises when the service stops first."""
        return await until_available(operation, stop=self.stop)
