"""The admin API on a real Redis server, and searching without one."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.query.operation_schemas import RunAccepted, RunList
from shared import runs
from shared.messages import COMMANDS_STREAM, IngestCommand, parse
from shared.redis import Client
from shared.settings import SettingsInvalid
from shared.snapshot.store import SnapshotStore
from tests.support.encoders import HashEncoder
from tests.support.query_service import RunningQuery, always, query_settings, running_query
from tests.support.redis_server import RedisServer
from tests.support.snapshots import SnapshotBuilder

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def query(tmp_path: Path, redis: Client, redis_url: str) -> AsyncIterator[RunningQuery]:
    await runs.publish_sources(redis, ["demo", "other"])
    settings = query_settings(tmp_path, redis_url=redis_url, admin_token=TOKEN)
    async with running_query(settings, always(HashEncoder())) as running:
        yield running


async def test_a_request_is_recorded_and_sent_before_it_is_answered(
    query: RunningQuery, redis: Client
) -> None:
    response = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    assert response.status_code == 202
    accepted = RunAccepted.model_validate_json(response.content)
    assert (accepted.source, accepted.state) == ("demo", "queued")
    assert response.headers["Location"] == f"/admin/ingest/{accepted.run_id}"
    [(_, fields)] = await redis.xrange(COMMANDS_STREAM)
    assert parse(fields) == IngestCommand(run_id=accepted.run_id, source="demo")

    shown = await query.client.get(response.headers["Location"], headers=BEARER)
    assert shown.json()["run_id"] == accepted.run_id
    assert shown.json()["state"] == "queued"


async def test_a_repeated_key_gets_the_same_answer(query: RunningQuery, redis: Client) -> None:
    headers = {**BEARER, "Idempotency-Key": "8e03978e-40d5"}
    first = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=headers)
    run = await runs.get_run(redis, first.json()["run_id"])
    assert run is not None
    await runs.advance(redis, run, "crawling")
    again = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=headers)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert await redis.xlen(COMMANDS_STREAM) == 1


async def test_a_second_run_of_a_source_is_409_until_the_first_ends(
    query: RunningQuery, redis: Client
) -> None:
    first = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    second = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    assert second.status_code == 409
    assert second.json()["code"] == "source-busy"
    assert second.json()["run_id"] == first.json()["run_id"]
    other = await query.client.post("/admin/ingest", json={"source": "other"}, headers=BEARER)
    assert other.status_code == 202
    run = await runs.get_run(redis, first.json()["run_id"])
    assert run is not None
    await runs.advance(redis, run, "failed", error="no network")
    third = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    assert third.status_code == 202
    assert third.json()["run_id"] != first.json()["run_id"]


async def test_only_a_configured_source_can_run(query: RunningQuery, redis: Client) -> None:
    response = await query.client.post("/admin/ingest", json={"source": "imdb"}, headers=BEARER)
    assert response.status_code == 422
    assert response.json()["code"] == "unknown-source"
    assert "imdb" not in response.text
    for source in ("http://films.example", "../demo", "", "DEMO", 5, None, ["demo"]):
        response = await query.client.post("/admin/ingest", json={"source": source}, headers=BEARER)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "source"
    assert await redis.exists(COMMANDS_STREAM) == 0


async def test_before_ingest_has_said_what_it_can_crawl(query: RunningQuery, redis: Client) -> None:
    await redis.delete(runs.SOURCES)
    response = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    assert response.status_code == 503
    assert response.json()["code"] == "ingest-unavailable"
    assert "Retry-After" in response.headers


@pytest.mark.parametrize("key", ["", "a" * 129, "two words", "caf\xe9"])
async def test_a_bad_key_is_422(query: RunningQuery, redis: Client, key: str) -> None:
    headers = [
        (b"Authorization", BEARER["Authorization"].encode()),
        (b"Idempotency-Key", key.encode("latin-1")),
    ]
    response = await query.client.post("/admin/ingest", json={"source": "demo"}, headers=headers)
    assert response.status_code == 422
    assert await redis.exists(COMMANDS_STREAM) == 0


async def test_runs_are_listed_newest_first(query: RunningQuery) -> None:
    ids = [
        (await query.client.post("/admin/ingest", json={"source": name}, headers=BEARER)).json()[
            "run_id"
        ]
        for name in ("demo", "other")
    ]
    response = await query.client.get("/admin/ingest", headers=BEARER)
    listed = RunList.model_validate_json(response.content).runs
    assert {run.run_id for run in listed} == set(ids)
    assert listed == sorted(listed, key=lambda run: run.requested_at, reverse=True)
    assert (await query.client.get("/admin/ingest/nope", headers=BEARER)).status_code == 404


UNAUTHORIZED: dict[str, dict[str, bytes]] = {
    "none": {},
    "empty": {"Authorization": b""},
    "no token": {"Authorization": b"Bearer"},
    "wrong": {"Authorization": b"Bearer " + b"x" * len(TOKEN)},
    "shorter": {"Authorization": f"Bearer {TOKEN[:-1]}".encode()},
    "longer": {"Authorization": f"Bearer {TOKEN}x".encode()},
    "another scheme": {"Authorization": f"Basic {TOKEN}".encode()},
    "bare": {"Authorization": TOKEN.encode()},
    "not ASCII": {"Authorization": "Bearer pässwörd".encode()},
    "latin-1": {"Authorization": "Bearer pässwörd".encode("latin-1")},
    "another header": {"X-Admin-Token": TOKEN.encode()},
}


@pytest.mark.parametrize("headers", UNAUTHORIZED.values(), ids=UNAUTHORIZED)
async def test_without_the_token_nothing_is_done_or_told(
    query: RunningQuery, redis: Client, headers: dict[str, bytes]
) -> None:
    raw = [(name.encode(), value) for name, value in headers.items()]
    for method, path in (
        ("POST", "/admin/ingest"),
        ("GET", "/admin/ingest"),
        ("GET", "/admin/ingest/some-run"),
        ("GET", f"/admin/ingest?token={TOKEN}&access_token={TOKEN}"),
    ):
        response = await query.client.request(method, path, headers=raw, content=b"not even json")
        assert response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.json()["code"] == "unauthorized"
        assert TOKEN not in response.text
    assert await redis.exists(COMMANDS_STREAM) == 0


async def test_without_a_configured_token_the_admin_api_is_off(
    tmp_path: Path, redis_url: str
) -> None:
    settings = query_settings(tmp_path, redis_url=redis_url)
    async with running_query(settings, always(HashEncoder())) as query:
        for headers in ({}, BEARER, {"Authorization": "Bearer"}):
            response = await query.client.get("/admin/ingest", headers=headers)
            assert response.status_code == 403
            assert response.json()["code"] == "admin-off"
            assert "MOVIE_SEARCH_ADMIN_TOKEN" in response.json()["detail"]


@pytest.mark.parametrize("token", ["short", "a" * 64, ""])
async def test_a_weak_token_does_not_start(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingsInvalid):
        async with running_query(query_settings(tmp_path, admin_token=token), None):
            pass


async def searches(query: RunningQuery) -> None:
    for path in ("/search?q=boxer", "/movies", "/movies/tt0075148/similar", "/snapshot", "/readyz"):
        assert (await query.client.get(path)).status_code == 200, path


async def test_searching_needs_no_redis_at_all(tmp_path: Path) -> None:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    settings = query_settings(tmp_path, admin_token=TOKEN)
    async with running_query(settings, always(encoder)) as query:
        await query.reload()
        await searches(query)
        response = await query.client.get("/admin/ingest", headers=BEARER)
        assert response.status_code == 503
        assert response.json()["code"] == "redis-unavailable"


async def test_searching_goes_on_when_redis_dies_and_admin_recovers(
    tmp_path: Path, private_redis: RedisServer
) -> None:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    settings = query_settings(tmp_path, redis_url=private_redis.url, admin_token=TOKEN)
    async with running_query(settings, always(encoder)) as query:
        await query.reload()
        assert (await query.client.get("/admin/ingest", headers=BEARER)).status_code == 200
        private_redis.kill()
        await searches(query)
        response = await query.client.get("/admin/ingest", headers=BEARER)
        assert response.status_code == 503
        assert response.json()["code"] == "redis-unavailable"
        await searches(query)
        private_redis.start()
        assert (await query.client.get("/admin/ingest", headers=BEARER)).status_code == 200


async def test_a_redis_that_never_was(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        settings = query_settings(
            tmp_path, redis_url=f"redis://127.0.0.1:{port}/0", admin_token=TOKEN
        )
        async with running_query(settings, always(HashEncoder())) as query:
            response = await query.client.get("/admin/ingest", headers=BEARER)
            assert response.status_code == 503
