"""The admin API on a real Redis server, and searching without one."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.query.api.admin.admin_schemas import RunAccepted, RunList, SourceList
from shared.delivery.keys import COMMANDS_STREAM, RUNS, SOURCES
from shared.delivery.messages import IngestCommand, parse
from shared.delivery.redis_client import Client, connect
from shared.runs import registry
from shared.settings import SettingsInvalid
from shared.snapshot.storage.store import SnapshotStore
from tests.support.delivery.redis_server import RedisServer
from tests.support.delivery.tcp_redis import tcp_redis
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def query(tmp_path: Path, redis: Client, redis_url: str) -> AsyncIterator[RunningQuery]:
    await registry.publish_sources(redis, ["demo", "other"])
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
    run = await registry.get_run(redis, first.json()["run_id"])
    assert run is not None
    await registry.advance(redis, run, "crawling")
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
    run = await registry.get_run(redis, first.json()["run_id"])
    assert run is not None
    await registry.advance(redis, run, "failed", error="no network")
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
    await redis.delete(SOURCES)
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


async def requested(query: RunningQuery, source: str, **fields: object) -> str:
    body = {"source": source, **fields}
    response = await query.client.post("/admin/ingest", json=body, headers=BEARER)
    assert response.status_code == 202, response.text
    run_id: str = response.json()["run_id"]
    return run_id


async def the_run(redis: Client, run_id: str) -> registry.Run:
    run = await registry.get_run(redis, run_id)
    assert run is not None
    return run


async def test_runs_are_listed_of_one_source_and_as_many_as_wanted(
    query: RunningQuery, redis: Client
) -> None:
    made: dict[str, list[str]] = {"demo": [], "other": []}
    for number in range(150):  # more runs of one source than are read at once
        source = "other" if number < 4 else "demo"
        run_id = await requested(query, source)
        await registry.advance(redis, await the_run(redis, run_id), "failed", error="no network")
        # Ids of the same second have no order; the history has.
        await redis.zadd(RUNS, {run_id: number})
        made[source].insert(0, run_id)

    async def listed(query_string: str) -> list[str]:
        response = await query.client.get(f"/admin/ingest{query_string}", headers=BEARER)
        assert response.status_code == 200, response.text
        return [run.run_id for run in RunList.model_validate_json(response.content).runs]

    everything = [*made["demo"], *made["other"]]
    assert await listed("") == everything[:50]
    assert await listed("?limit=1") == everything[:1]
    assert await listed("?limit=200") == everything
    assert await listed("?limit=120") == everything[:120]
    assert await listed("?source=other") == made["other"]
    assert await listed("?source=other&limit=3") == made["other"][:3]
    assert await listed("?source=demo&limit=101") == made["demo"][:101]
    assert await listed("?source=nosuch") == []


@pytest.mark.parametrize(
    ("query_string", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("source=A", "source")],
)
async def test_a_bad_list_is_422(query: RunningQuery, query_string: str, field: str) -> None:
    response = await query.client.get(f"/admin/ingest?{query_string}", headers=BEARER)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    unknown = await query.client.get("/admin/ingest?page=2", headers=BEARER)
    assert unknown.status_code == 422


async def test_removals_are_allowed_only_by_asking(query: RunningQuery, redis: Client) -> None:
    careful = await requested(query, "demo")
    assert not (await the_run(redis, careful)).allow_removals
    confirmed = await requested(query, "other", allow_removals=True)
    assert (await the_run(redis, confirmed)).allow_removals
    for wrong in ("true", 1, None):
        body = {"source": "demo", "allow_removals": wrong}
        response = await query.client.post("/admin/ingest", json=body, headers=BEARER)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "allow_removals"


@pytest.mark.parametrize("state", ["queued", "crawling", "embedding"])
async def test_a_run_is_cancelled_and_its_source_is_free_again(
    query: RunningQuery, redis: Client, state: registry.State
) -> None:
    run_id = await requested(query, "demo")
    if state != "queued":
        await registry.advance(redis, await the_run(redis, run_id), state)
    await registry.set_fields(redis, run_id, crawled=3)
    response = await query.client.delete(f"/admin/ingest/{run_id}", headers=BEARER)
    assert response.status_code == 200
    answered = registry.Run.model_validate_json(response.content)
    assert answered == await the_run(redis, run_id)
    assert (answered.state, answered.crawled) == ("cancelled", 3)
    assert answered.ended_at is not None
    assert answered.error
    assert await registry.active_runs(redis) == []
    await requested(query, "demo")


@pytest.mark.parametrize("state", sorted(registry.TERMINAL))
async def test_a_run_that_has_ended_stays_as_it_is(
    query: RunningQuery, redis: Client, state: registry.State
) -> None:
    run_id = await requested(query, "demo")
    await registry.advance(redis, await the_run(redis, run_id), state, error="so it was")
    before = await the_run(redis, run_id)
    response = await query.client.delete(f"/admin/ingest/{run_id}", headers=BEARER)
    assert response.status_code == 409
    assert response.json()["code"] == "run-ended"
    assert response.json()["run_id"] == run_id
    assert state in response.json()["detail"]
    assert await the_run(redis, run_id) == before


async def test_an_unknown_run_cannot_be_cancelled(query: RunningQuery, redis: Client) -> None:
    response = await query.client.delete("/admin/ingest/nope", headers=BEARER)
    assert response.status_code == 404
    assert response.json()["code"] == "unknown-run"
    assert await redis.keys("run:*") == []


async def test_sources_are_listed_with_their_newest_run(query: RunningQuery, redis: Client) -> None:
    await registry.publish_sources(redis, ["other", "demo", "never"])
    older = await requested(query, "demo")
    await registry.advance(redis, await the_run(redis, older), "failed")
    await redis.zadd(RUNS, {older: 1})
    newer, other = await requested(query, "demo"), await requested(query, "other")
    gone = await requested(query, "never")
    await registry.publish_sources(redis, ["other", "demo", "unused"])
    response = await query.client.get("/admin/sources", headers=BEARER)
    sources = SourceList.model_validate_json(response.content).sources
    assert [(one.source, one.last_run and one.last_run.run_id) for one in sources] == [
        ("demo", newer), ("other", other), ("unused", None),
    ]  # fmt: skip
    assert gone not in response.text
    await redis.delete(SOURCES)
    listed = (await query.client.get("/admin/sources", headers=BEARER)).json()
    assert listed == {"sources": [], "orphaned": []}


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
        ("DELETE", "/admin/ingest/some-run"),
        ("GET", "/admin/sources"),
        ("GET", "/admin/dead-letters"),
        ("GET", "/admin/dead-letters/1-1"),
        ("DELETE", "/admin/dead-letters/1-1"),
        ("POST", "/admin/dead-letters/replay"),
        ("GET", "/admin/snapshots"),
        ("POST", "/admin/snapshots/00000001-00000000/activate"),
        ("GET", "/admin/snapshots/activations/1"),
        ("POST", "/admin/removals"),
        ("GET", "/admin/removals/1"),
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
        for path in ("/admin/ingest", "/admin/sources", "/admin/dead-letters"):
            response = await query.client.get(path, headers=BEARER)
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


async def test_a_redis_that_refuses_is_503_and_searching_goes_on(tmp_path: Path) -> None:
    """The permission that a request needs is missing: no error of this program."""
    users = "user some on >right ~* &* +@all -eval -evalsha"
    with tcp_redis(tmp_path / "redis", users) as port:
        everything = connect(f"redis://127.0.0.1:{port}/0")
        await registry.publish_sources(everything, ["demo"])
        await everything.aclose()
        SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder()).publish()
        url = f"redis://some:right@127.0.0.1:{port}/0"
        settings = query_settings(tmp_path, redis_url=url, admin_token=TOKEN)
        with capture_logs() as logs:
            async with running_query(settings, always(HashEncoder())) as query:
                await query.reload()
                body = {"source": "demo"}
                response = await query.client.post("/admin/ingest", json=body, headers=BEARER)
                await searches(query)
    assert response.status_code == 503
    problem = response.json()
    assert problem["code"] == "redis-unavailable"
    assert problem["detail"].startswith("Redis refuses the command; the log says why.")
    said = {log["event"]: log["error"] for log in logs if log["log_level"] == "error"}
    assert "permissions" in said["redis refuses a command"]
    assert "the user some is refused" in said["redis cannot be used"]
