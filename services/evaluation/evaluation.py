"""Modes side by side over query sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.evaluation.progress import Track
from services.evaluation.significance import (
    CONFIDENCE,
    RESAMPLES,
    Difference,
    Estimate,
    difference,
    estimate,
)
from services.evaluation.systems import System
from shared.evaluation.floors import FloorCheck
from shared.evaluation.measures import measured
from shared.evaluation.query_sets import QuerySet


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of a mode over a set.

    Attributes:
        values: One a query, in the set's order.
        gain: Over the baseline; None for the baseline itself, and without one.
    """

    values: Mapping[str, float]
    estimate: Estimate
    gain: Difference | None


@dataclass(frozen=True, slots=True)
class SetResult:
    """What came out for one query set: metrics by name, by mode."""

    query_set: QuerySet
    modes: Mapping[str, Mapping[str, Measured]]
    took_ms: Mapping[str, float]

    def means(self, mode: str) -> dict[str, float]:
        """A mode's mean of each metric."""
        return {name: found.estimate.mean for name, found in self.modes[mode].items()}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out."""

    system: dict[str, Any]
    baseline: str | None
    sets: Sequence[SetResult]
    verdicts: Sequence[FloorCheck] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines: every figure, every query's values, no query's text."""
        return {
            "format_version": 1,
            **self.system,
            "baseline": self.baseline,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "query_sets": [_set_json(result) for result in self.sets],
            "floors": [
                {
                    "floor": str(verdict.floor),
                    "query_set": verdict.set_name,
                    "value": verdict.value,
                    "met": verdict.met,
                }
                for verdict in self.verdicts
            ],
        }


def evaluate(
    system: System,
    query_sets: Sequence[QuerySet],
    *,
    modes: Sequence[str],
    baseline: str | None,
    track: Track,
    say: Callable[[str], None],
) -> list[SetResult]:
    """Rank every query in every mode, and measure.

    Sets of which the system has no answer at all are left out, which is said.

    Args:
        system: Which ranks.
        query_sets: What is asked.
        modes: Of the system; the baseline among them.
        baseline: The mode to which the others are compared.
        track: Shows progress.
        say: Takes a line.
    """
    known = system.movie_ids()
    results = []
    for whole in query_sets:
        query_set = whole.among(known)
        if not query_set.queries:
            say(f"{whole.name}: left out, none of its movies is there")
            continue
        values = {}
        took_ms = {}
        for mode in modes:
            queries = query_set.queries
            ranking = system.rank(mode, track(f"{query_set.name} {mode}", queries))
            started = time.perf_counter()
            rankings = dict(ranking)
            took_ms[mode] = 1000 * (time.perf_counter() - started) / len(queries)
            values[mode] = measured(query_set, rankings)
        results.append(SetResult(query_set, _estimated(values, baseline), took_ms))
    return results


def _estimated(
    values: Mapping[str, Mapping[str, Mapping[str, float]]], baseline: str | None
) -> dict[str, dict[str, Measured]]:
    def gain(mode: str, metric: str) -> Difference | None:
        if baseline is None or mode == baseline:
            return None
        before = values[baseline][metric]
        return difference(list(values[mode][metric].values()), list(before.values()))

    return {
        mode: {
            metric: Measured(own, estimate(list(own.values())), gain(mode, metric))
            for metric, own in metrics.items()
        }
        for mode, metrics in values.items()
    }


def _set_json(result: SetResult) -> dict[str, Any]:
    return {
        "name": result.query_set.name,
        "queries": len(result.query_set.queries),
        "remarks": list(result.query_set.remarks),
        "modes": {
            mode: {
                "took_ms": result.took_ms[mode],
                "metrics": {name: _metric_json(found) for name, found in metrics.items()},
            }
            for mode, metrics in result.modes.items()
        },
    }


def _metric_json(found: Measured) -> dict[str, Any]:
    gain = found.gain
    return {
        "mean": found.estimate.mean,
        "interval": [found.estimate.low, found.estimate.high],
        "gain": None
        if gain is None
        else {
            "mean": gain.estimate.mean,
            "interval": [gain.estimate.low, gain.estimate.high],
            "p_value": gain.p_value,
        },
        "values": dict(found.values),
    }
