from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.delivery.redis_client import Client, connect
from tests.support import soak
from tests.support.counts import counted, pytest_terminal_summary
from tests.support.delivery.redis_server import RedisServer, redis_server

__all__ = ["counted", "pytest_terminal_summary"]  # of pytest, by name

soak.load_profile()

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("MOVIE_SEARCH_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _shared_redis_server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def redis(_shared_redis_server: RedisServer) -> AsyncIterator[Client]:
    """A client of a real server, empty."""
    client = connect(_shared_redis_server.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def redis_url(redis: Client, _shared_redis_server: RedisServer) -> str:
    """URL of a real server, empty."""
    return _shared_redis_server.url


@pytest.fixture
def private_redis() -> Iterator[RedisServer]:
    """A server of the test's own, which it may kill."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real reviews beside the checkout; tests that need it say when it is absent."""
    if not (DATA / "imdb500" / "reviews.parquet").exists():
        pytest.skip(f"no real reviews at {DATA}")
    return DATA


@pytest.fixture(scope="session")
def encoder_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot store that holds the artefact of the real encoder, and nothing else."""
    # torch and sentence-transformers are heavy: only the marked tests pay for them.
    from services.embedder.model.conversion import ensure_artefact  # noqa: PLC0415

    store = tmp_path_factory.mktemp("encoder-store")
    ensure_artefact(store, model="all-MiniLM-L6-v2", passage_tokens=64)
    return store
