"""The files of commit c8131ff, unpacked for a test, and services over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis import Redis

from services.embedder.settings import EmbedderSettings
from shared.delivery.redis_client import Client
from shared.snapshot.storage.store import SnapshotStore
from tests.compatibility.comparing import TOKEN, Recorded, serving
from tests.compatibility.loading import (
    load_redis,
    read_expected,
    unpack,
)
from tests.support.query.query_service import RunningQuery, query_settings


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    """What c8131ff said of its own files."""
    return read_expected()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder that c8131ff has left."""
    return unpack(tmp_path)


@pytest.fixture
def store(data: Path) -> SnapshotStore:
    return SnapshotStore(data / "snapshots")


@pytest.fixture
def old_redis(redis: Client, redis_url: str) -> Client:
    """A server with what c8131ff has left in its own."""
    with Redis.from_url(redis_url) as plain:
        load_redis(plain)
    return redis


@pytest.fixture
def settings(old_redis: Client, redis_url: str, data: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=data, publish_idle_s=0.5, publish_every_s=600
    )


@pytest.fixture
async def query(old_redis: Client, redis_url: str, data: Path) -> AsyncIterator[RunningQuery]:
    settings = query_settings(data, redis_url=redis_url, admin_token=TOKEN)
    async with serving(settings) as running:
        yield running
