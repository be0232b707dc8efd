"""The records of runs (a run is one crawl of one source) that all services share in Redis.

Keys (``shared.delivery.keys``)::

    run:<run_id>           hash: the fields of ``shared.runs.run_record.Run``
    unreadable:<run_id>    an unreadable record, quarantined for a month
    runs                   sorted set: run ids by the time they were requested
    runs.active            set: ids of the runs that have not ended
    active:<source>        the source's one run that has not ended
    last:<source>          the source's run that ended last
    requested:<source>     when the source's newest run was requested, as a Unix time
    idempotency:<source>:<key>   the run that a repeated request gets, for a day
    lease:<run_id>         who is crawling it; expires when its holder dies
    sources                set: names of the sources that ingest has configured

The query service requests runs, ingest crawls them, the embedder completes them. States only move
forward, ``queued`` to ``crawling`` to ``embedding`` to one of the terminal ones, whichever service
writes last: a Lua script compares before it sets.

An unreadable record blocks nothing: for all readers it is absent, and ``active_runs`` quarantines
it; then the run is one that Redis has lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from redis.exceptions import ResponseError

from shared.delivery import keys
from shared.delivery.messages import IngestCommand
from shared.delivery.redis_client import Client
from shared.runs import run_scripts
from shared.runs.run_record import (
    RANK,
    TERMINAL,
    TERMINAL_RANK,
    Run,
    Site,
    State,
    read_record,
    to_hash,
)
from shared.telemetry import get_logger

__all__ = [
    "IDEMPOTENCY_TTL_S", "RUNS_KEPT", "TERMINAL", "Run", "Site",
    "SourceBusy", "State", "active_runs", "advance", "ended", "get_run", "known_sources",
    "last_ended_run", "last_requested", "list_runs", "new_run_id", "newest_runs",
    "publish_sources", "release_lease", "request_run", "restore_ended", "set_fields",
    "take_lease",
]  # fmt: skip

IDEMPOTENCY_TTL_S = 24 * 3600
RUNS_KEPT = 1000
"""Runs in the history."""
UNREADABLE_KEPT_S = 30 * 86400
_PAGE = 100  # runs that are read at once


class SourceBusy(Exception):
    """Raised by ``request_run`` when the source has a run that has not ended."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} of this source has not ended")
        self.run_id = run_id


def new_run_id() -> str:
    """A run id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


async def request_run(
    redis: Client,
    source: str,
    *,
    idempotency_key: str | None = None,
    trigger: Literal["request", "schedule"] = "request",
    allow_removals: bool = False,
) -> tuple[Run, bool]:
    """Record a run and send its command, both or neither; deletes the oldest of too many records.

    Args:
        redis: Client of the server that holds the run records.
        source: The source to crawl.
        idempotency_key: A repeated request with the same key gets the same run, for a day.
        trigger: Who requests the run.
        allow_removals: Whether the run may remove more than half of its source's reviews.

    Returns:
        The run, and whether it is new; False when the request is a repeated one.

    Raises:
        SourceBusy: the source has a run that has not ended.
    """
    now = datetime.now(UTC)
    run = Run(
        run_id=new_run_id(),
        source=source,
        requested_at=now,
        trigger=trigger,
        allow_removals=allow_removals,
    )
    command = IngestCommand(run_id=run.run_id, source=source).to_fields()
    repeat = keys.idempotency_key(source, idempotency_key) if idempotency_key is not None else ""
    outcome, run_id = await run_scripts.RequestRun(
        idempotency=repeat,
        active=keys.active_run_key(source),
        record=keys.run_key(run.run_id),
        runs=keys.RUNS,
        commands=keys.COMMANDS_STREAM,
        active_runs=keys.ACTIVE_RUNS,
        last_request=keys.last_request_key(source),
        run_id=run.run_id,
        now=now.timestamp(),
        idempotency_ttl_s=IDEMPOTENCY_TTL_S,
        runs_kept=RUNS_KEPT,
        record_prefix=keys.run_key(""),
        command=command,
        fields=to_hash(run.model_dump(exclude={"counts"})),
    ).run(redis)
    if outcome == "busy":
        raise SourceBusy(run_id)
    if outcome == "known":
        known = await get_run(redis, run_id)
        return (known or run), False
    return run, True


async def get_run(redis: Client, run_id: str) -> Run | None:
    """The record of a run; None when there is none, or it is unreadable."""
    run, _ = await _read(redis, run_id)
    return run


async def _read(redis: Client, run_id: str) -> tuple[Run | None, bool]:
    """The record of a run, and whether there is one, readable or not."""
    try:
        fields = await redis.hgetall(keys.run_key(run_id))
    except ResponseError as error:
        _ignore_wrong_type(error)
        return None, True
    run = read_record(fields) if fields else None
    return (run if run is not None and run.run_id == run_id else None), bool(fields)


def _ignore_wrong_type(error: Exception) -> None:
    """Ignore that the key of a record holds another type; raise any other error."""
    if not str(error).startswith("WRONGTYPE"):
        raise error


async def last_ended_run(redis: Client, source: str) -> Run | None:
    """The source's run that ended last; None when none has, or its record was deleted."""
    run_id = await redis.get(keys.last_run_key(source))
    return await get_run(redis, run_id) if run_id else None


async def last_requested(redis: Client, source: str) -> datetime | None:
    """When the newest run of a source was requested; None when Redis knows of none."""
    stamp = await redis.get(keys.last_request_key(source))
    try:
        return datetime.fromtimestamp(float(stamp), UTC) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None


