"""Waiting for conditions; never for time alone.

``PATIENCE_S`` is long enough for a machine that has much else to do; only what fails takes so long.
Work whose length depends on the machine, such as encoding thousands of reviews, is waited for as
long as it moves: ``moving`` says how far it is, and the patience begins again with each change.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 60.0

T = TypeVar("T")


class _Patience:
    """When to give up: so long after the start, or after the last sign of progress."""

    def __init__(self, timeout_s: float, moving: Callable[[], object] | None) -> None:
        self._timeout_s = timeout_s
        self._moving = moving
        self._progress = moving() if moving is not None else None
        self._deadline = time.monotonic() + timeout_s

    def is_over(self) -> bool:
        if time.monotonic() <= self._deadline:
            return False
        progress = self._moving() if self._moving is not None else None
        if progress == self._progress:
            return True
        self._progress = progress
        self._deadline = time.monotonic() + self._timeout_s
        return False

    def failure(self, condition: Callable[[], object], what: str) -> AssertionError:
        still = f", nothing moves at {self._progress!r}" if self._moving is not None else ""
        what = what or inspect.getsource(condition).strip()
        return AssertionError(f"not within {self._timeout_s} s: {what}{still}")


def wait_until(
    condition: Callable[[], T],
    *,
    timeout_s: float = PATIENCE_S,
    what: str = "",
    moving: Callable[[], object] | None = None,
) -> T:
    """The condition's first true value; fails the test when there is none in time.

    Args:
        condition: Asked again and again.
        timeout_s: How long it may take; with ``moving``, how long nothing may move.
        what: What is waited for, for the message.
        moving: How far the work is; any value that changes while it moves.
    """
    patience = _Patience(timeout_s, moving)
    while not (value := condition()):
        if patience.is_over():
            raise patience.failure(condition, what)
        time.sleep(0.02)
    return value


async def async_wait_until(
    condition: Callable[[], Awaitable[T]],
    *,
    timeout_s: float = PATIENCE_S,
    what: str = "",
    moving: Callable[[], object] | None = None,
) -> T:
    """``wait_until`` for a coroutine function."""
    patience = _Patience(timeout_s, moving)
    while not (value := await condition()):
        if patience.is_over():
            raise patience.failure(condition, what)
        await asyncio.sleep(0.02)
    return value
