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


async def test_the_newest_thousand_runs_are_kept_and_all_that_have_not_ended(
    redis: Client,
) -> None:
    old, _ = await runs.request_run(redis, "slow")
    first_ended = ""
    for number in range(runs.RUNS_KEPT + 10):
        run, _ = await runs.request_run(redis, "quick")
        first_ended = first_ended or run.run_id
        await runs.advance(redis, run, "failed", error=f"number {number}")
    [newest] = await runs.list_runs(redis, limit=1)
    assert newest.error == f"number {runs.RUNS_KEPT + 9}"
    assert len(await runs.list_runs(redis, limit=10_000)) == runs.RUNS_KEPT
    # The first of the quick ones are gone; the slow one is older still, and has not ended.
    assert await runs.get_run(redis, first_ended) is None
    assert await redis.zcard(runs.RUNS) == runs.RUNS_KEPT + 1
    assert [run.run_id for run in await runs.active_runs(redis)] == [old.run_id]
    assert await runs.advance(redis, old, "cancelled")
    await runs.request_run(redis, "quick")
    assert await runs.get_run(redis, old.run_id) is None
    assert await redis.zcard(runs.RUNS) == runs.RUNS_KEPT


async def test_the_run_of_a_source_that_ended_last(redis: Client) -> None:
    assert await runs.last_ended_run(redis, "demo") is None
    first, _ = await runs.request_run(redis, "demo")
    assert await runs.last_ended_run(redis, "demo") is None
    await runs.advance(redis, first, "searchable", snapshot_id="00000001-abc")
    other, _ = await runs.request_run(redis, "other")
    await runs.advance(redis, other, "failed", error="no network")
    second, _ = await runs.request_run(redis, "demo")
    last = await runs.last_ended_run(redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (first.run_id, True)
    await runs.advance(redis, second, "cancelled")
    last = await runs.last_ended_run(redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (second.run_id, False)


async def test_when_a_source_was_requested_last(redis: Client) -> None:
    assert await runs.last_requested(redis, "demo") is None
    first, _ = await runs.request_run(redis, "demo", idempotency_key="k")
    assert await runs.last_requested(redis, "demo") == first.requested_at
    with pytest.raises(runs.SourceBusy):
        await runs.request_run(redis, "demo")
    await runs.advance(redis, first, "failed", error="no network")
    await runs.request_run(redis, "demo", idempotency_key="k")  # known: no new request
    assert await runs.last_requested(redis, "demo") == first.requested_at
    second, _ = await runs.request_run(redis, "demo")
    assert await runs.last_requested(redis, "demo") == second.requested_at > first.requested_at


async def test_a_source_is_not_held_up_by_a_run_without_a_record(redis: Client) -> None:
    lost, _ = await runs.request_run(redis, "demo")
    await redis.delete(runs.run_key(lost.run_id))
    run, new = await runs.request_run(redis, "demo")
    assert new
    assert await redis.get("active:demo") == run.run_id


async def test_counts_never_make_a_run(redis: Client) -> None:
    run, _ = await runs.request_run(redis, "demo")
    assert await runs.set_fields(redis, run.run_id, crawled=3)
    assert not await runs.set_fields(redis, run.run_id)
    await redis.flushall()
    assert not await runs.set_fields(redis, run.run_id, crawled=4)
    assert await runs.get_run(redis, run.run_id) is None


async def test_a_lost_run_is_recorded_as_ended(redis: Client) -> None:
    run, _ = await runs.request_run(redis, "demo", trigger="schedule", allow_removals=True)
    assert not await runs.restore_ended(redis, run, "incomplete", error="known")
    await redis.flushall()
    assert await runs.restore_ended(redis, run, "incomplete", error="lost")
    [restored] = await runs.list_runs(redis)
    assert restored == run.model_copy(
        update={"state": "incomplete", "error": "lost", "ended_at": restored.ended_at}
    )
    assert restored.ended_at is not None
    assert await runs.last_ended_run(redis, "demo") == restored
    assert await runs.active_runs(redis) == []
    await runs.request_run(redis, "demo")
