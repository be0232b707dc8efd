"""Ranks query sets in several modes, and compares the modes by their metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.evaluation.earlier import EARLIER, EarlierFigures
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
from shared.evaluation.measures import SUCCESS, TOTALS, Values, figures_of, measured
from shared.evaluation.query_sets import QuerySet


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of one mode over a query set.

    Attributes:
        values: The metric of each query, by query id, in the order of the set.
        estimate: The set's figure (``measures.figure``), with its confidence interval.
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
        kinds: For each kind of query, ``success@1`` by mode.
    """

    query_set: QuerySet
    modes: Mapping[str, Mapping[str, Measured]]
    took_ms: Mapping[str, float]
    kinds: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)

    def figures(self, mode: str) -> dict[str, dict[str, float]]:
        """A mode's figures of the set, and of each of its kinds as ``SET/KIND``, by metric."""
        values = {name: dict(metric.values) for name, metric in self.modes[mode].items()}
        return figures_of(self.query_set, values)


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
    earlier: EarlierFigures | None = None,
) -> list[SetResult]:
    """Rank every query in every mode, and measure the rankings.

    A set is skipped, with a line that says so, when the system has none of its movies.

    Args:
        system: The system that ranks.
        query_sets: The judged queries.
        modes: Modes of the system.
        baseline: The mode that the others are compared with, one of these or ``EARLIER``.
        track: Shows progress.
        say: Prints a line.
        earlier: The figures of an earlier evaluation; they become the mode ``EARLIER``.
    """
    facts = system.facts()
    known = frozenset(facts)
    results = []
    for whole in query_sets:
        query_set = whole.among(known)
        if not query_set.queries:
            say(f"{whole.name}: skipped, the system has none of its movies")
            continue
        values: dict[str, Values] = {}
        took_ms = {}
        for mode in modes:
            queries = query_set.queries
            ranking = system.rank(mode, track(f"{query_set.name} {mode}", queries))
            started = time.perf_counter()
            rankings = dict(ranking)
            took_ms[mode] = 1000 * (time.perf_counter() - started) / len(queries)
            values[mode] = measured(query_set, rankings, facts)
        before = None if earlier is None else earlier.of(query_set)
        if earlier is not None and before is None:
            say(f"{whole.name}: the earlier figures are not of these queries")
        if earlier is not None and before is not None:
            values[EARLIER] = {name: by_query for name, by_query in before.items() if by_query}
            took_ms[EARLIER] = earlier.took_ms[whole.name]
        kinds = {kind: _of_kind(query_set, kind, values, baseline) for kind in query_set.kinds}
        results.append(SetResult(query_set, _estimated(values, baseline), took_ms, kinds))
    return results


def _of_kind(
    query_set: QuerySet, kind: str, values: Mapping[str, Values], baseline: str | None
) -> dict[str, Measured]:
    ids = [query.query_id for query in query_set.of_kind(kind).queries]
    success: dict[str, Values] = {
        mode: {SUCCESS: {query_id: metrics[SUCCESS][query_id] for query_id in ids}}
        for mode, metrics in values.items()
        if SUCCESS in metrics
    }
    return {mode: metrics[SUCCESS] for mode, metrics in _estimated(success, baseline).items()}


def _estimated(
    values: Mapping[str, Values], baseline: str | None
) -> dict[str, dict[str, Measured]]:
    def gain(mode: str, metric: str) -> Difference | None:
        before = values.get(baseline, {}).get(metric) if baseline is not None else None
        if mode == baseline or before is None or list(before) != list(values[mode][metric]):
            return None
        result = difference(list(values[mode][metric].values()), list(before.values()))
        return Difference(_figure(metric, result.estimate, len(before)), result.p_value)

    def whole(metric: str, by_query: Mapping[str, float]) -> Estimate:
        return _figure(metric, estimate(list(by_query.values())), len(by_query))

    return {
        mode: {
            metric: Measured(by_query, whole(metric, by_query), gain(mode, metric))
            for metric, by_query in metrics.items()
        }
        for mode, metrics in values.items()
    }


def _figure(metric: str, of_mean: Estimate, queries: int) -> Estimate:
    """The estimate of a set's figure, from that of its mean."""
    if metric not in TOTALS:
        return of_mean
    return Estimate(of_mean.mean * queries, of_mean.low * queries, of_mean.high * queries)


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
        "kinds": {
            kind: {mode: _metric_json(metric, values=False) for mode, metric in modes.items()}
            for kind, modes in result.kinds.items()
        },
    }


def _metric_json(metric: Measured, *, values: bool = True) -> dict[str, Any]:
    gain = metric.gain
    document: dict[str, Any] = {
        "mean": metric.estimate.mean,
        "interval": [metric.estimate.low, metric.estimate.high],
        "gain": None
        if gain is None
        else {
            "mean": gain.estimate.mean,
            "interval": [gain.estimate.low, gain.estimate.high],
            "p_value": gain.p_value,
        },
    }
    if values:
        document["values"] = dict(metric.values)
    return document
