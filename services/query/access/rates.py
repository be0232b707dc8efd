"""Rates such as ``60/minute``, and how much of one each client has used.

A client that has not asked for a while may use the whole number at once; it then regains it evenly
(the generic cell rate algorithm: all that is stored is the time at which it will have all of it
again). At most ``MAX_CLIENTS`` are remembered, and the least recently seen one is forgotten first,
so that many addresses cannot fill the memory.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

MAX_CLIENTS = 16_384
_WINDOWS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_WINDOWS_S)})")


class RateInvalid(ValueError):
    """A text is no rate."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests in a window of time.

    Example::

        Rate.parse("60/minute") == Rate(60, 60)
    """

    quota: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read a rate.

        Raises:
            RateInvalid: the text is not ``NUMBER/second``, ``/minute``, ``/hour`` or ``/day``.
        """
        match = _RATE.fullmatch(text.strip())
        if match is None:
            raise RateInvalid("must be NUMBER/second, NUMBER/minute, NUMBER/hour or NUMBER/day")
        return cls(int(match[1]), _WINDOWS_S[match[2]])

    def __str__(self) -> str:
        names = {seconds: name for name, seconds in _WINDOWS_S.items()}
        return f"{self.quota}/{names[self.window_s]}"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a rate after a request.

    Attributes:
        rate: The rate.
        left: Requests that may follow at once.
        full_in_s: Seconds until the whole number is free again.
        wait_s: Seconds until the refused request may be repeated; 0 when it was accepted.
    """

    rate: Rate
    left: int
    full_in_s: float
    wait_s: float = 0.0


class RateLimiter:
    """What each client has used, in one process. Not thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at_s: LRUCache[str, float] = LRUCache(MAX_CLIENTS)

    def __len__(self) -> int:
        """The number of clients that are remembered."""
        return len(self._full_at_s)

    def take(self, client: str, rate: Rate) -> Allowance:
        """Count one request, unless it is over the rate."""
        now_s = self._clock()
        step_s = rate.window_s / rate.quota
        full_at_s = max(self._full_at_s.get(client, now_s), now_s)
        wait_s = full_at_s + step_s - rate.window_s - now_s
        if wait_s > 1e-6 * rate.window_s:  # rounding must not refuse the last one
            return Allowance(rate, 0, full_at_s - now_s, wait_s)
        return self._store(client, rate, full_at_s + step_s, now_s)

    def add(self, client: str, rate: Rate, requests: int) -> Allowance:
        """Count more requests, also over the rate: those that follow wait for longer."""
        now_s = self._clock()
        full_at_s = max(self._full_at_s.get(client, now_s), now_s)
        full_at_s += requests * rate.window_s / rate.quota
        return self._store(client, rate, full_at_s, now_s)

    def _store(self, client: str, rate: Rate, full_at_s: float, now_s: float) -> Allowance:
        self._full_at_s[client] = full_at_s
        free_s = rate.window_s - (full_at_s - now_s)
        left = math.floor(free_s * rate.quota / rate.window_s + 1e-6)
        return Allowance(rate, max(left, 0), full_at_s - now_s)
