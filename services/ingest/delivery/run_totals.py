"""What a run adds up to: how many items, and the order-free checksum of their names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.delivery.messages import checksum_of_ids, ledger_id

_MOVIES = ledger_id("movie", "")


@dataclass(slots=True)
class RunTotals:
    """Distinct items, counted by the caller one at a time and each once."""

    movies: int = 0
    reviews: int = 0
    checksum: int = 0

    @classmethod
    def of(cls, items: Iterable[str]) -> Self:
        """The ledger of distinct ledger ids."""
        ledger = cls()
        for item in items:
            ledger.add(item)
        return ledger

    @property
    def items(self) -> int:
        """Movies and reviews together."""
        return self.movies + self.reviews

    def add(self, item: str) -> None:
        """Count a ledger id (``shared.delivery.messages.ledger_id``)."""
        if item.startswith(_MOVIES):
            self.movies += 1
        else:
            self.reviews += 1
        self.checksum = (self.checksum + checksum_of_ids([item])) % 2**64
