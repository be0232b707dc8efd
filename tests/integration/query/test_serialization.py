"""Responses of searches match their schemas, field by field, in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from services.query.api.schemas import BatchResponse, SearchResponse, SimilarResponse
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, SnapshotBuilder


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def ask(query: RunningQuery, method: str, path: str, body: Any = None) -> bytes:
    response = await query.client.request(method, path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert "encode;dur=" in response.headers["Server-Timing"]
    return response.content


SEARCH = {"query": "a boxer trains in the rain", "evidence": 2, "k": 4}


@pytest.mark.parametrize(
    ("method", "path", "body", "model"),
    [
        ("POST", "/search", SEARCH, SearchResponse),
        ("POST", "/search", {**SEARCH, "explain": True}, SearchResponse),
        ("POST", "/search", {**SEARCH, "explain": True, "avoid": "rain"}, SearchResponse),
        ("POST", "/search", {**SEARCH, "mode": "lexical"}, SearchResponse),
        ("POST", "/search", {**SEARCH, "mode": "semantic", "evidence": 0}, SearchResponse),
        ("GET", "/search?q=boxer", None, SearchResponse),
        ("POST", "/search/batch", {"searches": [SEARCH, {"query": "sea"}]}, BatchResponse),
        ("GET", f"/movies/{BOXER.movie_id}/similar?evidence=2", None, SimilarResponse),
    ],
)
async def test_the_body_is_the_models(
    query: RunningQuery, method: str, path: str, body: Any, model: type[BaseModel]
) -> None:
    content = await ask(query, method, path, body)
    read = model.model_validate_json(content, strict=True, extra="forbid")
    # As pydantic would write the model: the same fields in the same order, and no others.
    assert orjson.loads(content) == orjson.loads(read.model_dump_json(exclude_unset=True))
    assert list(keys(orjson.loads(content))) == list(
        keys(orjson.loads(read.model_dump_json(exclude_unset=True)))
    )


async def test_parts_are_there_with_explain_only(query: RunningQuery) -> None:
    plain = orjson.loads(await ask(query, "POST", "/search", SEARCH))
    explained = orjson.loads(await ask(query, "POST", "/search", {**SEARCH, "explain": True}))
    assert all("parts" not in hit for hit in plain["hits"])
    assert [hit.pop("parts")["lexical"] is not None for hit in explained["hits"]] == [True] * 4
    assert explained["hits"] == plain["hits"]


def keys(value: Any) -> Any:
    """Yield all keys of an object and of the objects inside it, in their order."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)
