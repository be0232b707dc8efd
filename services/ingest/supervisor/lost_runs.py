"""Ends the runs that nothing else can end, so that every run comes to an end.

The embedder ends runs; this module ends those that the embedder cannot see:

- A run whose record Redis has lost (``FLUSHALL``, an older copy restored) is recorded again, as
  ended.
- A run that waits for the embedder although the embedder has nothing left to do for it, because
  the run's end or the embedder's database is lost, is ended when its record has not changed for
  ``SETTLE_LIMIT_S`` during which the embedder was alive and the stream was empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from shared.delivery import heartbeats
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

SETTLE_LIMIT_S = 6 * 3600.0

LOST = "Redis lost this run's record and the items in transit; crawl again"
STUCK = (
    "no progress for {limit_s:g} s although the embedder is alive and the stream is empty: the "
    "run's end or the embedder's database is lost, or the embedder is busy with other reviews; "
    "see the embedder's log, and crawl again"
)

_ended = Counter(
    "movie_search_ingest_runs_total", "Runs that ended, by final state", ["source", "state"]
)
_open = Gauge("movie_search_ingest_open_runs", "Runs that have not ended, by state", ["state"])
_succeeded = Gauge(
    "movie_search_ingest_last_searchable_timestamp_seconds",
    "Time at which a run of the source last became searchable, in seconds since 1970",
    ["source"],
)


@dataclass
class LostRuns:
    """Tracks the runs that have not ended, and ends those that are lost or stuck.

    Args:
        redis: Connection for the runs' records.
        settle_limit_s: Seconds for which a run may wait for an idle embedder.
    """

    redis: Client
    settle_limit_s: float = SETTLE_LIMIT_S
    _open_runs: dict[str, Run] = field(default_factory=dict, init=False)
    _unchanged_since: dict[str, tuple[Run, float]] = field(default_factory=dict, init=False)

    async def restore_metrics(self, sources: Iterable[str]) -> None:
        """Initialise the metrics of a new process from the runs' records."""
        for source in sources:
            last = await registry.last_ended_run(self.redis, source)
            if last is not None:
                _note_success(last)

    async def follow(self, active: Sequence[Run]) -> None:
        """Compare the runs that have not ended with those of the last call.

        Args:
            active: The runs that have not ended.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable; the next call continues where this one
                stopped.
        """
        now_open = {run.run_id: run for run in active}
        for run in list(self._open_runs.values()):
            if run.run_id not in now_open:
                await self._account_for(run)
                del self._open_runs[run.run_id]
        self._open_runs = now_open
        for state in ("queued", "crawling", "embedding"):
            _open.labels(state).set(sum(run.state == state for run in active))
        await self._end_stuck([run for run in active if run.state == "embedding"])

    async def _account_for(self, run: Run) -> None:
        """Count how a run ended that is no longer active; end it if its record is lost."""
        record = await registry.get_run(self.redis, run.run_id)
        if record is None:
            await registry.restore_ended(self.redis, run, "incomplete", error=LOST)
            get_logger().error("run lost", run_id=run.run_id, source=run.source, error=LOST)
        elif not registry.ended(record):
            await registry.advance(self.redis, record, "incomplete", error=LOST)
        state = record.state if record is not None and registry.ended(record) else "incomplete"
        _ended.labels(run.source, state).inc()
        if record is not None:
            _note_success(record)

    async def _end_stuck(self, waiting: Sequence[Run]) -> None:
        now = time.monotonic()
        if waiting and not await self._embedder_is_idle():
            waiting = []
        self._unchanged_since = {
            run.run_id: previous
            if (previous := self._unchanged_since.get(run.run_id)) is not None
            and previous[0] == run
            else (run, now)
            for run in waiting
        }
        for run, since in self._unchanged_since.values():
            if now - since < self.settle_limit_s:
                continue
            error = STUCK.format(limit_s=self.settle_limit_s)
            get_logger().error("run stuck", run_id=run.run_id, source=run.source, error=error)
            await registry.advance(self.redis, run, "incomplete", error=error)

    async def _embedder_is_idle(self) -> bool:
        if not await heartbeats.is_alive(self.redis, "embedder"):
            return False
        return not await self.redis.xlen(REVIEWS_STREAM)


def _note_success(run: Run) -> None:
    if run.state == "searchable" and run.ended_at is not None:
        _succeeded.labels(run.source).set(run.ended_at.timestamp())
