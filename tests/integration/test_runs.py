"""The record of a run on a real Redis server."""

from __future__ import annotations

import pytest

from shared import runs
from shared.messages import COMMANDS_STREAM, parse
from shared.redis import Client


async def test_a_request_records_the_run_and_sends_its_command(redis: Client) -> None:
    run, new = await runs.request_run(redis, "demo")
    assert new
    assert await runs.get_run(redis, run.run_id) == run
    [(_, fields)] = await redis.xrange(COMMANDS_STREAM)
    assert parse(fields).run_id == run.run_id


async def test_one_run_at_a_time_per_source(redis: Client) -> None:
    run, _ = await runs.request_run(redis, "demo")
    with pytest.raises(runs.SourceBusy) as busy:
        await runs.request_run(redis, "demo")
    assert busy.value.run_id == run.run_id
    other, _ = await runs.request_run(redis, "other")
    assert other.run_id != run.run_id

    assert await runs.advance(redis, run, "failed", error="no network")
    again, new = await runs.request_run(redis, "demo")
    assert new
    assert again.run_id != run.run_id
    assert await redis.xlen(COMMANDS_STREAM) == 3


async def test_a_repeated_key_gets_the_same_run(redis: Client) -> None:
    first, new = await runs.request_run(redis, "demo", idempotency_key="k")
    second, again = await runs.request_run(redis, "demo", idempotency_key="k")
    assert (new, again) == (True, False)
    assert first == second
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_states_only_move_forward(redis: Client) -> None:
    run, _ = await runs.request_run(redis, "demo")
    assert await runs.advance(redis, run, "embedding")
    assert not await runs.advance(redis, run, "crawling")
    assert await runs.advance(redis, run, "searchable", snapshot_id="00000001-abc")
    assert not await runs.advance(redis, run, "failed", error="late")
    end = await runs.get_run(redis, run.run_id)
    assert end is not None
    assert (end.state, end.snapshot_id, end.error) == ("searchable", "00000001-abc", None)
    assert end.ended_at is not None
    assert await runs.active_runs(redis) == []


async def test_a_lease_has_one_holder_until_it_expires_or_is_given_back(redis: Client) -> None:
    assert await runs.take_lease(redis, "r", "a", lease_ms=60_000)
    assert not await runs.take_lease(redis, "r", "b", lease_ms=60_000)
    assert await runs.take_lease(redis, "r", "a", lease_ms=60_000)
    await runs.release_lease(redis, "r", "b")
    assert not await runs.take_lease(redis, "r", "b", lease_ms=60_000)
    await runs.release_lease(redis, "r", "a")
    assert await runs.take_lease(redis, "r", "b", lease_ms=60_000)
