"""Ranks query sets in several modes, and compares the modes by their metrics."""

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
    """A metric of one mode over a query set.

    Attributes:
        values: The metric of each query, by query id, in the order of the set.
        estimate: The mean, with its confidence interval.
        gain: The difference to the baseline; None for the baseline itself, and without one.
    """

    values: Mapping[str, float]
    estimate: Estimate
    gain: Difference | None


@dataclass(frozen=True, slots=True)
class SetResult:
    """The result for one query set.

    Attributes:
        query_set: The queries that were measured.
        modes: For each mode, its metrics by name.
        took_ms: For each mode, the mean time of a query in milliseconds.
    """

    query_set: QuerySet
    modes: Mapping[str, Mapping[str, Measured]]
    took_ms: Mapping[str, float]

    def means(self, mode: str) -> dict[str, float]:
        """A mode's mean of each metric."""
        return {name: metric.estimate.mean for name, metric in self.modes[mode].items()}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        system: What was evaluated: its snapshot, and its address when it is a running system.
        baseline: The mode that the others were compared with.
        sets: The result for each query set.
        verdicts: The floors that were checked.
    """

    system: dict[str, Any]
    baseline: str | None
    sets: Sequence[SetResult]
    verdicts: Sequence[FloorCheck] = ()

    def to_json(self) -> dict[str, Any]:
        """All figures and the values of each query, but no query's text."""
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
    """Rank every query in every mode, and measure the rankings.

    A set is skipped, with a line that says so, when the system has none of its movies.

    Args:
        system: The system that ranks.
        query_sets: The judged queries.
        modes: Modes of the system, the baseline among them.
        baseline: The mode that the others are compared with.
        track: Shows progress.
        say: Prints a line.
    """
    known = system.movie_ids()
    results = []
    for whole in query_sets:
        query_set = whole.among(known)
        if not query_set.queries:
            say(f"{whole.name}: skipped, the system has none of its movies")
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
            metric: Measured(by_query, estimate(list(by_query.values())), gain(mode, metric))
            for metric, by_query in metrics.items()
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
                "metrics": {name: _metric_json(metric) for name, metric in metrics.items()},
            }
            for mode, metrics in result.modes.items()
        },
    }


def _metric_json(metric: Measured) -> dict[str, Any]:
    gain = metric.gain
    return {
        "mean": metric.estimate.mean,
        "interval": [metric.estimate.low, metric.estimate.high],
        "gain": None
        if gain is None
        else {
            "mean": gain.estimate.mean,
            "interval": [gain.estimate.low, gain.estimate.high],
            "p_value": gain.p_value,
        },
        "values": dict(metric.values),
    }
