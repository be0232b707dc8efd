"""A limited supply that clients share: no client takes more than it leaves for the others.

A client may have as much as is free after it has taken it. So one client gets at most half of all,
two greedy ones a third each, and a client that has nothing always finds something. Not thread-safe.
"""

from __future__ import annotations


class Shares:
    """What each client has of one supply."""

    def __init__(self, limit: int) -> None:
        """Start with all of it free.

        Args:
            limit: How much there is.
        """
        self.limit = limit
        self.taken = 0
        self._by_client: dict[str, int] = {}

    def of(self, client: str) -> int:
        """Return how much a client has."""
        return self._by_client.get(client, 0)

    def may_take(self, client: str, amount: int = 1) -> bool:
        """Return whether a client may take so much more."""
        return self.of(client) + amount <= max(self.limit - self.taken - amount, 0)

    def take(self, client: str, amount: int = 1) -> None:
        """Count what a client takes, whether it may or not."""
        self.taken += amount
        self._by_client[client] = self.of(client) + amount

    def give_back(self, client: str, amount: int = 1) -> None:
        """Count what a client no longer has."""
        self.taken -= amount
        left = self.of(client) - amount
        if left:
            self._by_client[client] = left
        else:
            self._by_client.pop(client, None)
