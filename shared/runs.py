"""The record of a run (one crawl of one source), as every service sees it in Redis.

Keys::

    run:<run_id>           hash: the fields of ``Run``
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
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.messages import COMMANDS_STREAM, IngestCommand, RunId, SourceName
from shared.redis import Client

State = Literal[
    "queued", "crawling", "embedding", "searchable", "incomplete", "failed", "cancelled"
]
TERMINAL: frozenset[State] = frozenset({"searchable", "incomplete", "failed", "cancelled"})
_RANK: dict[str, int] = {
    "queued": 0, "crawling": 1, "embedding": 2,
    "searchable": 3, "incomplete": 3, "failed": 3, "cancelled": 3,
}  # fmt: skip

IDEMPOTENCY_TTL_S = 24 * 3600
RUNS_KEPT = 1000  # in the history
_PAGE = 100  # of them read at once

RUNS = "runs"
ACTIVE_RUNS = "runs.active"
SOURCES = "sources"


class Site(BaseModel):
    """How a crawl behaved towards one host, and the host towards it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    robots: Annotated[
        Literal["obeyed", "absent", "unreachable", "not asked"],
        Field(description="What became of its robots.txt; `unreachable` forbids the host."),
    ] = "not asked"
    crawl_delay_s: Annotated[
        float | None, Field(description="The Crawl-delay that its robots.txt asks for.")
    ] = None
    delay_s: Annotated[float, Field(description="The longest pause kept between two requests.")] = (
        0.0
    )
    requests: int = 0
    not_modified: Annotated[int, Field(description="Answers 304: pages that cost nothing.")] = 0
    forbidden: Annotated[int, Field(description="Pages not asked for: robots.txt forbids.")] = 0
    refused: Annotated[
        int, Field(description="Requests not made, answers cut off, and addresses refused.")
    ] = 0
    retry_after: Annotated[int, Field(description="Times it asked to wait, and we did.")] = 0
    failed: Annotated[int, Field(description="Pages that could not be had.")] = 0
    received_bytes: int = 0


class Run(BaseModel):
    """One crawl of a source, from request to searchable. Counts are of reviews."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: RunId
    source: SourceName
    state: State = "queued"
    requested_at: datetime
    started_at: datetime | None = None
    crawled_at: Annotated[
        datetime | None, Field(description="When the crawl ended and all was on the stream.")
    ] = None
    ended_at: datetime | None = None
    movies: Annotated[int, Field(description="Movies the crawl has sent.")] = 0
    crawled: Annotated[int, Field(description="Reviews the crawl has sent.")] = 0
    stored: Annotated[int, Field(description="Of these, new or changed.")] = 0
    duplicate: Annotated[int, Field(description="Of these, known and unchanged.")] = 0
    dead_lettered: Annotated[int, Field(description="Of these, refused.")] = 0
    embedded: Annotated[int, Field(description="Of the stored ones, encoded.")] = 0
    snapshot_id: Annotated[
        str | None, Field(description="The snapshot in which the run became searchable.")
    ] = None
    error: Annotated[str | None, Field(description="Why the run did not succeed.")] = None
    attempts: Annotated[int, Field(description="Crawl processes started for the run.")] = 0
    trigger: Annotated[
        Literal["request", "schedule"], Field(description="Who asked for the run.")
    ] = "request"
    allow_removals: Annotated[
        bool, Field(description="Whether it may remove more than half of what its source had.")
    ] = False
    pages: Annotated[int, Field(description="Pages read, unchanged ones among them.")] = 0
    kept: Annotated[
        int, Field(description="Reviews on unchanged pages, which are not sent again.")
    ] = 0
    removed: Annotated[int, Field(description="Reviews removed: gone from their source.")] = 0
    freshness_median_s: Annotated[
        float | None, Field(description="From page fetched to searchable, of the stored reviews.")
    ] = None
    freshness_max_s: Annotated[
        float | None, Field(description="The longest such time of the run.")
    ] = None
    kept_page: Annotated[
        str | None,
        Field(description="File on the ingest host with the page that made the run fail."),
    ] = None
    sites: Annotated[
        dict[str, Site], Field(description="By host: robots.txt, delays, and what was asked.")
    ] = {}

    @field_validator("sites", mode="before")
    @classmethod
    def _from_hash(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @property
    def is_baseline(self) -> bool:
        """Whether all that the run saw is stored, so that the next may ask only for changes."""
        return self.state == "searchable" and self.dead_lettered == 0


class SourceBusy(Exception):
    """The source has a run that has not ended yet."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} of this source has not ended")
        self.run_id = run_id


# KEYS: idempotency (or ''), active, run, runs, commands, active runs, requested. ARGV: run_id, now,
# ttl, how many runs are kept, prefix of a run's key, command..., then '--', then the run's fields.
# One script, so that a request is either wholly recorded or not at all before it is answered. An
# active run without a record (a Redis that lost a part) holds nothing up.
_REQUEST = """
if KEYS[1] ~= '' then
  local known = redis.call('GET', KEYS[1])
  if known then return {'known', known} end
end
local active = redis.call('GET', KEYS[2])
if active and redis.call('EXISTS', ARGV[5] .. active) == 1 then return {'busy', active} end
local command, fields, target = {}, {}, nil
target = command
for i = 6, #ARGV do
  if ARGV[i] == '--' then target = fields else target[#target + 1] = ARGV[i] end
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], unpack(fields))
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
redis.call('SADD', KEYS[6], ARGV[1])
redis.call('SET', KEYS[7], ARGV[2])
redis.call('XADD', KEYS[5], '*', unpack(command))
if KEYS[1] ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3]) end
for _, old in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1 - tonumber(ARGV[4]))) do
  if redis.call('SISMEMBER', KEYS[6], old) == 0 then
    redis.call('DEL', ARGV[5] .. old)
    redis.call('ZREM', KEYS[4], old)
  end
end
return {'new', ARGV[1]}
"""

