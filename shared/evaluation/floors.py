"""Floors, which metrics must reach: ``SET:METRIC>=VALUE``, or ``<=`` for violations. Pure.

``plot:MRR@10>=0.80`` applies to the query set ``plot`` and to every set whose name ends in
``-plot``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.evaluation.measures import METRICS, VIOLATIONS

_FLOOR = re.compile(
    r"\s*(?P<set>[\w.-]+)\s*:\s*(?P<metric>\w+@\d+)\s*(?P<relation>>=|<=)\s*(?P<limit>\S+)\s*"
)


class FloorInvalid(ValueError):
    """Raised when a floor cannot be read, or applies to nothing that is measured."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest allowed mean of a metric over a set's queries; for violations, the highest."""

    set_name: str
    metric: str
    limit: float

    def __str__(self) -> str:
        return f"{self.set_name}:{self.metric}{self.relation}{self.limit:g}"

    @property
    def relation(self) -> str:
        """``>=`` or ``<=``: how a value must compare with the limit."""
        return "<=" if self.metric == VIOLATIONS else ">="

    def is_of(self, set_name: str) -> bool:
        """Whether it applies to a query set."""
        return set_name == self.set_name or set_name.endswith(f"-{self.set_name}")

    def met_by(self, value: float) -> bool:
        """Whether a mean reaches the floor; NaN does not."""
        return value <= self.limit if self.metric == VIOLATIONS else value >= self.limit


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A floor compared with the mean of a query set."""

    floor: Floor
    set_name: str
    value: float

    @property
    def met(self) -> bool:
        """Whether the floor is reached."""
        return self.floor.met_by(self.value)

    def __str__(self) -> str:
        text = f"{self.set_name}: {self.floor.metric} is {self.value:.3f}"
        condition = f"{self.floor.relation} {self.floor.limit:g}"
        if self.met:
            return f"{text}, which is {condition}"
        return f"{text}, not {condition}: missed by {abs(self.value - self.floor.limit):.3f}"


def parse_floor(text: str) -> Floor:
    """Parse a floor.

    Raises:
        FloorInvalid: it does not have the form above.
    """
    match = _FLOOR.fullmatch(text)
    if match is None:
        raise FloorInvalid(f"floor {text!r}: must have the form plot:MRR@10>=0.80")
    metric = next((name for name in METRICS if name.lower() == match["metric"].lower()), None)
    if metric is None:
        raise FloorInvalid(f"floor {text!r}: {match['metric']} is not one of {', '.join(METRICS)}")
    try:
        limit = float(match["limit"])
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise FloorInvalid(f"floor {text!r}: {match['limit']} is not a number")
    floor = Floor(match["set"], metric, limit)
    if floor.relation != match["relation"]:
        raise FloorInvalid(f"floor {text!r}: {metric} must be {floor.relation} its limit")
    return floor


def check_floors(floors: Iterable[Floor], sets: Mapping[str, bool]) -> None:
    """Check that every floor applies to something that is measured.

    Args:
        floors: Least values of measures, by query set.
        sets: For each query set by name, whether it has movies that must not appear.

    Raises:
        FloorInvalid: a floor applies to nothing; the message names it.
    """
    for floor in floors:
        names = [name for name in sets if floor.is_of(name)]
        if not names:
            raise FloorInvalid(f"floor {floor}: the only sets are {', '.join(sets)}")
        if floor.metric == VIOLATIONS and not any(sets[name] for name in names):
            raise FloorInvalid(f"floor {floor}: no query has a movie that must not appear")


def verdicts(floors: Iterable[Floor], means: Mapping[str, Mapping[str, float]]) -> list[FloorCheck]:
    """Compare floors with means.

    Args:
        floors: Least values of measures, by query set.
        means: By query set, the mean of each metric.
    """
    return [
        FloorCheck(floor, name, values[floor.metric])
        for floor in floors
        for name, values in means.items()
        if floor.is_of(name) and floor.metric in values
    ]
