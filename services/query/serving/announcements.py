"""Announcements of new snapshots, which the embedder publishes on a Redis channel.

An announcement is only a hint to look at ``CURRENT``: pub/sub delivers at most once, so the
reloader polls as well. While Redis is unavailable the subscription is retried with backoff, and one
line is logged for each outage; polling and searching go on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

from shared.delivery.keys import SNAPSHOTS_CHANNEL
from shared.delivery.redis_client import Client
from shared.system.retry import Backoff
from shared.telemetry import get_logger

FIRST_RETRY_S = 0.5
MAX_RETRY_S = 30.0
PING_AFTER_S = 30.0  # of silence: a lost connection is otherwise silent, too
PONG_TIMEOUT_S = 5.0


async def follow_announcements(redis: Client, on_announcement: Callable[[], None]) -> NoReturn:
    """Call ``on_announcement`` after each announcement, until cancelled.

    It is also called after each subscription, because announcements may have been missed before.

    Args:
        redis: A client that does not retry by itself (``connect_reader``).
        on_announcement: Called in the event loop; must not block.
    """
    backoff = Backoff(FIRST_RETRY_S, MAX_RETRY_S)
    is_available = True
    while True:
        try:
            async with redis.pubsub() as subscription:
                await subscription.subscribe(SNAPSHOTS_CHANNEL)
                while True:
                    message = await _next_message(subscription)
                    if not is_available:
                        get_logger().info("snapshot announcements available")
                        is_available = True
                    backoff.reset()
                    if message["type"] != "pong":
                        on_announcement()
        except Exception as error:  # noqa: BLE001 - announcements must not stop the reloader
            if is_available:
                get_logger().warning(
                    "snapshot announcements unavailable, polling", error=type(error).__name__
                )
            is_available = False
        await asyncio.sleep(backoff.next_s())


async def _next_message(subscription: Any) -> dict[str, Any]:
    """Wait for the next message, with a ping after each ``PING_AFTER_S`` of silence.

    Raises:
        TimeoutError: a ping was not answered.
        redis.exceptions.RedisError: the connection failed.
    """
    message: dict[str, Any] | None = await subscription.get_message(timeout=PING_AFTER_S)
    if message is None:
        await subscription.ping()
        message = await subscription.get_message(timeout=PONG_TIMEOUT_S)
    if message is None:
        raise TimeoutError("Redis did not answer a ping")
    return message
