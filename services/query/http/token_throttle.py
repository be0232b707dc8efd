"""A limit on the wrong admin tokens of each client.

A client may send ``BURST`` wrong tokens at once and one more every ``EVERY_S``: a leaky bucket,
stored as the time at which it is empty again. At most ``MAX_CLIENTS`` buckets are kept; the least
recently used goes first. ``services.query.http.clients`` says what a client is.

Only wrong tokens are counted. So the right token is always accepted, however many wrong ones come
from the same address: behind one proxy all clients have the proxy's address.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from services.query.http.clients import client_at

BURST = 20
EVERY_S = 3.0
MAX_CLIENTS = 1024


@dataclass(slots=True)
class _Bucket:
    empty_at_s: float
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class ThrottleDecision:
    """The answer to a wrong token.

    Attributes:
        wait_s: Seconds until the client may try again; 0 when it is within the limit.
        is_first: Whether this is the first token over the limit, which is worth a log line.
    """

    wait_s: float = 0.0
    is_first: bool = False


class TokenThrottle:
    """The buckets of one process. Not thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: LRUCache[str, _Bucket] = LRUCache(MAX_CLIENTS)

    def __len__(self) -> int:
        """The number of clients with a bucket."""
        return len(self._buckets)

    def count(self, address: str) -> ThrottleDecision:
        """Count a wrong token from a client's address."""
        now_s = self._clock()
        client = client_at(address)
        bucket = self._buckets.get(client)
        if bucket is None or bucket.empty_at_s <= now_s:
            bucket = self._buckets[client] = _Bucket(now_s)
        wait_s = bucket.empty_at_s - now_s - (BURST - 1) * EVERY_S
        if wait_s > 0:
            decision = ThrottleDecision(wait_s, is_first=not bucket.is_full)
            bucket.is_full = True
            return decision
        bucket.empty_at_s += EVERY_S
        return ThrottleDecision()
