"""Heartbeats: how a service shows that it is alive.

A heartbeat is two keys that expire (``keys.heartbeat_key``): one for the service on its host, which
its healthcheck reads, and one for the service on any host, which other services read.
"""

from __future__ import annotations

import socket

from shared.delivery.keys import heartbeat_key
from shared.delivery.redis_client import Client


async def beat(redis: Client, service: str, *, ttl_s: int) -> None:
    """Show that the service is alive on this host.

    Args:
        redis: Client of the server that holds the heartbeats.
        service: The service's name.
        ttl_s: After how many seconds without another heartbeat it counts as dead.
    """
    for key in (heartbeat_key(service), heartbeat_key(service, socket.gethostname())):
        await redis.set(key, "1", ex=ttl_s)


async def is_alive(redis: Client, service: str) -> bool:
    """Whether the service is alive on any host."""
    return bool(await redis.exists(heartbeat_key(service)))


async def is_alive_here(redis: Client, service: str) -> bool:
    """Whether the service is alive on this host."""
    return bool(await redis.exists(heartbeat_key(service, socket.gethostname())))
