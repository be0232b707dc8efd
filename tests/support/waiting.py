"""Waiting for conditions; never for time alone.

How long is long enough for a machine that has much else to do; only what fails takes so long.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 60.0

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, timeout_s: float = PATIENCE_S, what: str = "") -> T:
    """The condition's first true value; fails the test when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {timeout_s} s: {what or inspect.getsource(condition).strip()}"
            )
        time.sleep(0.02)


async def async_wait_until(
    condition: Callable[[], Awaitable[T]], *, timeout_s: float = PATIENCE_S, what: str = ""
) -> T:
    """``wait_until`` for a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {timeout_s} s: {what or inspect.getsource(condition).strip()}"
            )
        await asyncio.sleep(0.02)
