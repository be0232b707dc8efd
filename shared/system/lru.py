"""What was read lately, kept within a bound of bytes; the least recently asked for goes first.

For one thread at a time, as the catalogue is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Values by row."""

    def __init__(self, most_bytes: int) -> None:
        """Keep nothing yet."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[int, tuple[T, int]] = OrderedDict()

    def get(self, row: int) -> T | None:
        """The value of a row; None when it is not kept."""
        found = self._kept.get(row)
        if found is None:
            return None
        self._kept.move_to_end(row)
        return found[0]

    def keep(self, row: int, value: T, size_bytes: int) -> None:
        """Keep a row that is not kept, and let go of others as far as room is wanted.

        Args:
            row: Of the value.
            value: Must never change.
            size_bytes: About what it takes.
        """
        self._kept[row] = value, size_bytes
        self._bytes += size_bytes
        while self._bytes > self._most_bytes:
            _, (_, freed_bytes) = self._kept.popitem(last=False)
            self._bytes -= freed_bytes
