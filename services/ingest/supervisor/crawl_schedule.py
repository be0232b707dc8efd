"""The schedule of crawls: requests a run when a source's ``every`` has passed.

A source is due when its newest run, by whatever trigger and however it ended, was requested at
least ``every`` ago, or when it never had a run. A source whose run has not ended is skipped. Only
the time of the newest request is stored, so missed crawls do not accumulate: after a stop of any
length a source is due once. The idempotency key of the request contains that time, so that only
one of several concurrent supervisors gets a new run.
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

_scheduled = Counter(
    "movie_search_ingest_scheduled_runs_total", "Runs requested by the schedule", ["source"]
)


@dataclass(frozen=True, slots=True)
class Due:
    """A source to crawl now, and the idempotency key of the request."""

    source: str
    key: str


def due_sources(
    every_s: Mapping[str, int],
    requested_at: Mapping[str, datetime],
    busy: Collection[str],
    now: datetime,
) -> list[Due]:
    """The sources to crawl now.

    Args:
        every_s: Name to seconds between two crawls, for the sources that have a schedule.
        requested_at: Name to the time at which the newest run was requested; without the sources
            that never had a run.
        busy: Names of the sources with a run that has not ended.
        now: The current time.
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
    # A request more than ``every`` in the future means that the clock was set back; waiting for
    # the clock to catch up could take years.
    return newest is None or abs(now - newest) >= every


async def request_due(
    redis: Client, sources: Mapping[str, Source], active: Collection[Run]
) -> list[Run]:
    """Request the runs that are due.

    Args:
        redis: Connection for the runs' records.
        sources: The configured sources, by name.
        active: The runs that have not ended.

    Returns:
        The new runs.
    """
    every_s = {
        name: source.every_s for name, source in sources.items() if source.every_s is not None
    }
    if not every_s:
        return []
    newest_requests = {name: await registry.last_requested(redis, name) for name in every_s}
    requested_at = {name: newest for name, newest in newest_requests.items() if newest is not None}
    busy = {run.source for run in active}
    new_runs = []
    for due in due_sources(every_s, requested_at, busy, datetime.now(UTC)):
        try:
            run, is_new = await registry.request_run(
                redis, due.source, idempotency_key=due.key, trigger="schedule"
            )
        except registry.SourceBusy:
            continue  # another request was faster
        if is_new:
            _scheduled.labels(due.source).inc()
            get_logger().info("run scheduled", run_id=run.run_id, source=run.source)
            new_runs.append(run)
    return new_runs