async def list_runs(redis: Client, *, limit: int = 50, source: str | None = None) -> list[Run]:
    """The newest runs, newest first; only those of ``source`` if it is given."""
    runs: list[Run] = []
    for start in range(0, RUNS_KEPT, _PAGE):
        page, is_last = await _history(redis, start)
        runs += [run for run in page if source is None or run.source == source]
        if is_last or len(runs) >= limit:
            break
    return runs[:limit]


async def newest_runs(redis: Client, sources: Iterable[str]) -> dict[str, Run]:
    """The newest run of each of these sources, by source; without those that have none."""
    names, newest = set(sources), dict[str, Run]()
    for start in range(0, RUNS_KEPT, _PAGE):
        page, is_last = await _history(redis, start)
        for run in page:
            if run.source in names:
                newest.setdefault(run.source, run)
        if is_last or len(newest) == len(names):
            break
    return newest


async def _history(redis: Client, start: int) -> tuple[list[Run], bool]:
    """A page of runs, newest first, and whether it is the last page."""
    ids = await redis.zrevrange(keys.RUNS, start, start + _PAGE - 1)
    pipeline = redis.pipeline(transaction=False)
    for run_id in ids:
        pipeline.hgetall(keys.run_key(run_id))
    runs = []
    for fields in await pipeline.execute(raise_on_error=False):
        if isinstance(fields, Exception):
            _ignore_wrong_type(fields)
        elif fields and (run := read_record(fields)) is not None:
            runs.append(run)
    return runs, len(ids) < _PAGE


async def active_runs(redis: Client) -> list[Run]:
    """The runs that have not ended, oldest first; unreadable records are quarantined."""
    runs = []
    for run_id in await redis.smembers(keys.ACTIVE_RUNS):
        run, is_there = await _read(redis, run_id)
        if run is not None:
            runs.append(run)
        elif is_there:
            get_logger().error("unreadable run record quarantined", run_id=run_id)
            await run_scripts.QuarantineRun(
                record=keys.run_key(run_id),
                active_runs=keys.ACTIVE_RUNS,
                quarantine=keys.unreadable_run_key(run_id),
                run_id=run_id,
                kept_s=UNREADABLE_KEPT_S,
            ).run(redis)
    return sorted(runs, key=lambda run: run.requested_at)


async def publish_sources(redis: Client, names: Iterable[str]) -> None:
    """Publish the names of the sources that can be crawled, for the other services."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(keys.SOURCES)
    pipeline.sadd(keys.SOURCES, *names)
    await pipeline.execute()


async def known_sources(redis: Client) -> set[str]:
    """The names of the sources that can be crawled; empty when ingest has never started."""
    return set(await redis.smembers(keys.SOURCES))


async def publish_stored_sources(redis: Client, names: Iterable[str]) -> None:
    """Publish the names of the sources of which something is stored."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(keys.STORED_SOURCES)
    if found := list(names):
        pipeline.sadd(keys.STORED_SOURCES, *found)
    await pipeline.execute()


async def orphaned_sources(redis: Client) -> set[str]:
    """The names of the sources of which something is stored, and that are no longer configured."""
    configured = await known_sources(redis)
    return set(await redis.smembers(keys.STORED_SOURCES)) - configured if configured else set()


def ended(run: Run) -> bool:
    """Whether a run has reached a terminal state."""
    return run.state in TERMINAL


async def advance(redis: Client, run: Run, state: State, **fields: object) -> bool:
    """Move a run forward to ``state`` and set ``fields``; False when it is as far already.

    A terminal state frees the source for its next run.
    """
    now = datetime.now(UTC)
    stamp = {"crawling": "started_at", "embedding": "crawled_at"}.get(state)
    if state in TERMINAL:
        stamp = "ended_at"
    values = {**fields, **({stamp: now} if stamp else {})}
    moved = await run_scripts.AdvanceRun(
        record=keys.run_key(run.run_id),
        active=keys.active_run_key(run.source),
        active_runs=keys.ACTIVE_RUNS,
        last_run=keys.last_run_key(run.source),
        run_id=run.run_id,
        state=state,
        terminal_rank=TERMINAL_RANK,
        ranks={name: str(rank) for name, rank in RANK.items()},
        fields=to_hash(values),
    ).run(redis)
    return bool(moved)


async def restore_ended(redis: Client, run: Run, state: State, *, error: str) -> bool:
    """Record a run that Redis has lost again, as ended; False when Redis has its record."""
    lost = run.model_copy(update={"state": state, "error": error, "ended_at": datetime.now(UTC)})
    restored = await run_scripts.RestoreEndedRun(
        record=keys.run_key(run.run_id),
        active=keys.active_run_key(run.source),
        active_runs=keys.ACTIVE_RUNS,
        last_run=keys.last_run_key(run.source),
        runs=keys.RUNS,
        run_id=run.run_id,
        requested_at=run.requested_at.timestamp(),
        fields=to_hash(lost.model_dump()),
    ).run(redis)
    return bool(restored)


async def set_fields(redis: Client, run_id: str, **fields: object) -> bool:
    """Set fields of a run's record; False when there is no record, or nothing to set."""
    values = to_hash(fields)
    if not values:
        return False
    script = run_scripts.SetRunFields(record=keys.run_key(run_id), fields=values)
    return bool(await script.run(redis))


async def take_lease(redis: Client, run_id: str, holder: str, *, lease_ms: int) -> bool:
    """Take or renew the lease on crawling a run; False while another holder's is alive."""
    lease = keys.run_lease_key(run_id)
    script = run_scripts.TakeLease(lease=lease, holder=holder, lease_ms=lease_ms)
    return bool(await script.run(redis))


async def release_lease(redis: Client, run_id: str, holder: str) -> None:
    """Release the lease, if ``holder`` still has it."""
    await run_scripts.ReleaseLease(lease=keys.run_lease_key(run_id), holder=holder).run(redis)
