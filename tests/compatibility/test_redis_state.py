"""What c8131ff left in Redis: pending entries, runs, leases, dead letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedder.settings import EmbedderSettings
from shared.delivery import dead_letters
from shared.delivery.keys import COMMANDS_STREAM, EMBEDDER_GROUP, INGEST_GROUP, REVIEWS_STREAM
from shared.delivery.messages import (
    IngestCommand,
    parse,
)
from shared.delivery.redis_client import Client
from shared.runs import registry
from tests.compatibility.comparing import (
    BEARER,
    Recorded,
    ask,
    assert_resembles,
    rows_of,
)
from tests.support.crawl.supervision import supervising
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import embedder
from tests.support.query.query_service import RunningQuery
from tests.support.waiting import async_wait_until


async def test_what_is_pending_is_as_it_was(old_redis: Client) -> None:
    """Of the loader: what the tests above go on from is what the dump says."""
    rows = await old_redis.xpending_range(REVIEWS_STREAM, EMBEDDER_GROUP, "-", "+", 100)
    assert [(row["consumer"], row["times_delivered"]) for row in rows] == [
        ("embedder-1", 1), ("embedder-1", 1), ("embedder-1", 3), ("embedder-2", 1),
        ("embedder-2", 6),
    ]  # fmt: skip
    assert min(row["time_since_delivered"] for row in rows) >= 3600_000
    [group] = await old_redis.xinfo_groups(REVIEWS_STREAM)
    unread = await old_redis.xlen(REVIEWS_STREAM) - len(rows)
    assert (group["pending"], unread) == (5, 4)


async def test_the_records_of_the_runs_are_read(
    old_redis: Client, query: RunningQuery, recorded: Recorded
) -> None:
    found = await registry.list_runs(old_redis, limit=200)
    assert_resembles([run.model_dump(mode="json") for run in found], recorded["runs"])
    answered = await ask(query, "/admin/ingest?limit=200")
    assert_resembles(answered["runs"], recorded["runs"])
    states = {run["state"] for run in answered["runs"]}
    assert states == {
        "queued", "crawling", "embedding", "searchable", "incomplete", "failed", "cancelled",
    }  # fmt: skip
    named = recorded["named"]
    assert [run.run_id for run in await registry.active_runs(old_redis)] == [
        named["half crawled"],
        named["half stored"],
        named["queued"],
    ]
    last = await registry.last_ended_run(old_redis, "demo")
    assert last is not None
    assert (last.run_id, last.is_baseline) == (named["second crawl"], True)
    assert await registry.last_requested(old_redis, "later") is not None
    sources = (await ask(query, "/admin/sources"))["sources"]
    assert {one["source"]: (one["last_run"] or {}).get("run_id") for one in sources}["club"] == (
        named["half stored"]
    )


async def test_a_request_that_was_answered_before_is_not_recorded_again(
    query: RunningQuery, old_redis: Client, recorded: Recorded
) -> None:
    headers = {**BEARER, "Idempotency-Key": "8e03978e-40d5"}
    again = await query.client.post("/admin/ingest", json={"source": "later"}, headers=headers)
    assert (again.status_code, again.json()["run_id"]) == (202, recorded["named"]["queued"])
    busy = await query.client.post("/admin/ingest", json={"source": "archive"}, headers=BEARER)
    assert (busy.status_code, busy.json()["run_id"]) == (409, recorded["named"]["half crawled"])
    assert await old_redis.xlen(COMMANDS_STREAM) == 1


async def test_a_queued_run_is_crawled_and_a_leased_one_is_left_alone(
    old_redis: Client,
    redis_url: str,
    tmp_path: Path,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [[_, [[_, fields]]]] = await old_redis.xreadgroup(
        INGEST_GROUP, "old-host", {COMMANDS_STREAM: ">"}
    )
    queued = recorded["named"]["queued"]
    assert parse(fields) == IngestCommand(run_id=queued, source="later")
    (tmp_path / "movies.jsonl").write_text('{"movie_id": "later:1", "title": "Later"}\n')
    (tmp_path / "reviews.jsonl").write_text('{"movie_id": "later:1", "text": "Late, but good."}\n')
    (tmp_path / "sources.toml").write_text(
        "".join(
            f'[sources.{name}]\nspider = "dataset"\nmovies = "movies.jsonl"\n'
            'reviews = "reviews.jsonl"\n'
            for name in ("later", "archive", "club")
        )
    )
    for name, value in {
        "SOURCES": tmp_path / "sources.toml",
        "DATA_DIR": tmp_path / "ingest-host",
        "REDIS_URL": redis_url,
    }.items():
        monkeypatch.setenv(f"MOVIE_SEARCH_{name}", str(value))
    async with supervising(old_redis):

        async def crawled() -> bool:
            run = await registry.get_run(old_redis, queued)
            return run is not None and run.state == "embedding"

        await async_wait_until(crawled)
    run = await registry.get_run(old_redis, queued)
    assert run is not None
    assert (run.crawled, run.trigger, run.allow_removals) == (1, "schedule", True)


async def test_a_lease_of_the_earlier_version_holds(old_redis: Client, recorded: Recorded) -> None:
    run_id = recorded["named"]["half crawled"]
    assert not await registry.take_lease(old_redis, run_id, "another", lease_ms=1000)
    assert await registry.take_lease(old_redis, run_id, "old-host-00000001", lease_ms=1000)
    for key in ("heartbeat:embedder", "heartbeat:embedder:old-host", "heartbeat:ingest:old-host"):
        assert await old_redis.exists(key)


async def test_dead_letters_are_listed_and_replayed(
    old_redis: Client, query: RunningQuery, settings: EmbedderSettings, recorded: Recorded
) -> None:
    page = await ask(query, "/admin/dead-letters")
    assert page["total"] == len(recorded["dead_letters"]) == 6
    answered = [{**one, "died_at": ""} for one in page["dead_letters"]]
    assert_resembles(answered, [{**one, "died_at": ""} for one in recorded["dead_letters"]])
    response = await query.client.post(
        "/admin/dead-letters/replay", json={"all": True}, headers=BEARER
    )
    assert response.status_code == 200, response.text
    assert response.json()["replayed"] == 4
    assert [one["id"] for one in response.json()["refused"]] == [
        one["id"] for one in reversed(recorded["dead_letters"]) if not one["replayable"]
    ]
    async with embedder(settings, HashEncoder()):

        async def stored() -> bool:
            names = {
                row["review_id"] for row in rows_of(settings.data_dir / "movies.sqlite")["reviews"]
            }
            return {"archive:8", "archive:9"} <= names and not await old_redis.xlen(REVIEWS_STREAM)

        await async_wait_until(stored)
    left = {one.item_id: one.replays for one in await dead_letters.list_letters(old_redis)}
    # What cannot be read has come back, with one replay more; what was cut off has stayed.
    assert left == {"wire:1-9": 1, "x": 1, "": 0, "archive:7": 0, "archive:2": 0}
