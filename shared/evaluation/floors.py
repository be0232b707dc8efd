"""Floors, which metrics must reach. Pure.

=============================== ===================================================================
``plot:MRR@10>=0.80``           the figure of the set ``plot``, and of every set whose name ends in
                                ``-plot``, must be at least .80
``feel:opposites@10<=18``       at most, for metrics of which less is better: ``violations@10``,
                                ``opposites@10``, ``unjudged@10``
``titles/typo:success@1>=0.9``  the figure of the queries of the kind ``typo`` in such sets
=============================== ===================================================================

Case in the metric's name does not matter, and blanks may stand around every part.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from shared.evaluation.measures import (
    FEWER_ARE_BETTER,
    KEPT,
    METRICS,
    OPPOSITES,
    UNJUDGED,
    VIOLATIONS,
    metrics_of,
)
from shared.evaluation.query_sets import QuerySet

_FLOOR = re.compile(
    r"\s*(?P<set>[\w.-]+(?:/[\w.-]+)?)\s*:\s*(?P<metric>\w+@\d+)\s*(?P<relation>>=|<=)\s*(?P<limit>\S+)\s*"
)
_NOTHING = {
    VIOLATIONS: "no query has a movie that must not appear",
    OPPOSITES: "no query has a movie that must not appear",
    UNJUDGED: "no movie is judged as not relevant",
    KEPT: "no query says what movies must be",
}


class FloorInvalid(ValueError):
    """Raised when a floor cannot be read, or applies to nothing that is measured."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest allowed figure of a set; the highest where less is better."""

    set_name: str
    metric: str
    limit: float

    def __str__(self) -> str:
        return f"{self.set_name}:{self.metric}{self.relation}{self.limit:g}"

    @property
    def relation(self) -> str:
        """``>=`` or ``<=``: how a value must compare with the limit."""
        return "<=" if self.metric in FEWER_ARE_BETTER else ">="

    def is_of(self, set_name: str) -> bool:
        """Whether it applies to a query set."""
        return set_name == self.set_name or set_name.endswith(f"-{self.set_name}")

    def is_within(self, set_name: str) -> bool:
        """Whether it applies to a query set or to one of its kinds."""
        whole = replace(self, set_name=self.set_name.partition("/")[0])
        return whole.is_of(set_name)

    def met_by(self, value: float) -> bool:
        """Whether a figure reaches the floor; NaN does not."""
        return value <= self.limit if self.relation == "<=" else value >= self.limit


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A floor compared with the figure of a query set."""

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


def check_floors(floors: Iterable[Floor], query_sets: Iterable[QuerySet]) -> None:
    """Check that every floor applies to something that is measured.

    Args:
        floors: Least or greatest values of measures, by query set.
        query_sets: The query sets that are measured.

    Raises:
        FloorInvalid: a floor applies to nothing; the message names it.
    """
    measurable: dict[str, Collection[str]] = {}
    for query_set in query_sets:
        measurable[query_set.name] = metrics_of(query_set)
        for kind in query_set.kinds:
            group = query_set.of_kind(kind)
            measurable[group.name] = metrics_of(group)
    for floor in floors:
        names = [name for name in measurable if floor.is_of(name)]
        if not names:
            raise FloorInvalid(f"floor {floor}: the only sets are {', '.join(measurable)}")
        if all(floor.metric not in measurable[name] for name in names):
            reason = _NOTHING.get(floor.metric, "no query has a relevant movie")
            raise FloorInvalid(f"floor {floor}: {reason}")


def verdicts(
    floors: Iterable[Floor], figures: Mapping[str, Mapping[str, float]]
) -> list[FloorCheck]:
    """Compare floors with figures.

    Args:
        floors: Least or greatest values of measures, by query set.
        figures: For each query set by name, and each kind as ``SET/KIND``, the figure of each
            metric.
    """
    return [
        FloorCheck(floor, name, values[floor.metric])
        for floor in floors
        for name, values in figures.items()
        if floor.is_of(name) and floor.metric in values
    ]
