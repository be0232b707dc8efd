"""Announcements on Redis make the reloader look at CURRENT at once; nothing depends on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.query.serving import announcements
from shared.delivery.keys import SNAPSHOTS_CHANNEL
from shared.delivery.redis_client import Client, connect
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import SnapshotStore
from tests.support.delivery.faulty_proxy import faulty_proxy
from tests.support.delivery.redis_server import RedisServer
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SnapshotBuilder
from tests.support.waiting import async_wait_until

UNAVAILABLE = "snapshot announcements unavailable, polling"
AVAILABLE = "snapshot announcements available"
Logs = Sequence[Any]


@pytest.fixture
def builder(tmp_path: Path) -> SnapshotBuilder:
    return SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), HashEncoder())


@asynccontextmanager
async def query_with(folder: Path, url: str, **changes: object) -> AsyncIterator[RunningQuery]:
    settings = query_settings(folder, redis_url=url, **changes)
    async with running_query(settings, always(HashEncoder())) as running:
        yield running


async def wait_until_subscribed(redis: Client) -> None:
    async def is_subscribed() -> bool:
        [(_, subscribers)] = await redis.pubsub_numsub(SNAPSHOTS_CHANNEL)
        return int(subscribers) == 1

    await async_wait_until(is_subscribed, what="the reloader subscribes")


async def wait_until_served(query: RunningQuery, manifest: Manifest) -> None:
    async def is_served() -> bool:
        response = await query.client.get("/readyz")
        return response.status_code == 200 and (
            response.json()["snapshot_id"] == manifest.snapshot_id
        )

    await async_wait_until(is_served, what=f"{manifest.snapshot_id} is served")


async def search_status(query: RunningQuery) -> int:
    return (await query.client.get("/search", params={"q": "boxer"})).status_code


def count(logs: Logs, event: str) -> int:
    return sum(entry["event"] == event for entry in logs)


async def wait_until_logged(logs: Logs, event: str) -> None:
    async def is_logged() -> bool:
        return count(logs, event) > 0

    await async_wait_until(is_logged, what=f"{event!r} is logged")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(announcements, "MAX_RETRY_S", 0.1)


async def test_an_announced_snapshot_is_served_at_once(
    tmp_path: Path, builder: SnapshotBuilder, redis: Client, redis_url: str
) -> None:
    async with query_with(tmp_path, redis_url) as query:  # polls once an hour
        await wait_until_subscribed(redis)
        for _ in range(3):
            manifest = builder.publish()
            await redis.publish(SNAPSHOTS_CHANNEL, manifest.snapshot_id)
            await wait_until_served(query, manifest)


async def test_an_announcement_that_names_nothing_changes_nothing(
    tmp_path: Path, builder: SnapshotBuilder, redis: Client, redis_url: str
) -> None:
    manifest = builder.publish()
    async with query_with(tmp_path, redis_url) as query:
        await wait_until_served(query, manifest)
        for payload in ("", "00000099-ffffffff", "\udcff" * 100):
            await redis.publish(SNAPSHOTS_CHANNEL, payload)
        assert await search_status(query) == 200
        newer = builder.publish()
        await redis.publish(SNAPSHOTS_CHANNEL, newer.snapshot_id)
        await wait_until_served(query, newer)


async def test_without_redis_it_polls_and_subscribes_again_when_redis_is_back(
    tmp_path: Path, builder: SnapshotBuilder, private_redis: RedisServer
) -> None:
    redis = connect(private_redis.url)
    with capture_logs() as logs:
        async with query_with(tmp_path, private_redis.url, reload_interval_s=0.1) as query:
            await wait_until_subscribed(redis)
            private_redis.kill()
            manifest = builder.publish()
            await wait_until_served(query, manifest)
            assert await search_status(query) == 200
            await wait_until_logged(logs, UNAVAILABLE)
            private_redis.start()
            await wait_until_subscribed(redis)
            await wait_until_logged(logs, AVAILABLE)
    await redis.aclose()


async def test_an_outage_is_logged_once(
    tmp_path: Path, builder: SnapshotBuilder, private_redis: RedisServer
) -> None:
    async with faulty_proxy(private_redis.url) as proxy:
        proxy.lose_replies("SUBSCRIBE", times=5)
        with capture_logs() as logs:
            async with query_with(tmp_path, proxy.url):
                await wait_until_logged(logs, AVAILABLE)
                assert proxy.left == 0
                assert count(logs, UNAVAILABLE) == count(logs, AVAILABLE) == 1


async def test_a_connection_that_dies_silently_is_replaced(
    tmp_path: Path,
    builder: SnapshotBuilder,
    private_redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements, "PING_AFTER_S", 0.1)
    monkeypatch.setattr(announcements, "PONG_TIMEOUT_S", 0.5)
    redis = connect(private_redis.url)
    async with faulty_proxy(private_redis.url) as proxy:
        with capture_logs() as logs:
            async with query_with(tmp_path, proxy.url) as query:
                await wait_until_subscribed(redis)
                proxy.blackhole()
                await wait_until_logged(logs, UNAVAILABLE)
                proxy.heal()
                await wait_until_logged(logs, AVAILABLE)
                manifest = builder.publish()
                await redis.publish(SNAPSHOTS_CHANNEL, manifest.snapshot_id)
                await wait_until_served(query, manifest)
    await redis.aclose()
