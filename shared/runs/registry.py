"""The record of a run (one crawl of one source), as every service sees it in Redis.

Keys::

    run:<run_id>           hash: the fields of ``shared.runs.run_record.Run``
    unreadable:<run_id>    a record that could not be read, set aside for a month
    runs                   sorted set: run ids by the time they were requested
    runs.active            set: ids of the runs that have not ended
    active:<source>        the source's one run that has not ended
    last:<source>          the source's run that ended last
    requested:<source>     when the source's newest run was requested, as a Unix time
    idempotency:<key>      the run that a repeated request gets, for a day
    lease:<run_id>         who is crawling it; expires when its holder dies
    sources                set: names of the sources that ingest has configured

The query service requests runs, ingest crawls them, the embedder settles them. States only move
forward, ``queued`` to ``crawling`` to ``embedding`` to one of the terminal ones, whoever writes
last: a Lua script compares before it sets.

A record that cannot be read holds up nobody: to whoever asks it is absent, and ``active_runs`` sets
it aside, after which it is like one that Redis has lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

from redis.exceptions import ResponseError

from shared.delivery.messages import COMMANDS_STREAM, IngestCommand
from shared.delivery.redis_client import Client
from shared.runs import run_scripts
from shared.runs.run_record import RANK, TERMINAL, Run, Site, State, read_record, to_hash
from shared.telemetry import get_logger

__all__ = [
    "ACTIVE_RUNS", "IDEMPOTENCY_TTL_S", "RUNS", "RUNS_KEPT", "SOURCES", "TERMINAL", "Run", "Site",
    "SourceBusy", "State", "active_runs", "advance", "ended", "get_run", "known_sources",
    "last_ended_run", "last_requested", "list_runs", "new_run_id", "newest_runs",
    "publish_sources", "release_lease", "request_run", "restore_ended", "run_key", "set_fields",
    "take_lease",
]  # fmt: skip

IDEMPOTENCY_TTL_S = 24 * 3600
RUNS_KEPT = 1000  # in the history
UNREADABLE_KEPT_S = 30 * 86400
_PAGE = 100  # of them read at once

RUNS = "runs"
ACTIVE_RUNS = "runs.active"
SOURCES = "sources"


class SourceBusy(Exception):
    """The source has a run that has not ended yet."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} of this source has not ended")
        self.run_id = run_id


def run_key(run_id: str) -> str:
    """Key of a run's hash."""
    return f"run:{run_id}"


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
    """Record a run and send its command, all or nothing. The oldest of many runs are forgotten.

    Returns:
        The run, and whether it is new (False: this idempotency key asked for it before).

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
    key = f"idempotency:{source}:{idempotency_key}" if idempotency_key is not None else ""
    outcome, run_id = await redis.eval(
        run_scripts.REQUEST, 7,
        key, f"active:{source}", run_key(run.run_id), RUNS, COMMANDS_STREAM, ACTIVE_RUNS,
        f"requested:{source}",
        run.run_id, str(now.timestamp()), str(IDEMPOTENCY_TTL_S), str(RUNS_KEPT), run_key(""),
        *_flat(command), "--", *_flat(to_hash(run.model_dump())),
    )  # fmt: skip
    if outcome == "busy":
        raise SourceBusy(run_id)
    if outcome == "known":
        known = await get_run(redis, run_id)
        return (known or run), False
    return run, True


async def get_run(redis: Client, run_id: str) -> Run | None:
    """The record of one run; None when there is none that can be read."""
    run, _ = await _read(redis, run_id)
    return run


async def _read(redis: Client, run_id: str) -> tuple[Run | None, bool]:
    """The record of a run, and whether there is one at all."""
    try:
        fields = await redis.hgetall(run_key(run_id))
    except ResponseError as error:
        _is_no_hash(error)
        return None, True
    run = read_record(fields) if fields else None
    return (run if run is not None and run.run_id == run_id else None), bool(fields)


def _is_no_hash(error: Exception) -> None:
    """Something else stands where a record should; raises the error if it is another."""
    if not str(error).startswith("WRONGTYPE"):
        raise error


async def last_ended_run(redis: Client, source: str) -> Run | None:
    """The run of a source that ended last; None when none has, or it is forgotten."""
    run_id = await redis.get(f"last:{source}")
    return await get_run(redis, run_id) if run_id else None


async def last_requested(redis: Client, source: str) -> datetime | None:
    """When the newest run of a source was requested; None when none was, as far as Redis knows."""
    stamp = await redis.get(f"requested:{source}")
    try:
        return datetime.fromtimestamp(float(stamp), UTC) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None


async def list_runs(redis: Client, *, limit: int = 50, source: str | None = None) -> list[Run]:
    """The newest runs, newest first; of one source only, if given."""
    found: list[Run] = []
    for start in range(0, RUNS_KEPT, _PAGE):
        page, ended_here = await _history(redis, start)
        found += [run for run in page if source is None or run.source == source]
        if ended_here or len(found) >= limit:
            break
    return found[:limit]


async def newest_runs(redis: Client, sources: Iterable[str]) -> dict[str, Run]:
    """The newest run of each of these sources that has one."""
    wanted, found = set(sources), dict[str, Run]()
    for start in range(0, RUNS_KEPT, _PAGE):
        page, ended_here = await _history(redis, start)
        for run in page:
            if run.source in wanted:
                found.setdefault(run.source, run)
        if ended_here or len(found) == len(wanted):
            break
    return found


async def _history(redis: Client, start: int) -> tuple[list[Run], bool]:
    """A page of runs, the newest first, and whether it is the last."""
    ids = await redis.zrevrange(RUNS, start, start + _PAGE - 1)
    pipeline = redis.pipeline(transaction=False)
    for run_id in ids:
        pipeline.hgetall(run_key(run_id))
    found = []
    for fields in await pipeline.execute(raise_on_error=False):
        if isinstance(fields, Exception):
            _is_no_hash(fields)
        elif fields and (run := read_record(fields)) is not None:
            found.append(run)
    return found, len(ids) < _PAGE


async def active_runs(redis: Client) -> list[Run]:
    """Runs that have not ended, oldest first; records that cannot be read are set aside."""
    found = []
    for run_id in await redis.smembers(ACTIVE_RUNS):
        run, is_there = await _read(redis, run_id)
        if run is not None:
            found.append(run)
        elif is_there:
            get_logger().error("record of a run cannot be read, set aside", run_id=run_id)
            await redis.eval(
                run_scripts.SET_ASIDE, 3, run_key(run_id), ACTIVE_RUNS, f"unreadable:{run_id}",
                run_id, str(UNREADABLE_KEPT_S),
            )  # fmt: skip
    return sorted(found, key=lambda run: run.requested_at)


async def publish_sources(redis: Client, names: Iterable[str]) -> None:
    """Tell the other services which sources can be crawled."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.delete(SOURCES)
    pipeline.sadd(SOURCES, *names)
    await pipeline.execute()


