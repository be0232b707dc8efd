"""Requests of one client that are handled one after the other.

A batch of searches costs the event loop much, even if it is refused: it has to be read and
validated first. So those of a client wait for each other unread, and a client that sends one after
another as fast as it can does not keep the event loop from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    requests: int = 0


class TurnTimeout(RuntimeError):
    """The requests before have not ended in time."""


class Turns:
    """Whose turn it is, for each client."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        """The number of clients with requests."""
        return len(self._turns)

    @asynccontextmanager
    async def of(self, client: str, wait_s: float | None) -> AsyncIterator[None]:
        """Wait for the requests of a client that came before, then keep those behind waiting.

        Raises:
            TurnTimeout: they have not ended within ``wait_s`` seconds.
        """
        turn = self._turns.setdefault(client, _Turn())
        turn.requests += 1
        try:
            try:
                async with asyncio.timeout(wait_s):
                    await turn.lock.acquire()
            except TimeoutError:
                raise TurnTimeout from None
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            turn.requests -= 1
            if not turn.requests:
                del self._turns[client]
