"""Runs that only the supervisor can end, on a real Redis server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY

from services.ingest.supervisor.lost_runs import LOST, LostRuns
from shared.delivery import heartbeats
from shared.delivery.keys import ACTIVE_RUNS, REVIEWS_STREAM, heartbeat_key, run_key
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run, State
from tests.support.crawl.supervision import record_of, supervising
from tests.support.waiting import async_wait_until


async def _in_state(redis: Client, state: State, source: str = "demo") -> Run:
    run, _ = await registry.request_run(redis, source)
    if state != "queued":
        await registry.advance(redis, run, state)
    return await record_of(redis, run)


async def _follow(redis: Client, endings: LostRuns) -> None:
    await endings.follow(await registry.active_runs(redis))


def _metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("state", ["queued", "crawling", "embedding"])
async def test_a_run_that_redis_lost_is_ended(redis: Client, state: State) -> None:
    endings = LostRuns(redis)
    run = await _in_state(redis, state)
    await _follow(redis, endings)
    await redis.flushall()
    await _follow(redis, endings)
    record = await record_of(redis, run)
    assert (record.state, record.error) == ("incomplete", LOST)
    assert record.ended_at is not None
    last = await registry.last_ended_run(redis, "demo")
    assert last == record
    assert not last.is_baseline  # so the next crawl reads every page
    await _follow(redis, endings)
    assert await record_of(redis, run) == record
    assert (await registry.request_run(redis, "demo"))[1]


async def test_a_run_that_is_open_but_not_known_to_be_is_ended(redis: Client) -> None:
    endings = LostRuns(redis)
    run = await _in_state(redis, "embedding")
    await _follow(redis, endings)
    await redis.srem(ACTIVE_RUNS, run.run_id)
    await _follow(redis, endings)
    assert (await record_of(redis, run)).state == "incomplete"
    assert await redis.get("active:demo") is None


async def test_a_run_of_which_redis_lost_only_the_record_is_ended(redis: Client) -> None:
    endings = LostRuns(redis)
    run = await _in_state(redis, "crawling")
    await _follow(redis, endings)
    await redis.delete(run_key(run.run_id))
    await _follow(redis, endings)
    assert (await record_of(redis, run)).state == "incomplete"
    assert await registry.active_runs(redis) == []
    assert await redis.get("active:demo") is None


async def test_runs_are_counted_as_they_end(redis: Client) -> None:
    endings = LostRuns(redis)
    states: tuple[State, ...] = ("searchable", "incomplete", "failed", "cancelled")
    before = {s: _metric("movie_search_ingest_runs_total", source=s, state=s) for s in states}
    ended = [await _in_state(redis, "embedding", source=state) for state in states]
    await _follow(redis, endings)
    assert _metric("movie_search_ingest_open_runs", state="embedding") == 4
    for run, state in zip(ended, states, strict=True):
        await registry.advance(redis, run, state)
    for _ in range(2):
        await _follow(redis, endings)
    assert {
        s: _metric("movie_search_ingest_runs_total", source=s, state=s) - before[s] for s in states
    } == (dict.fromkeys(states, 1))
    assert _metric("movie_search_ingest_open_runs", state="embedding") == 0
    at = (await record_of(redis, ended[0])).ended_at
    assert at is not None
    name = "movie_search_ingest_last_searchable_timestamp_seconds"
    assert _metric(name, source="searchable") == at.timestamp()
    assert _metric(name, source="failed") == 0


async def test_the_last_success_is_known_after_a_restart(redis: Client) -> None:
    run = await _in_state(redis, "embedding", source="restarted")
    await registry.advance(redis, run, "searchable")
    await LostRuns(redis).restore_metrics(["restarted", "never"])
    at = (await record_of(redis, run)).ended_at
    assert at is not None
    name = "movie_search_ingest_last_searchable_timestamp_seconds"
    assert _metric(name, source="restarted") == at.timestamp()


async def test_a_run_that_waits_for_nothing_is_ended(redis: Client) -> None:
    await heartbeats.beat(redis, "embedder", ttl_s=60)
    run = await _in_state(redis, "embedding")
    async with supervising(redis, settle_limit_s=0.3):

        async def ended() -> bool:
            return registry.ended(await record_of(redis, run))

        await async_wait_until(ended)
    record = await record_of(redis, run)
    assert record.state == "incomplete"
    assert record.error is not None
    assert record.error.startswith("no progress for 0.3 s although the embedder")


async def _embedder_gone(redis: Client, run: Run) -> None:
    await redis.delete(heartbeat_key("embedder"))


async def _stream_not_empty(redis: Client, run: Run) -> None:
    await redis.xadd(REVIEWS_STREAM, {"any": "thing"})


async def _still_moving(redis: Client, run: Run) -> None:
    stored = (await record_of(redis, run)).stored
    await registry.set_fields(redis, run.run_id, stored=stored + 1)


@pytest.mark.parametrize("sign", [_embedder_gone, _stream_not_empty, _still_moving])
async def test_a_run_that_waits_for_something_is_left_alone(
    redis: Client, sign: Callable[[Client, Run], Awaitable[None]]
) -> None:
    endings = LostRuns(redis, settle_limit_s=0.0)
    await heartbeats.beat(redis, "embedder", ttl_s=60)
    run = await _in_state(redis, "embedding")
    limited = LostRuns(redis, settle_limit_s=1e-9)
    for _ in range(5):
        await sign(redis, run)
        await _follow(redis, limited)
    assert (await record_of(redis, run)).state == "embedding"
    # The same, without the sign: so it was the sign that kept it.
    await heartbeats.beat(redis, "embedder", ttl_s=60)
    await redis.delete(REVIEWS_STREAM)
    await _follow(redis, endings)
    assert (await record_of(redis, run)).state == "incomplete"


async def test_other_states_are_not_the_embedders(redis: Client) -> None:
    await heartbeats.beat(redis, "embedder", ttl_s=60)
    endings = LostRuns(redis, settle_limit_s=0.0)
    runs = [await _in_state(redis, state, source=state) for state in ("queued", "crawling")]
    for _ in range(3):
        await _follow(redis, endings)
    assert [(await record_of(redis, run)).state for run in runs] == ["queued", "crawling"]
