"""How many wrong admin tokens a client may send before it is told to wait.

A client is an address; of IPv6 a /64, because one client has all of those. Each may send ``BURST``
wrong tokens at once and one more every ``EVERY_S``: a leaky bucket, kept as the time at which it is
empty again. ``MAX_CLIENTS`` are remembered at the most; the one longest silent is forgotten first.

It is asked only once a token has turned out to be wrong. So a right token is always let in, however
many wrong ones come from the same address: behind one proxy all clients have the proxy's.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

BURST = 20
EVERY_S = 3.0
MAX_CLIENTS = 1024
_NETWORK_BITS = 64


@dataclass(slots=True)
class _Bucket:
    empty_at_s: float
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class ThrottleDecision:
    """What becomes of a wrong token.

    Attributes:
        wait_s: Until another one is looked at; 0: it is within the bound.
        is_first: Whether it is the first one over the bound, which is worth a line in the log.
    """

    wait_s: float = 0.0
    is_first: bool = False


class TokenThrottle:
    """The counts of one process. Not for several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Clients that are remembered."""
        return len(self._buckets)

    def count(self, address: str) -> ThrottleDecision:
        """Count a wrong token of a client, by its address."""
        now_s = self._clock()
        client = _client(address)
        bucket = self._buckets.get(client)
        if bucket is None or bucket.empty_at_s <= now_s:
            bucket = self._buckets[client] = _Bucket(now_s)
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        wait_s = bucket.empty_at_s - now_s - (BURST - 1) * EVERY_S
        if wait_s > 0:
            verdict = ThrottleDecision(wait_s, is_first=not bucket.is_full)
            bucket.is_full = True
            return verdict
        bucket.empty_at_s += EVERY_S
        return ThrottleDecision()


def _client(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}::/{_NETWORK_BITS}"
    return str(parsed)
