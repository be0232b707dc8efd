"""What one measurement is, and how several of it are told: minimum, median, ratios in one run.

Other work on the machine only ever adds time, so the minimum says what the program costs and the
median what was seen. A ratio is taken round by round, between windows that lay beside each other,
so that what slowed one down slowed the other too. Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Window:
    """Some operations, timed together."""

    operations: int
    wall_s: float
    cpu_s: float

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of an operation."""
        return 1000 * self.cpu_s / self.operations if self.operations else float("nan")

    @property
    def wall_ms(self) -> float:
        """Milliseconds of an operation, done one after the other."""
        return 1000 * self.wall_s / self.operations if self.operations else float("nan")

    @property
    def per_second(self) -> float:
        """Operations a second."""
        return self.operations / self.wall_s if self.wall_s else float("nan")


@dataclass(frozen=True, slots=True)
class Series:
    """One figure, a value for each round."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Series:
        """From a value for each round.

        Raises:
            ValueError: there is none.
        """
        found = tuple(values)
        if not found:
            raise ValueError("a series needs a value")
        return cls(found)

    @property
    def minimum(self) -> float:
        """The least."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def maximum(self) -> float:
        """The greatest."""
        return max(self.values)

    def over(self, other: Series) -> Series:
        """Ratios to another series, round by round.

        Raises:
            ValueError: they are not of the same rounds.
        """
        return Series.of(a / b for a, b in zip(self.values, other.values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """All there is to tell."""
        return {
            "minimum": self.minimum,
            "median": self.median,
            "maximum": self.maximum,
            "rounds": list(self.values),
        }

    def shown(self, decimals: int | None = None) -> str:
        """Minimum and median, for a table."""
        return f"{number(self.minimum, decimals)} / {number(self.median, decimals)}"


def number(value: float, decimals: int | None = None) -> str:
    """A figure with about three digits that count, or so many decimals."""
    if value != value:  # not a number
        return "-"
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return f"{value:,.{decimals}f}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that ``share`` of all do not exceed (nearest rank).

    Args:
        ordered: Ascending, not empty.
        share: From 0 to 1.
    """
    place = -(-len(ordered) * share // 1)  # the ceiling
    return ordered[max(0, min(len(ordered) - 1, int(place) - 1))]
