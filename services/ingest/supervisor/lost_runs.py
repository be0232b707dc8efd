"""Every run comes to an end, also one that the others have lost.

The embedder settles runs; this is for what it cannot see. A run whose record Redis has lost
(``FLUSHALL``, an older copy put back) is recorded again, as ended. A run that waits for the
embedder although nothing is left for it to do, because the run's end or the embedder's database is
gone, is ended when nothing of it has moved for ``SETTLE_LIMIT_S`` in which the embedder was alive
and the stream was empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from shared.delivery.messages import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

SETTLE_LIMIT_S = 6 * 3600.0
EMBEDDER_HEARTBEAT_KEY = "heartbeat:embedder"

LOST = "Redis has lost this run's record, and what was on its way: crawl again"
STUCK = (
    "nothing of this run has moved for {limit_s:g} s although the embedder is alive and the stream "
    "is empty: its end or the embedder's database is gone, or much else is being encoded; "
    "see the embedder's log, and crawl again"
)

_ended = Counter("ingest_runs_total", "Runs that ended, by how", ["source", "state"])
_open = Gauge("ingest_open_runs", "Runs that have not ended, by state", ["state"])
_succeeded = Gauge(
    "ingest_last_searchable_timestamp_seconds",
    "When a run of the source last became searchable",
    ["source"],
)


@dataclass
class LostRuns:
    """Follows the runs that have not ended.

    Args:
        redis: For their records.
        settle_limit_s: How long a run may wait for an idle embedder.
    """

    redis: Client
    settle_limit_s: float = SETTLE_LIMIT_S
    _open_runs: dict[str, Run] = field(default_factory=dict, init=False)
    _still: dict[str, tuple[Run, float]] = field(default_factory=dict, init=False)

    async def recall(self, sources: Iterable[str]) -> None:
        """Begin the metrics of a new process with what the records know."""
        for source in sources:
            last = await registry.last_ended_run(self.redis, source)
            if last is not None:
                _note_success(last)

    async def follow(self, active: Sequence[Run]) -> None:
        """Take note of the runs that have not ended, and see to those that are missing.

        Raises:
            One of ``UNAVAILABLE``: Redis is away; nothing is forgotten.
        """
        now_open = {run.run_id: run for run in active}
        for run in list(self._open_runs.values()):
            if run.run_id not in now_open:
                await self._missing(run)
                del self._open_runs[run.run_id]
        self._open_runs = now_open
        for state in ("queued", "crawling", "embedding"):
            _open.labels(state).set(sum(run.state == state for run in active))
        await self._end_stuck([run for run in active if run.state == "embedding"])

    async def _missing(self, run: Run) -> None:
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
        self._still = {
            run.run_id: seen
            if (seen := self._still.get(run.run_id)) is not None and seen[0] == run
            else (run, now)
            for run in waiting
        }
        for run, since in self._still.values():
            if now - since < self.settle_limit_s:
                continue
            error = STUCK.format(limit_s=self.settle_limit_s)
            get_logger().error("run given up", run_id=run.run_id, source=run.source, error=error)
            await registry.advance(self.redis, run, "incomplete", error=error)

    async def _embedder_is_idle(self) -> bool:
        alive, entries = await (
            self.redis.pipeline(transaction=True)
            .exists(EMBEDDER_HEARTBEAT_KEY)
            .xlen(REVIEWS_STREAM)
            .execute()
        )
        return bool(alive and not entries)


def _note_success(run: Run) -> None:
    if run.state == "searchable" and run.ended_at is not None:
        _succeeded.labels(run.source).set(run.ended_at.timestamp())