async def known_sources(redis: Client) -> set[str]:
    """Names of the sources that can be crawled; empty when ingest has never started."""
    return set(await redis.smembers(SOURCES))


def ended(run: Run) -> bool:
    """Whether a run has reached a terminal state."""
    return run.state in TERMINAL


async def advance(redis: Client, run: Run, state: State, **fields: object) -> bool:
    """Move a run forward to ``state`` and set ``fields``; False when it is already as far.

    A terminal state frees the source for its next run.
    """
    now = datetime.now(UTC)
    stamp = {"crawling": "started_at", "embedding": "crawled_at"}.get(state)
    if state in TERMINAL:
        stamp = "ended_at"
    values = {**fields, **({stamp: now} if stamp else {})}
    ranks = [part for name, rank in RANK.items() for part in (name, str(rank))]
    moved = await redis.eval(
        run_scripts.ADVANCE, 4,
        run_key(run.run_id), f"active:{run.source}", ACTIVE_RUNS, f"last:{run.source}",
        run.run_id, state, str(RANK[state]), *ranks, "--", *_flat(to_hash(values)),
    )  # fmt: skip
    return bool(moved)


async def restore_ended(redis: Client, run: Run, state: State, *, error: str) -> bool:
    """Record a run that Redis has lost again, as ended; False when Redis knows it."""
    lost = run.model_copy(update={"state": state, "error": error, "ended_at": datetime.now(UTC)})
    restored = await redis.eval(
        run_scripts.RESTORE, 5,
        run_key(run.run_id), f"active:{run.source}", ACTIVE_RUNS, f"last:{run.source}", RUNS,
        run.run_id, str(run.requested_at.timestamp()), *_flat(to_hash(lost.model_dump())),
    )  # fmt: skip
    return bool(restored)


async def set_fields(redis: Client, run_id: str, **fields: object) -> bool:
    """Set counts or other fields of a run; False when there is no such run."""
    values = _flat(to_hash(fields))
    return bool(values and await redis.eval(run_scripts.SET_FIELDS, 1, run_key(run_id), *values))


async def take_lease(redis: Client, run_id: str, holder: str, *, lease_ms: int) -> bool:
    """Take or renew the lease on crawling a run; False while another holder's is alive."""
    return bool(await redis.eval(run_scripts.LEASE, 1, f"lease:{run_id}", holder, str(lease_ms)))


async def release_lease(redis: Client, run_id: str, holder: str) -> None:
    """Give the lease back, if it is still ours."""
    await redis.eval(run_scripts.RELEASE, 1, f"lease:{run_id}", holder)


def _flat(values: Mapping[str, str]) -> list[str]:
    return [part for pair in values.items() for part in pair]
