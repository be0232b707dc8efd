"""Heartbeats on a real server."""

from __future__ import annotations

import socket

from shared.delivery.heartbeats import beat, is_alive, is_alive_here
from shared.delivery.keys import heartbeat_key
from shared.delivery.redis_client import Client


async def test_a_service_is_alive_on_its_host_and_anywhere_until_it_expires(redis: Client) -> None:
    assert not await is_alive(redis, "embedder")
    assert not await is_alive_here(redis, "embedder")
    await beat(redis, "embedder", ttl_s=60)
    assert await is_alive(redis, "embedder")
    assert await is_alive_here(redis, "embedder")
    assert not await is_alive(redis, "ingest")
    for key in (heartbeat_key("embedder"), heartbeat_key("embedder", socket.gethostname())):
        assert 0 < await redis.ttl(key) <= 60


async def test_a_service_of_another_host_is_not_alive_here(redis: Client) -> None:
    await redis.set(heartbeat_key("ingest"), "1", ex=60)
    await redis.set(heartbeat_key("ingest", "another-host"), "1", ex=60)
    assert await is_alive(redis, "ingest")
    assert not await is_alive_here(redis, "ingest")
