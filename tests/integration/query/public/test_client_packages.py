"""``make clients``: both packages are made, and used as programs of other people would use them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.query.access.key_file import add_key
from services.query.client_files import UI, describe
from services.query.client_packages import make_python, make_typescript
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder

PYTHON_PROGRAM = """
import sys
from moviesearch_client import AuthenticatedClient, Client
from moviesearch_client.api.movies import get_movie, similar_movies
from moviesearch_client.api.search import search
from moviesearch_client.models import Problem, SearchRequest, SearchResponse

base, key = sys.argv[1:]
refused = search.sync(client=Client(base), body=SearchRequest(query="neon"))
assert isinstance(refused, Problem) and refused.code == "key-required", refused
client = AuthenticatedClient(base, token=key)
found = search.sync(client=client, body=SearchRequest(query="neon city", k=2, evidence=1))
assert isinstance(found, SearchResponse), found
hit = found.hits[0]
assert 0 <= hit.fit <= 1 and hit.evidence[0].text
assert get_movie.sync(hit.movie.movie_id, client=client).title == hit.movie.title
others = similar_movies.sync(hit.movie.movie_id, client=client).hits
print(hit.movie.title, len(others))
"""

TYPESCRIPT_PROGRAM = """
import { ApiError, MovieSearch } from "semantic-movie-search-client";

declare const process: { argv: string[] };
const [base, key] = process.argv.slice(2) as [string, string];
try {
  await new MovieSearch(base).get("/facets", {});
  throw new Error("it was not refused");
} catch (error) {
  if (!(error instanceof ApiError) || error.problem?.code !== "key-required") throw error;
}
const movies = new MovieSearch(base, { key });
const { hits } = await movies.post("/search", { body: { query: "neon city", k: 2 } });
const hit = hits[0]!;
const fit: number = hit.fit;
if (!(fit >= 0 && fit <= 1) || !hit.evidence[0]?.text) throw new Error("no fit or evidence");
const path = { movie_id: hit.movie.movie_id };
const movie = await movies.get("/movies/{movie_id}", { path });
const similar = await movies.get("/movies/{movie_id}/similar", { path, query: { k: 5 } });
console.log(movie.title, similar.hits.length);
// @ts-expect-error: no such operation
const never = () => movies.get("/nowhere", {});
// @ts-expect-error: no such field
const wrong = () => movies.post("/search", { body: { query: "neon", limit: 3 } });
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clients") / "openapi.json"
    path.write_bytes(describe())
    return path


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    add_key(tmp_path / "keys.json", "first")
    settings = query_settings(tmp_path, search_keys_file=tmp_path / "keys.json", search_rate="0")
    async with running_query(settings, always(encoder)) as running:
        await running.reload()
        yield running


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key that the service has read: it is made before the service starts."""
    return add_key(tmp_path / "keys.json", "program")


async def answer_of(*command: object, **variables: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    return said.decode().strip()


def compile_program(node: str, program: Path) -> subprocess.CompletedProcess[str]:
    compiler = UI / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    return subprocess.run([node, compiler, program, *options], capture_output=True, text=True)


async def test_the_python_package(
    document: Path, key: str, query: RunningQuery, tmp_path: Path
) -> None:
    package = tmp_path / "python"
    make_python(document, package)
    assert (package / "moviesearch_client" / "py.typed").exists()
    said = await answer_of(
        sys.executable, "-c", PYTHON_PROGRAM, f"http://{query.host}:{query.port}", key,
        PYTHONPATH=str(package),
    )  # fmt: skip
    assert said


async def test_the_typescript_package(
    document: Path, key: str, query: RunningQuery, tmp_path: Path
) -> None:
    package = tmp_path / "app" / "node_modules" / "semantic-movie-search-client"
    make_typescript(document, package)
    program = tmp_path / "app" / "app.mts"
    program.write_text(TYPESCRIPT_PROGRAM)
    node = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    assert node is not None
    compiled = await asyncio.to_thread(compile_program, node, program)
    assert compiled.returncode == 0, compiled.stdout
    said = await answer_of(
        node, program.with_suffix(".mjs"), f"http://{query.host}:{query.port}", key
    )
    assert said
