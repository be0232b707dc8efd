"""``every`` on a real Redis server: runs that are requested by themselves."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.ingest.sources.sources import DatasetSource, Source
from services.ingest.supervisor.crawl_schedule import request_due
from shared.delivery.keys import COMMANDS_STREAM, REVIEWS_STREAM
from shared.delivery.messages import RunEnd, parse
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from tests.support.crawl.supervision import supervising
from tests.support.waiting import async_wait_until

ROWS = Path("/no/such/rows.jsonl")


def _source(name: str, every_s: int | None = 1, rows: Path = ROWS) -> Source:
    return DatasetSource.model_validate(
        {"name": name, "spider": "dataset", "movies": rows, "reviews": rows}
        | ({"every": f"{every_s}s"} if every_s else {})
    )


async def _requested(redis: Client, source: str, seconds_ago: float) -> None:
    """Move the last request of a source into the past, as a long stop would."""
    await redis.set(f"requested:{source}", str(time.time() - seconds_ago))


async def _due(redis: Client, *sources: Source) -> list[Run]:
    active = await registry.active_runs(redis)
    return await request_due(redis, {source.name: source for source in sources}, active)


async def test_a_source_is_due_once_and_again_after_its_time(redis: Client) -> None:
    source = _source("films", 3600)
    [first] = await _due(redis, source)
    assert (first.source, first.trigger, first.state) == ("films", "schedule", "queued")
    assert await _due(redis, source) == []  # it has not ended
    assert await registry.advance(redis, first, "failed", error="no network")
    assert await _due(redis, source) == []  # it has, and it is not time yet
    await _requested(redis, "films", 3601)
    [second] = await _due(redis, source)
    assert second.run_id != first.run_id
    commands = [parse(fields) for _, fields in await redis.xrange(COMMANDS_STREAM)]
    assert [command.run_id for command in commands] == [first.run_id, second.run_id]


async def test_after_a_long_stop_a_source_is_due_once(redis: Client) -> None:
    source = _source("films", 60)
    await _requested(redis, "films", 30 * 86_400)
    [run] = await _due(redis, source)
    await registry.advance(redis, run, "failed", error="no network")
    assert await _due(redis, source) == []


async def test_a_request_by_hand_counts(redis: Client) -> None:
    source = _source("films", 60)
    await _requested(redis, "films", 61)
    by_hand, _ = await registry.request_run(redis, "films")
    await registry.advance(redis, by_hand, "cancelled")
    assert await _due(redis, source) == []
    assert (await registry.list_runs(redis))[0] == await registry.get_run(redis, by_hand.run_id)


async def test_sources_without_a_schedule_are_left_alone(redis: Client) -> None:
    assert await _due(redis, _source("films", None)) == []
    assert await registry.list_runs(redis) == []


async def test_of_many_that_look_at_once_one_is_given_a_run(redis: Client) -> None:
    source = _source("films", 60)
    before = (
        REGISTRY.get_sample_value("movie_search_ingest_scheduled_runs_total", {"source": "films"})
        or 0
    )
    requested = await asyncio.gather(*(_due(redis, source) for _ in range(20)))
    [run] = [run for one in requested for run in one]
    after = REGISTRY.get_sample_value(
        "movie_search_ingest_scheduled_runs_total", {"source": "films"}
    )
    assert after == before + 1
    assert [known.run_id for known in await registry.list_runs(redis)] == [run.run_id]


async def test_a_run_that_ended_between_two_looks_is_not_asked_for_twice(redis: Client) -> None:
    """Both supervisors saw the source idle and due; the first one's run has ended by now."""
    source = _source("films", 60)
    await _requested(redis, "films", 100)
    seen = await redis.get("requested:films")
    [run] = await _due(redis, source)
    await registry.advance(redis, run, "failed", error="no network")
    await redis.set("requested:films", seen)  # what the slower one still believes
    assert await _due(redis, source) == []


async def test_the_supervisor_crawls_by_the_clock(
    redis: Client, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"movie_id": "tt0000001", "review_id": "one", "text": "Fine."}
    rows.write_text(json.dumps(row))
    (tmp_path / "sources.toml").write_text(
        '[sources.films]\nspider = "dataset"\nmovies = "rows.jsonl"\nreviews = "rows.jsonl"\n'
    )
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", redis_url)
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MOVIE_SEARCH_SOURCES", str(tmp_path / "sources.toml"))
    most_at_once = 0

    async def three_ended() -> bool:
        nonlocal most_at_once
        known = await registry.list_runs(redis)
        most_at_once = max(most_at_once, sum(not registry.ended(run) for run in known))
        for run in known:
            if run.state == "embedding":  # no embedder settles it here
                await registry.advance(redis, run, "searchable")
        return sum(run.state == "searchable" for run in known) >= 3

    sources = {"films": _source("films", every_s := 2, rows)}
    began = datetime.now(UTC)
    async with supervising(redis, sources=sources):
        await async_wait_until(three_ended, timeout_s=120)
    known = [run for run in await registry.list_runs(redis) if run.state == "searchable"]
    assert {run.trigger for run in known} == {"schedule"}
    assert most_at_once == 1
    times = sorted([began, *(run.requested_at for run in known)])
    gaps = [(late - early).total_seconds() for early, late in pairwise(times)]
    assert all(gap >= every_s for gap in gaps[1:])
    assert gaps[0] < every_s  # the first at once
    ends = [parse(fields) for _, fields in await redis.xrange(REVIEWS_STREAM)]
    assert sum(isinstance(message, RunEnd) for message in ends) >= 3
