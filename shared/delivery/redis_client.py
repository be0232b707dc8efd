"""Connections to Redis, and the one place where its replies are brought into shape.

RESP2 is pinned because RESP3 changes the shape of stream replies. Two kinds of client exist on
purpose: ``connect`` for ordinary commands, with a few retries; ``connect_reader`` for blocking
reads, with none, because a client that repeats a read whose reply was lost strands the entries of
the first reply in the pending list (see ``shared.delivery.streams``).

Replies are text. Bytes that are not UTF-8, which only a foreign producer can send, are read as lone
surrogates and written back as they were, so that one bad entry cannot break a whole reply.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from shared.system.retry import Backoff, retry
from shared.telemetry import get_logger

T = TypeVar("T")

if TYPE_CHECKING:
    # redis-py types each reply as the union of every protocol and decoding, which says nothing.
    Client = Any
else:
    Client = Redis

SOCKET_TIMEOUT_S = 5.0

UNAVAILABLE = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    OSError,
)
"""What a command raises while Redis is unavailable or out of memory: retry it later."""


def connect(url: str) -> Client:
    """A client for commands that answer at once: 5 s timeout, three quick retries."""
    return Redis.from_url(
        url,
        protocol=2,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
    )


def connect_reader(url: str, *, block_ms: int) -> Client:
    """A client for blocking reads: never retries, and outwaits a block of ``block_ms``."""
    return Redis.from_url(
        url,
        protocol=2,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=block_ms / 1000 + SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


async def until_available(
    operation: Callable[[], Awaitable[T]],
    *,
    backoff: Backoff | None = None,
    give_up_after_s: float = math.inf,
    stop: asyncio.Event | None = None,
) -> T:
    """Call ``operation``, again with backoff and a warning while Redis is unavailable.

    Args:
        operation: Called again until Redis answers.
        backoff: The delays between calls; default: 0.1 s doubling to 2 s.
        give_up_after_s: No call is made later than this.
        stop: When set, the current delay ends, and the call after it is the last one.

    Raises:
        One of ``UNAVAILABLE``: Redis is still unavailable after the last call.
    """
    return await retry(
        operation,
        on=UNAVAILABLE,
        backoff=backoff,
        give_up_after_s=give_up_after_s,
        stop=stop,
        on_retry=log_unavailable,
    )


def log_unavailable(error: Exception, retry_s: float) -> None:
    """Log that an operation is retried in ``retry_s`` seconds."""
    get_logger().warning(
        "redis unavailable, retrying", error=str(error) or type(error).__name__, retry_s=retry_s
    )
