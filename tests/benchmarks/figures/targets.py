"""The targets and their outcomes. Pure.

Each target is a ratio within one run, so that it applies to other machines too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.tables import Table

Key = Literal[
    "cpu-original", "throughput-original-8", "throughput-original-32", "cpu-txtai",
    "p99-original", "cpu-encode", "bulk", "memory-original", "start-original", "flat-1m",
    "pipeline", "reingest", "publish-one", "goodput", "p99-overload", "fairness", "p99-reload",
    "rss-reload", "popular",
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A ratio and its bound."""

    key: Key
    what: str
    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Whether a value meets the target."""
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def shown(self) -> str:
        """The bound as a table cell."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


TARGETS: tuple[Target, ...] = (
    Target("cpu-original", "CPU a search, original design / ours, concurrency 8", 8, True),
    Target("throughput-original-8", "throughput, ours / original, concurrency 8", 5, True),
    Target("throughput-original-32", "throughput, ours / original, concurrency 32", 5, True),
    Target("cpu-txtai", "CPU a search, txtai API hybrid / ours, concurrency 8", 5, True),
    Target("p99-original", "p99 at concurrency 8, original / ours", 5, True),
    Target("cpu-encode", "CPU of a search / of its encoding alone", 1.5, False),
    Target("bulk", "bulk encoding, tokens a CPU second, ours / sentence-transformers", 4, True),
    Target("memory-original", "memory of the query service / the original's", 0.5, False),
    Target("start-original", "cold start to the first answer / the original's", 0.3, False),
    Target("flat-1m", "flat search of 1M x 384 / reading the matrix once", 1.3, False),
    Target("pipeline", "reviews a second from source to searchable / encoder's bound", 0.9, True),
    Target("reingest", "unchanged source again: share of its reviews encoded", 0, False),
    Target("publish-one", "publishing one changed movie of 10k / a full rebuild", 0.1, False),
    Target("goodput", "goodput at 2x and 4x overload / capacity", 0.9, True),
    Target(
        "p99-overload", "p99 of those admitted at overload / (queue x service time)", 1.5, False
    ),
    Target("fairness", "median beside two greedy clients / alone", 3, False),
    Target("p99-reload", "p99 while reloading every 0.5 s / steady", 1.25, False),
    Target("popular", "a search where few movies have most reviews / with two each", 2, False),
    Target("rss-reload", "memory that a reload takes at its height / snapshot", 1.15, False),
)


@dataclass(frozen=True)
class Measured:
    """A value for each round; ``note`` says how it was measured."""

    series: Series
    note: str = ""


@dataclass(frozen=True)
class NotMeasured:
    """The reason why a target has no value."""

    reason: str


Outcome = Measured | NotMeasured
NOT_RUN = NotMeasured("not run")


def verdict(target: Target, outcome: Outcome) -> str:
    """Whether the median meets the target, or why there is no value."""
    if isinstance(outcome, NotMeasured):
        return outcome.reason
    return "met" if target.met(outcome.series.median) else "missed"


def table(outcomes: Mapping[Key, Outcome]) -> Table:
    """All targets with their outcomes."""
    rows = []
    for target in TARGETS:
        outcome = outcomes.get(target.key, NOT_RUN)
        rows.append([target.what, target.shown, *_cells(outcome), verdict(target, outcome)])
    notes = [
        f"{target.what}: {outcome.note}."
        for target in TARGETS
        if isinstance(outcome := outcomes.get(target.key, NOT_RUN), Measured) and outcome.note
    ]
    columns = ("ratio", "target", "median", "minimum", "maximum", "")
    return Table("targets", "Targets", columns, rows, notes)


def _cells(outcome: Outcome) -> Sequence[str]:
    if isinstance(outcome, NotMeasured):
        return ("-", "-", "-")
    series = outcome.series
    return tuple(number(value) for value in (series.median, series.minimum, series.maximum))


def to_json(outcomes: Mapping[Key, Outcome]) -> list[dict[str, Any]]:
    """All targets with their outcomes, for JSON."""
    rows = []
    for target in TARGETS:
        outcome = outcomes.get(target.key, NOT_RUN)
        row: dict[str, Any] = {
            "key": target.key, "what": target.what, "bound": target.bound,
            "at_least": target.at_least, "verdict": verdict(target, outcome),
        }  # fmt: skip
        if isinstance(outcome, Measured):
            row |= {**outcome.series.to_json(), "note": outcome.note}
        rows.append(row)
    return rows
