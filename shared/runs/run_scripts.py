"""The Lua scripts of ``registry``: each changes a run completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from shared.delivery.lua import Key, Script


class RequestRun(Script[list[str]]):
    """Record a run and send its command, unless the source is busy or the request is a repeat.

    One script, so that a request is wholly recorded or not at all before it is answered. An active
    run without a record, which a Redis that lost data can leave behind, does not make its source
    busy. Beyond ``runs_kept`` the oldest runs that have ended are deleted.

    Returns:
        ``["new", run_id]``; ``["known", run_id]`` for a repeat; ``["busy", run_id]``.
    """

    idempotency: Key
    """``""``: the request has no idempotency key."""
    active: Key
    record: Key
    runs: Key
    commands: Key
    active_runs: Key
    last_request: Key
    run_id: str
    now: float
    idempotency_ttl_s: int
    runs_kept: int
    record_prefix: str
    """What the key of every run's record begins with."""
    command: Mapping[str, str]
    fields: Mapping[str, str]

    lua = """
    if idempotency ~= '' then
      local known = redis.call('GET', idempotency)
      if known then return {'known', known} end
    end
    local busy = redis.call('GET', active)
    if busy and redis.call('EXISTS', record_prefix .. busy) == 1 then return {'busy', busy} end
    redis.call('SET', active, run_id)
    redis.call('HSET', record, unpack(fields))
    redis.call('ZADD', runs, now, run_id)
    redis.call('SADD', active_runs, run_id)
    redis.call('SET', last_request, now)
    redis.call('XADD', commands, '*', unpack(command))
    if idempotency ~= '' then redis.call('SET', idempotency, run_id, 'EX', idempotency_ttl_s) end
    for _, old in ipairs(redis.call('ZRANGE', runs, 0, -1 - tonumber(runs_kept))) do
      if redis.call('SISMEMBER', active_runs, old) == 0 then
        redis.call('DEL', record_prefix .. old)
        redis.call('ZREM', runs, old)
      end
    end
    return {'new', run_id}
    """


class AdvanceRun(Script[int]):
    """Move a run forward to a state, and set fields; 1, or 0 when it is already as far.

    A terminal state frees the source.
    """

    record: Key
    active: Key
    active_runs: Key
    last_run: Key
    run_id: str
    state: str
    terminal_rank: int
    ranks: Mapping[str, str]
    """How far each state is."""
    fields: Mapping[str, str]

    lua = """
    local old = redis.call('HGET', record, 'state')
    if not old then return 0 end
    local rank = {}
    for i = 1, #ranks, 2 do rank[ranks[i]] = tonumber(ranks[i + 1]) end
    if rank[state] <= (rank[old] or -1) then return 0 end
    redis.call('HSET', record, 'state', state, unpack(fields))
    if rank[state] == tonumber(terminal_rank) then
      redis.call('SREM', active_runs, run_id)
      if redis.call('GET', active) == run_id then redis.call('DEL', active) end
      redis.call('SET', last_run, run_id)
    end
    return 1
    """


class SetRunFields(Script[int]):
    """Set fields of a run's record; 1, or 0 when there is none, which is then not created."""

    record: Key
    fields: Mapping[str, str]

    lua = """
    if redis.call('EXISTS', record) == 0 then return 0 end
    redis.call('HSET', record, unpack(fields))
    return 1
    """


class RestoreEndedRun(Script[int]):
    """Record a lost run again, as one that has ended; 1, or 0 when Redis has its record."""

    record: Key
    active: Key
    active_runs: Key
    last_run: Key
    runs: Key
    run_id: str
    requested_at: float
    fields: Mapping[str, str]

    lua = """
    if redis.call('EXISTS', record) == 1 then return 0 end
    redis.call('HSET', record, unpack(fields))
    redis.call('SREM', active_runs, run_id)
    if redis.call('GET', active) == run_id then redis.call('DEL', active) end
    redis.call('SET', last_run, run_id)
    redis.call('ZADD', runs, requested_at, run_id)
    return 1
    """


class QuarantineRun(Script[int]):
    """Move an unreadable record out of the way; 1, or 0 when it is gone.

    Its source may be among what cannot be read; the source is free all the same, because an active
    run without a record does not make it busy.
    """

    record: Key
    active_runs: Key
    quarantine: Key
    run_id: str
    kept_s: int

    lua = """
    if redis.call('EXISTS', record) == 0 then return 0 end
    redis.call('RENAME', record, quarantine)
    redis.call('EXPIRE', quarantine, kept_s)
    redis.call('SREM', active_runs, run_id)
    return 1
    """


class TakeLease(Script[int]):
    """Take a free lease or renew one's own; 1, or 0 while another holder has it."""

    lease: Key
    holder: str
    lease_ms: int

    lua = """
    local current = redis.call('GET', lease)
    if current and current ~= holder then return 0 end
    redis.call('SET', lease, holder, 'PX', lease_ms)
    return 1
    """


class ReleaseLease(Script[int]):
    """Delete a lease that ``holder`` has; 1, or 0 when it has not."""

    lease: Key
    holder: str

    lua = """
    if redis.call('GET', lease) == holder then return redis.call('DEL', lease) end
    return 0
    """
