"""Measurements and their summaries: minimum, median, ratios within one run. Pure.

Other work on the machine only adds time, so the minimum is the cost of the program and the median
is what was observed. A ratio is taken round by round, between adjacent windows, so that other work
slows both of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Window:
    """A number of operations that were timed together."""

    operations: int
    wall_s: float
    cpu_s: float

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per operation."""
        return 1000 * self.cpu_s / self.operations if self.operations else float("nan")

    @property
    def wall_ms(self) -> float:
        """Milliseconds per operation, when they run one after the other."""
        return 1000 * self.wall_s / self.operations if self.operations else float("nan")

    @property
    def per_second(self) -> float:
        """Operations per second."""
        return self.operations / self.wall_s if self.wall_s else float("nan")


@dataclass(frozen=True, slots=True)
class Series:
    """A figure with one value for each round."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Series:
        """A series of these values.

        Raises:
            ValueError: there are none.
        """
        rounds = tuple(values)
        if not rounds:
            raise ValueError("a series needs a value")
        return cls(rounds)

    @property
    def minimum(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def maximum(self) -> float:
        """The largest value."""
        return max(self.values)

    def over(self, other: Series) -> Series:
        """Ratios to another series, round by round.

        Raises:
            ValueError: the series have different numbers of rounds.
        """
        return Series.of(a / b for a, b in zip(self.values, other.values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """The summary and all values, for JSON."""
        return {
            "minimum": self.minimum,
            "median": self.median,
            "maximum": self.maximum,
            "rounds": list(self.values),
        }

    def shown(self, decimals: int | None = None) -> str:
        """Minimum and median as a table cell."""
        return f"{number(self.minimum, decimals)} / {number(self.median, decimals)}"


def number(value: float, decimals: int | None = None) -> str:
    """A figure with about three significant digits, or with this number of decimals."""
    if value != value:  # not a number
        return "-"
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return f"{value:,.{decimals}f}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed (nearest rank).

    Args:
        ordered: The values in ascending order, at least one.
        share: A fraction from 0 to 1.
    """
    place = -(-len(ordered) * share // 1)  # the ceiling
    return ordered[max(0, min(len(ordered) - 1, int(place) - 1))]
