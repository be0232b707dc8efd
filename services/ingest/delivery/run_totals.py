"""The totals of a run: number of items, and an order-independent checksum of their ids. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.delivery.messages import checksum_of_ids, ledger_id

_MOVIES = ledger_id("movie", "")


@dataclass(slots=True)
class RunTotals:
    """Counts distinct items; the caller adds each of them once."""

    movies: int = 0
    reviews: int = 0
    checksum: int = 0

    @classmethod
    def of(cls, items: Iterable[str]) -> Self:
        """The totals of distinct ledger ids."""
        totals = cls()
        for item in items:
            totals.add(item)
        return totals

    @property
    def items(self) -> int:
        """Number of movies and reviews together."""
        return self.movies + self.reviews

    def add(self, item: str) -> None:
        """Count a ledger id (``shared.delivery.messages.ledger_id``)."""
        if item.startswith(_MOVIES):
            self.movies += 1
        else:
            self.reviews += 1
        self.checksum = (self.checksum + checksum_of_ids([item])) % 2**64
