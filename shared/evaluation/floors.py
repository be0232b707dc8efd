"""What a ranking must reach: ``SET:METRIC>=VALUE``, or ``<=`` for violations. Pure.

``plot:MRR@10>=0.80`` is of the query set ``plot``, and of every set whose name ends in ``-plot``.
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
    """A floor cannot be read, or nothing that is measured is meant by it."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The least mean of a metric over a set's queries; of violations the most."""

    set_name: str
    metric: str
    limit: float

    def __str__(self) -> str:
        return f"{self.set_name}:{self.metric}{self.relation}{self.limit:g}"

    @property
    def relation(self) -> str:
        """How a value must stand to the limit."""
        return "<=" if self.metric == VIOLATIONS else ">="

    def is_of(self, set_name: str) -> bool:
        """Whether a query set is meant."""
        return set_name == self.set_name or set_name.endswith(f"-{self.set_name}")

    def met_by(self, value: float) -> bool:
        """Whether a mean is good enough; what is not a number never is."""
        return value <= self.limit if self.metric == VIOLATIONS else value >= self.limit


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A floor held against a set's mean."""

    floor: Floor
    set_name: str
    value: float

    @property
    def met(self) -> bool:
        """Whether the floor is reached."""
        return self.floor.met_by(self.value)

    def __str__(self) -> str:
        text = f"{self.set_name}: {self.floor.metric} is {self.value:.3f}"
        wanted = f"{self.floor.relation} {self.floor.limit:g}"
        if self.met:
            return f"{text}, {wanted} as wanted"
        return f"{text}, not {wanted}: missed by {abs(self.value - self.floor.limit):.3f}"


def parse_floor(text: str) -> Floor:
    """Read a floor.

    Raises:
        FloorInvalid: it is not of the form above.
    """
    match = _FLOOR.fullmatch(text)
    if match is None:
        raise FloorInvalid(f"floor {text!r}: must be like plot:MRR@10>=0.80")
    metric = next((name for name in METRICS if name.lower() == match["metric"].lower()), None)
    if metric is None:
        raise FloorInvalid(f"floor {text!r}: {match['metric']} is none of {', '.join(METRICS)}")
    try:
        limit = float(match["limit"])
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise FloorInvalid(f"floor {text!r}: {match['limit']} is not a number")
    floor = Floor(match["set"], metric, limit)
    if floor.relation != match["relation"]:
        raise FloorInvalid(f"floor {text!r}: {metric} is wanted {floor.relation} its limit")
    return floor


def check_floors(floors: Iterable[Floor], sets: Mapping[str, bool]) -> None:
    """Refuse floors that nothing would ever be held against.

    Args:
        floors: Of whatever is going to be measured.
        sets: By the sets' names, whether they have movies that must not appear.

    Raises:
        FloorInvalid: naming the floor.
    """
    for floor in floors:
        meant = [name for name in sets if floor.is_of(name)]
        if not meant:
            raise FloorInvalid(f"floor {floor}: there are only the sets {', '.join(sets)}")
        if floor.metric == VIOLATIONS and not any(sets[name] for name in meant):
            raise FloorInvalid(f"floor {floor}: no movie is judged as one that must not appear")


def verdicts(floors: Iterable[Floor], means: Mapping[str, Mapping[str, float]]) -> list[FloorCheck]:
    """Hold floors against the means of metrics by query set."""
    return [
        FloorCheck(floor, name, found[floor.metric])
        for floor in floors
        for name, found in means.items()
        if floor.is_of(name) and floor.metric in found
    ]
