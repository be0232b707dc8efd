"""``/mcp`` by the SDK's own client, against a real service."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp_types import CallToolResult, TextContent

from services.query.assistants.tool_schemas import MoviesFound, ToolCatalogue, ToolMovie
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    settings = query_settings(tmp_path, search_rate="100/minute")
    async with running_query(settings, always(encoder)) as running:
        await running.reload()
        yield running


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def connected(query: RunningQuery) -> Client:
    return Client(f"http://{query.host}:{query.port}/mcp")


async def test_the_tools_are_typed(query: RunningQuery) -> None:
    async with connected(query) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search_movies", "get_movie", "similar_movies", "catalogue"}
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema is not None
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
    assert "fit" in str(tools["search_movies"].output_schema)


async def test_a_conversation(query: RunningQuery) -> None:
    async with connected(query) as client:
        searched = await client.call_tool("search_movies", {"query": "neon city", "k": 2})
        found = MoviesFound.model_validate(searched.structured_content)
        assert not searched.is_error
        assert len(found.movies) == 2
        first = found.movies[0]
        assert 0 <= first.fit <= 1
        assert first.evidence
        assert first.evidence[0].text
        assert MoviesFound.model_validate_json(text_of(searched)) == found

        got = await client.call_tool("get_movie", {"movie_id": first.movie_id, "reviews": 1})
        facts = ToolMovie.model_validate(got.structured_content)
        assert facts.title == first.title
        assert len(facts.reviews) == 1

        similar = await client.call_tool("similar_movies", {"movie_id": first.movie_id})
        others = MoviesFound.model_validate(similar.structured_content).movies
        assert first.movie_id not in {movie.movie_id for movie in others}

        catalogue = await client.call_tool("catalogue", {})
        assert ToolCatalogue.model_validate(catalogue.structured_content).movies >= len(others)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("search_movies", {}, "Required unless like, avoid or filters is given"),
        ("search_movies", {"query": "a", "limit": 3}, "limit: Extra inputs are not permitted"),
        ("search_movies", {"query": "a", "k": 1000}, "k: Input should be less than"),
        ("search_movies", {"like": ["none"]}, "like.0: Unknown movie id"),
        ("get_movie", {"movie_id": "none"}, "Unknown movie id"),
        ("similar_movies", {"movie_id": "none"}, "Unknown movie id"),
    ],
)
async def test_a_wrong_argument_is_explained_to_the_model(
    query: RunningQuery, tool: str, arguments: dict[str, object], said: str
) -> None:
    async with connected(query) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert said in text_of(result)


async def test_many_movies_are_left_out(query: RunningQuery) -> None:
    seen = [f"tt{number:010d}{'x' * 50}" for number in range(500)]  # over 16 KiB
    async with connected(query) as client:
        result = await client.call_tool("search_movies", {"query": "neon", "exclude": seen})
    assert not result.is_error, text_of(result)


async def test_the_bounds_of_the_api_hold(query: RunningQuery) -> None:
    for method in ("GET", "DELETE", "PUT"):
        refused = await query.client.request(method, "/mcp")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    large = await query.client.post("/mcp", content=b" " * 200_000)
    assert (large.status_code, large.json()["code"]) == (413, "body-too-large")
    other = await query.client.post(
        "/mcp", json=INITIALIZE, headers={**ACCEPT, "Host": "evil.example"}
    )
    assert other.status_code == 421
    for body in (b"", b"{", b"[]", b"null", b"\xff"):
        wrong = await query.client.post(
            "/mcp", content=body, headers={**ACCEPT, "Content-Type": "application/json"}
        )
        assert 400 <= wrong.status_code < 500
    answer = await query.client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
    assert answer.json()["result"]["serverInfo"]["name"] == "semantic-movie-search"
    assert answer.headers["X-Request-ID"]
    assert answer.headers["RateLimit"]


async def test_a_model_reads_what_the_service_is(query: RunningQuery) -> None:
    text = (await query.client.get("/llms.txt")).text
    assert text.startswith("# ")
    for tool in ("search_movies", "get_movie", "similar_movies", "catalogue"):
        assert tool in text
    assert (await query.client.head("/llms.txt")).status_code == 200


def test_the_sdk_is_loaded_by_the_first_request_only() -> None:
    """Neither the start nor the memory of a service without such requests has it."""
    program = (
        "import sys, services.query.app as app; from services.query.settings import QuerySettings; "
        "app.create_app(QuerySettings()); print([m for m in sys.modules if m.startswith('mcp')])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (said.stdout.strip(), said.stderr) == ("[]", "")
