"""Retries with backoff, and pauses that a stop flag ends.

Written by hand rather than with tenacity: a stop flag must end the pause and the retries, and that
is most of these few lines.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
Retryable = tuple[type[Exception], ...] | Callable[[Exception], bool]


class Backoff:
    """Delays that double from ``first_s`` up to ``most_s``."""

    def __init__(self, first_s: float = 0.1, most_s: float = 2.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._delay_s = first_s

    def next_s(self) -> float:
        """The next delay in seconds."""
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, self._most_s)
        return delay_s

    def reset(self) -> None:
        """Start over with the first delay."""
        self._delay_s = self._first_s


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    on: Retryable,
    backoff: Backoff | None = None,
    give_up_after_s: float = math.inf,
    stop: asyncio.Event | None = None,
    on_retry: Callable[[Exception, float], None] | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call ``operation`` until it succeeds.

    Args:
        operation: What may fail; called at least once.
        on: The errors after which it is called again: their types, or a predicate.
        backoff: The delays between calls; default: 0.1 s doubling to 2 s.
        give_up_after_s: No call is made later than this.
        stop: When set, the current delay ends, and the call after it is the last one.
        on_retry: Called before each delay with the error and the delay in seconds.
        sleep: Waits for a number of seconds; used when there is no ``stop``.
        clock: The time in seconds.

    Returns:
        What ``operation`` returned.

    Raises:
        Exception: the last error, when it is not one of ``on``, or there is no time for another
            call, or ``stop`` is set.
    """
    backoff = backoff or Backoff()
    deadline = clock() + give_up_after_s
    while True:
        try:
            return await operation()
        except Exception as error:
            retryable = isinstance(error, on) if isinstance(on, tuple) else on(error)
            if not retryable or (stop is not None and stop.is_set()):
                raise
            delay_s = backoff.next_s()
            if clock() + delay_s > deadline:
                raise
            if on_retry is not None:
                on_retry(error, delay_s)
        if stop is None:
            await sleep(delay_s)
        else:
            await wait_for(stop, delay_s)


async def wait_for(
    stop: asyncio.Event, seconds: float, *, wake: asyncio.Event | None = None
) -> None:
    """Return after ``seconds``, or at once when ``stop`` (or ``wake``) is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, wake) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