# KEYS: run, active, active runs, last. ARGV: run_id, new state, its rank, then 'state', 'rank'
# pairs up to '--', then fields. Returns 1 when the state moved.
_ADVANCE = """
local old = redis.call('HGET', KEYS[1], 'state')
if not old then return 0 end
local ranks, i = {}, 4
while ARGV[i] ~= '--' do ranks[ARGV[i]] = tonumber(ARGV[i + 1]); i = i + 2 end
local rank = tonumber(ARGV[3])
if rank <= ranks[old] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
for j = i + 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[j], ARGV[j + 1]) end
if rank == 3 then
  redis.call('SREM', KEYS[3], ARGV[1])
  if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
  redis.call('SET', KEYS[4], ARGV[1])
end
return 1
"""

# KEYS: run. ARGV: fields. One script, so that no part of a run appears where Redis has lost it.
_SET_FIELDS = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
"""

# KEYS: run, active, active runs, last, runs. ARGV: run_id, when it was requested, fields.
_RESTORE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('SET', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[5], ARGV[2], ARGV[1])
return 1
"""

# KEYS: lease. ARGV: holder, milliseconds. Takes a free lease or renews one's own.
_LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


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
        _REQUEST, 7,
        key, f"active:{source}", run_key(run.run_id), RUNS, COMMANDS_STREAM, ACTIVE_RUNS,
        f"requested:{source}",
        run.run_id, str(now.timestamp()), str(IDEMPOTENCY_TTL_S), str(RUNS_KEPT), run_key(""),
        *_flat(command), "--", *_flat(_strings(run.model_dump())),
    )  # fmt: skip
    if outcome == "busy":
        raise SourceBusy(run_id)
    if outcome == "known":
        known = await get_run(redis, run_id)
        return (known or run), False
    return run, True


async def get_run(redis: Client, run_id: str) -> Run | None:
    """The record of one run, or None."""
    fields = await redis.hgetall(run_key(run_id))
    return Run.model_validate(fields) if fields else None


async def last_ended_run(redis: Client, source: str) -> Run | None:
    """The run of a source that ended last; None when none has, or it is forgotten."""
    run_id = await redis.get(f"last:{source}")
    return await get_run(redis, run_id) if run_id else None


async def last_requested(redis: Client, source: str) -> datetime | None:
    """When the newest run of a source was requested; None when none was, as far as Redis knows."""
    stamp = await redis.get(f"requested:{source}")
    return datetime.fromtimestamp(float(stamp), UTC) if stamp else None


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
    return [Run.model_validate(fields) for fields in await pipeline.execute() if fields], (
        len(ids) < _PAGE
    )


async def active_runs(redis: Client) -> list[Run]:
    """Runs that have not ended, oldest first."""
    found = [await get_run(redis, run_id) for run_id in await redis.smembers(ACTIVE_RUNS)]
    return sorted((run for run in found if run is not None), key=lambda run: run.requested_at)


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
    ranks = [part for name, rank in _RANK.items() for part in (name, str(rank))]
    moved = await redis.eval(
        _ADVANCE, 4,
        run_key(run.run_id), f"active:{run.source}", ACTIVE_RUNS, f"last:{run.source}",
        run.run_id, state, str(_RANK[state]), *ranks, "--", *_flat(_strings(values)),
    )  # fmt: skip
    return bool(moved)


async def restore_ended(redis: Client, run: Run, state: State, *, error: str) -> bool:
    """Record a run that Redis has lost again, as ended; False when Redis knows it."""
    lost = run.model_copy(update={"state": state, "error": error, "ended_at": datetime.now(UTC)})
    restored = await redis.eval(
        _RESTORE, 5,
        run_key(run.run_id), f"active:{run.source}", ACTIVE_RUNS, f"last:{run.source}", RUNS,
        run.run_id, str(run.requested_at.timestamp()), *_flat(_strings(lost.model_dump())),
    )  # fmt: skip
    return bool(restored)


async def set_fields(redis: Client, run_id: str, **fields: object) -> bool:
    """Set counts or other fields of a run; False when there is no such run."""
    values = _flat(_strings(fields))
    return bool(values and await redis.eval(_SET_FIELDS, 1, run_key(run_id), *values))


async def take_lease(redis: Client, run_id: str, holder: str, *, lease_ms: int) -> bool:
    """Take or renew the lease on crawling a run; False while another holder's is alive."""
    return bool(await redis.eval(_LEASE, 1, f"lease:{run_id}", holder, str(lease_ms)))


async def release_lease(redis: Client, run_id: str, holder: str) -> None:
    """Give the lease back, if it is still ours."""
    await redis.eval(_RELEASE, 1, f"lease:{run_id}", holder)


def _strings(values: Mapping[str, object]) -> dict[str, str]:
    return {key: _string(value) for key, value in values.items() if value is not None}


def _string(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):  # of sites
        return json.dumps(
            {
                key: part.model_dump() if isinstance(part, Site) else part
                for key, part in value.items()
            }
        )
    return str(value)


def _flat(values: Mapping[str, str]) -> list[str]:
    return [part for pair in values.items() for part in pair]
