"""Counts what a crawl could not read, and keeps the first examples for the run's record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from services.ingest.pages.unread import Unread
from shared.delivery.redis_client import Client
from shared.runs.unread_list import MAX_EXAMPLES, UnreadExample, add_examples


class UnreadLog:
    """What one attempt at a run could not read."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first_unread: Unread | None = None
        """The first row or page; None when all were read."""
        self._unsent: list[UnreadExample] = []
        self._noted = 0

    def add(self, found: Iterable[Unread]) -> None:
        """Count, and keep those that are among the first."""
        for unread in found:
            self.counts[unread.kind] += 1
            if unread.kind != "value" and self.first_unread is None:
                self.first_unread = unread
            if self._noted < MAX_EXAMPLES:
                self._noted += 1
                self._unsent.append(UnreadExample(**asdict(unread)))

    async def send(self, redis: Client, run_id: str) -> None:
        """Add new examples to the run.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable; the next call sends them.
        """
        batch = tuple(self._unsent)  # further ones may be added while these are on their way
        if batch:
            await add_examples(redis, run_id, batch)
            del self._unsent[: len(batch)]
