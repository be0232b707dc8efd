"""The record of a run on a real Redis server."""

from __future__ import annotations

import pytest

from shared.delivery.keys import COMMANDS_STREAM, RUNS, run_key
from shared.delivery.messages import parse
from shared.delivery.redis_client import Client
from shared.runs import registry


async def test_a_request_records_the_run_and_sends_its_command(redis: Client) -> None:
    run, new = await registry.request_run(redis, "demo")
    assert new
    assert await registry.get_run(redis, run.run_id) == run
    [(_, fields)] = await redis.xrange(COMMANDS_STREAM)
    assert parse(fields).run_id == run.run_id


async def test_one_run_at_a_time_per_source(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo")
    with pytest.raises(registry.SourceBusy) as busy:
        await registry.request_run(redis, "demo")
    assert busy.value.run_id == run.run_id
    other, _ = await registry.request_run(redis, "other")
    assert other.run_id != run.run_id

    assert await registry.advance(redis, run, "failed", error="no network")
    again, new = await registry.request_run(redis, "demo")
    assert new
    assert again.run_id != run.run_id
    assert await redis.xlen(COMMANDS_STREAM) == 3


async def test_a_repeated_key_gets_the_same_run(redis: Client) -> None:
    first, new = await registry.request_run(redis, "demo", idempotency_key="k")
    second, again = await registry.request_run(redis, "demo", idempotency_key="k")
    assert (new, again) == (True, False)
    assert first == second
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_states_only_move_forward(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo")
    assert await registry.advance(redis, run, "embedding")
    assert not await registry.advance(redis, run, "crawling")
    assert await registry.advance(redis, run, "searchable", snapshot_id="00000001-abc")
    assert not await registry.advance(redis, run, "failed", error="late")
    end = await registry.get_run(redis, run.run_id)
    assert end is not None
    assert (end.state, end.snapshot_id, end.error) == ("searchable", "00000001-abc", None)
    assert end.ended_at is not None
    assert await registry.active_runs(redis) == []


async def test_a_lease_has_one_holder_until_it_expires_or_is_given_back(redis: Client) -> None:
    assert await registry.take_lease(redis, "r", "a", lease_ms=60_000)
    assert not await registry.take_lease(redis, "r", "b", lease_ms=60_000)
    assert await registry.take_lease(redis, "r", "a", lease_ms=60_000)
    await registry.release_lease(redis, "r", "b")
    assert not await registry.take_lease(redis, "r", "b", lease_ms=60_000)
    await registry.release_lease(redis, "r", "a")
    assert await registry.take_lease(redis, "r", "b", lease_ms=60_000)


async def test_the_newest_thousand_runs_are_kept_and_all_that_have_not_ended(
    redis: Client,
) -> None:
    old, _ = await registry.request_run(redis, "slow")
    first_ended = ""
    for number in range(registry.RUNS_KEPT + 10):
        run, _ = await registry.request_run(redis, "quick")
        first_ended = first_ended or run.run_id
        await registry.advance(redis, run, "failed", error=f"number {number}")
    [newest] = await registry.list_runs(redis, limit=1)
    assert newest.error == f"number {registry.RUNS_KEPT + 9}"
    assert len(await registry.list_runs(redis, limit=10_000)) == registry.RUNS_KEPT
    # The first of the quick ones are gone; the slow one is older still, and has not ended.
    assert await registry.get_run(redis, first_ended) is None
    assert await redis.zcard(RUNS) == registry.RUNS_KEPT + 1
    assert [run.run_id for run in await registry.active_runs(redis)] == [old.run_id]
    assert await registry.advance(redis, old, "cancelled")
    await registry.request_run(redis, "quick")
    assert await registry.get_run(redis, old.run_id) is None
    assert await redis.zcard(RUNS) == registry.RUNS_KEPT


async def test_the_run_of_a_source_that_ended_last(redis: Client) -> None:
    assert await registry.last_ended_run(redis, "demo") is None
    first, _ = await registry.request_run(redis, "demo")
    assert await registry.last_ended_run(redis, "demo") is None
    await registry.advance(redis, first, "searchable", snapshot_id="00000001-abc")
    other, _ = await registry.request_run(redis, "other")
    await registry.advance(redis, other, "failed", error="no network")
    second, _ = await registry.request_run(redis, "demo")
    last = await registry.last_ended_run(redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (first.run_id, True)
    await registry.advance(redis, second, "cancelled")
    last = await registry.last_ended_run(redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (second.run_id, False)


async def test_when_a_source_was_requested_last(redis: Client) -> None:
    assert await registry.last_requested(redis, "demo") is None
    first, _ = await registry.request_run(redis, "demo", idempotency_key="k")
    assert await registry.last_requested(redis, "demo") == first.requested_at
    with pytest.raises(registry.SourceBusy):
        await registry.request_run(redis, "demo")
    await registry.advance(redis, first, "failed", error="no network")
    await registry.request_run(redis, "demo", idempotency_key="k")  # known: no new request
    assert await registry.last_requested(redis, "demo") == first.requested_at
    second, _ = await registry.request_run(redis, "demo")
    assert await registry.last_requested(redis, "demo") == second.requested_at > first.requested_at


async def test_a_source_is_not_held_up_by_a_run_without_a_record(redis: Client) -> None:
    lost, _ = await registry.request_run(redis, "demo")
    await redis.delete(run_key(lost.run_id))
    run, new = await registry.request_run(redis, "demo")
    assert new
    assert await redis.get("active:demo") == run.run_id


async def test_counts_never_make_a_run(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo")
    assert await registry.set_fields(redis, run.run_id, crawled=3)
    assert not await registry.set_fields(redis, run.run_id)
    await redis.flushall()
    assert not await registry.set_fields(redis, run.run_id, crawled=4)
    assert await registry.get_run(redis, run.run_id) is None


async def test_a_lost_run_is_recorded_as_ended(redis: Client) -> None:
    run, _ = await registry.request_run(redis, "demo", trigger="schedule", allow_removals=True)
    assert not await registry.restore_ended(redis, run, "incomplete", error="known")
    await redis.flushall()
    assert await registry.restore_ended(redis, run, "incomplete", error="lost")
    [restored] = await registry.list_runs(redis)
    assert restored == run.model_copy(
        update={"state": "incomplete", "error": "lost", "ended_at": restored.ended_at}
    )
    assert restored.ended_at is not None
    assert await registry.last_ended_run(redis, "demo") == restored
    assert await registry.active_runs(redis) == []
    await registry.request_run(redis, "demo")
