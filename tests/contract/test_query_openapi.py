"""The OpenAPI document: complete, with valid examples, and matched by real responses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from services.query.access.admission import is_limited
from services.query.app import create_app
from services.query.http.problems import MEDIA_TYPE, Problems
from services.query.settings import QuerySettings
from shared.delivery.keys import DEAD_LETTERS_STREAM
from shared.delivery.redis_client import Client
from shared.runs.registry import Run, Site, publish_sources, set_fields
from shared.snapshot.storage.poster_files import PosterFiles
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

TOKEN = "correct-horse-battery-staple-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    document: dict[str, Any] = create_app(QuerySettings()).openapi()
    return document


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def check(document: dict[str, Any], value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    node = document
    for part in schema["$ref"].split("/")[1:]:
        node = node[part]
    return node


def test_every_operation_has_a_name_a_summary_and_a_description(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) == 31
    for method, path, operation in operations(document):
        for part in ("summary", "description", "tags"):
            assert operation[part], (method, path, part)
        assert set(operation["tags"]) <= {tag["name"] for tag in document["tags"]}


def test_every_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    codes = {kind.code: kind for kind in Problems}
    for method, path, operation in operations(document):
        errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
        assert "400" in errors, (method, path)
        for status, response in errors.items():
            assert list(response["content"]) == [MEDIA_TYPE], (method, path, status)
            media = response["content"][MEDIA_TYPE]
            assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert media["examples"]
            for code, example in media["examples"].items():
                assert codes[code].status == int(status)
                check(document, example["value"], media["schema"])
            if status == "503":
                assert "Retry-After" in response["headers"]
    assert {problem["code"] for problem in document["x-problems"]} == set(codes)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_request_and_answer_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    shown = 0
    for method, path, operation in operations(document):
        media = [operation["requestBody"]] if "requestBody" in operation else []
        media += [r for s, r in operation["responses"].items() if s.startswith("2")]
        for content in media:
            schema = content.get("content", {}).get("application/json", {}).get("schema")
            if schema is None:
                continue
            examples = resolve(document, schema).get("examples", [])
            trivial = path in {"/livez", "/readyz"}
            assert examples or trivial, (method, path)
            for example in examples:
                check(document, example, schema)
                shown += 1
    assert shown >= 28


def test_the_example_of_a_run_shows_every_field(document: dict[str, Any]) -> None:
    [example] = document["components"]["schemas"]["Run"]["examples"]
    assert set(example) == set(Run.model_fields) | set(Run.model_computed_fields)
    [site] = example["sites"].values()
    assert set(site) == set(Site.model_fields)


def test_the_admin_operations_ask_for_the_token(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["AdminToken"] == {
        "type": "http",
        "scheme": "bearer",
        "description": schemes["AdminToken"]["description"],
    }
    for _, path, operation in operations(document):
        guarded = operation.get("security") == [{"AdminToken": []}]
        assert guarded == path.startswith("/admin")
        assert operation["security"] == ([{"AdminToken": []}] if guarded else [])
        assert ("401" in operation["responses"]) == (guarded or is_limited(path))


@pytest.fixture
async def query(tmp_path: Path, redis: Client, redis_url: str) -> AsyncIterator[RunningQuery]:
    await publish_sources(redis, ["demo"])
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    settings = query_settings(tmp_path, redis_url=redis_url, admin_token=TOKEN)
    async with running_query(settings, always(encoder)) as running:
        await running.reload()
        yield running


async def test_real_responses_match_the_document(
    query: RunningQuery, redis: Client, document: dict[str, Any], tmp_path: Path
) -> None:
    client = query.client
    poster = PosterFiles(tmp_path / "snapshots").put(b"RIFF....WEBP, more or less")
    started = await client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER)
    run_id = started.json()["run_id"]
    sites = {"films.example": Site(robots="obeyed", delay_s=1.5)}
    await set_fields(redis, run_id, pages=3, sites=sites, freshness_max_s=2.5)
    whole = await redis.xadd(DEAD_LETTERS_STREAM, {"kind": "review", "run": "r", "reason": "bad"})
    cut = await redis.xadd(DEAD_LETTERS_STREAM, {"kind": "review", "truncated": "300000"})
    snapshot_id = (await client.get("/snapshot")).json()["snapshot_id"]
    activated = await client.post(f"/admin/snapshots/{snapshot_id}/activate", headers=BEARER)
    removal = await client.post(
        "/admin/removals", json={"kind": "movie", "id": "tt0075148"}, headers=BEARER
    )
    letters = "/admin/dead-letters"
    answers = {
        "search": [
            await client.post("/search", json={"query": "boxer", "evidence": 5}),
            await client.post("/search", json={"query": ""}),
            await client.post("/search", json={"query": "a", "offset": 1000}),
            await client.post("/search", content=b"{", headers={"Content-Type": "text/plain"}),
            await client.post(
                "/search", content=b"{", headers={"Content-Type": "application/json"}
            ),
            await client.post("/search", content=b" " * 100_000),
            await client.post("/search", json={"query": "neon", "explain": True}),
            await client.post("/search", json={"like": ["nm:1"], "explain": True}),
            await client.post("/search", json={"query": "sea", "avoid": "neon", "explain": True}),
            await client.post("/search", json={"query": "sea", "mode": "lexical", "explain": True}),
            await client.post("/search", json={"query": "a", "filters": {"year": {"gte": 2000}}}),
            await client.post("/search", json={"like": ["none"]}),
        ],
        "searchBatch": [
            await client.post(
                "/search/batch",
                json={"searches": [{"query": "neon", "explain": True}, {"like": ["nm:1"]}]},
            ),
            await client.post("/search/batch", json={"searches": []}),
            await client.post("/search/batch", json={"searches": [{"like": ["none"]}]}),
            await client.post("/search/batch", content=b" " * 300_000),
            await client.post("/search/batch", content=b"{"),
        ],
        "suggest": [
            await client.get("/suggest?q=neo"),
            await client.get("/suggest?q=none+such"),
            await client.get("/suggest"),
            await client.get("/suggest?q=%FF"),
        ],
        "getFacets": [await client.get("/facets"), await client.get("/facets?x=%FF")],
        "searchByLink": [
            await client.get("/search?q=neon"),
            await client.get("/search"),
            await client.get("/search?q=%FF"),
        ],
        "listMovies": [
            await client.get("/movies"),
            await client.get("/movies?limit=1"),
            await client.get("/movies?limit=0"),
        ],
        "lookUpMovies": [
            await client.post(
                "/movies/lookup", json={"movies": [{"id": "tt0075148"}, {"title": "None such"}]}
            ),
            await client.post("/movies/lookup", json={"movies": [{}]}),
            await client.post("/movies/lookup", content=b" " * 300_000),
            await client.post("/movies/lookup", content=b"{"),
        ],
        "getMovie": [
            await client.get("/movies/tt0075148"),
            await client.get("/movies/nm:1"),
            await client.get("/movies/none"),
        ],
        "listReviews": [
            await client.get("/movies/tt0075148/reviews?limit=1"),
            await client.get("/movies/tt0075148/reviews?min_rating=2&spoilers=show"),
            await client.get("/movies/tt0075148/reviews?limit=0"),
            await client.get("/movies/none/reviews"),
        ],
        "similarMovies": [
            await client.get("/movies/nm:1/similar"),
            await client.get("/movies/nm:1/similar?diversity=0.5&evidence=0"),
            await client.get("/movies/nm:1/similar?diversity=2"),
            await client.get("/movies/none/similar"),
        ],
        "getMap": [await client.get("/map"), await client.get("/map?x=%FF")],
        "getSnapshot": [await client.get("/snapshot")],
        "livez": [await client.get("/livez")],
        "readyz": [await client.get("/readyz")],
        "requestIngest": [
            started,
            await client.post("/admin/ingest", json={"source": "demo"}, headers=BEARER),
            await client.post("/admin/ingest", json={"source": "none"}, headers=BEARER),
            await client.post("/admin/ingest", json={"source": "demo"}),
        ],
        "listRuns": [
            await client.get("/admin/ingest", headers=BEARER),
            await client.get("/admin/ingest"),
        ],
        "getRun": [
            await client.get(f"/admin/ingest/{run_id}", headers=BEARER),
            await client.get("/admin/ingest/none", headers=BEARER),
        ],
        "listUnread": [
            await client.get(f"/admin/ingest/{run_id}/unread", headers=BEARER),
            await client.get("/admin/ingest/none/unread", headers=BEARER),
        ],
        "listSources": [
            await client.get("/admin/sources", headers=BEARER),
            await client.get("/admin/sources"),
        ],
        "cancelRun": [
            await client.delete(f"/admin/ingest/{run_id}", headers=BEARER),
            await client.delete(f"/admin/ingest/{run_id}", headers=BEARER),
            await client.delete("/admin/ingest/none", headers=BEARER),
        ],
        "listDeadLetters": [
            await client.get(letters, headers=BEARER),
            await client.get(f"{letters}?limit=1", headers=BEARER),
            await client.get(f"{letters}?limit=0", headers=BEARER),
        ],
        "getDeadLetter": [
            await client.get(f"{letters}/{whole}", headers=BEARER),
            await client.get(f"{letters}/none", headers=BEARER),
        ],
        "replayDeadLetters": [
            await client.post(f"{letters}/replay", json={"ids": [whole, cut]}, headers=BEARER),
            await client.post(f"{letters}/replay", json={"all": True}, headers=BEARER),
            await client.post(f"{letters}/replay", json={}, headers=BEARER),
            await client.post(f"{letters}/replay", content=b"{", headers=BEARER),
        ],
        "discardDeadLetter": [
            await client.delete(f"{letters}/{cut}", headers=BEARER),
            await client.delete(f"{letters}/{cut}", headers=BEARER),
        ],
        "listSnapshots": [
            await client.get("/admin/snapshots", headers=BEARER),
            await client.get("/admin/snapshots"),
        ],
        "activateSnapshot": [
            activated,
            await client.post("/admin/snapshots/none/activate", headers=BEARER),
        ],
        "getActivation": [
            await client.get(activated.headers["Location"], headers=BEARER),
            await client.get("/admin/activations/none", headers=BEARER),
        ],
        "requestRemoval": [
            removal,
            await client.post("/admin/removals", json={"kind": "film", "id": "1"}, headers=BEARER),
        ],
        "getRemoval": [
            await client.get(removal.headers["Location"], headers=BEARER),
            await client.get("/admin/removals/none", headers=BEARER),
        ],
        "metrics": [await client.get("/metrics")],
        "getPoster": [
            await client.get(f"/posters/{poster}.webp"),
            await client.get(f"/posters/{poster}.webp", headers={"If-None-Match": f'"{poster}"'}),
            await client.get(f"/posters/{'0' * 64}.webp"),
            await client.get("/posters/x%ff?y"),
        ],
    }
    by_name = {operation["operationId"]: operation for _, _, operation in operations(document)}
    assert set(answers) == set(by_name)
    for name, responses in answers.items():
        for response in responses:
            documented = by_name[name]["responses"]
            assert str(response.status_code) in documented, (name, response.text)
            assert response.headers["X-Request-ID"]
            if response.status_code in {204, 304}:
                assert "content" not in documented[str(response.status_code)]
                assert response.content == b""
                continue
            media_type = response.headers["Content-Type"].split(";")[0]
            schema = documented[str(response.status_code)]["content"][media_type]["schema"]
            if media_type not in {"text/plain", "image/webp"}:
                check(document, response.json(), schema)
