"""Crawling again by itself: ``every`` of a source, from request to request.

A source is due when its newest run, whoever asked for it and however it ended, was requested
``every`` ago or longer, or when none ever was. A source whose run has not ended is passed over.
Nothing is remembered but the time of that request, so nothing piles up: after a stop of any length
a source is due once. The request's idempotency key is made of that time, so that of several
supervisors that look at once only one is given a new run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter

from services.ingest.sources.sources import Source
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

_scheduled = Counter("ingest_scheduled_runs_total", "Runs requested by the schedule", ["source"])


@dataclass(frozen=True, slots=True)
class Due:
    """A source that is to be crawled again, and the idempotency key of the request."""

    source: str
    key: str


def due_sources(
    every_s: Mapping[str, int],
    requested_at: Mapping[str, datetime],
    busy: Collection[str],
    now: datetime,
) -> list[Due]:
    """The sources to be crawled now.

    Args:
        every_s: Seconds between two crawls, of the sources that have a schedule.
        requested_at: When the newest run of a source was requested; absent when none was.
        busy: Sources with a run that has not ended.
        now: The time.
    """
    due = []
    for source, seconds in every_s.items():
        newest = requested_at.get(source)
        if source in busy or not _is_due(timedelta(seconds=seconds), newest, now):
            continue
        since = "never" if newest is None else f"{newest.timestamp():.6f}"
        due.append(Due(source, f"schedule:{seconds}:{since}"))
    return due


def _is_due(every: timedelta, newest: datetime | None, now: datetime) -> bool:
    # A request more than ``every`` ahead of us: the clock was set back, and waiting for it to
    # catch up could take years.
    return newest is None or abs(now - newest) >= every


async def request_due(
    redis: Client, sources: Mapping[str, Source], active: Collection[Run]
) -> list[Run]:
    """Request the runs that are due.

    Args:
        redis: For the runs' records.
        sources: What is configured.
        active: The runs that have not ended.

    Returns:
        The runs that are new.
    """
    every_s = {
        name: source.every_s for name, source in sources.items() if source.every_s is not None
    }
    if not every_s:
        return []
    found = {name: await registry.last_requested(redis, name) for name in every_s}
    requested_at = {name: newest for name, newest in found.items() if newest is not None}
    busy = {run.source for run in active}
    new_runs = []
    for due in due_sources(every_s, requested_at, busy, datetime.now(UTC)):
        try:
            run, is_new = await registry.request_run(
                redis, due.source, idempotency_key=due.key, trigger="schedule"
            )
        except registry.SourceBusy:
            continue  # somebody else was quicker
        if is_new:
            _scheduled.labels(due.source).inc()
            get_logger().info("run due", run_id=run.run_id, source=run.source)
            new_runs.append(run)
    return new_runs
