"""The metrics of rankings, query by query. Pure.

The metrics are those of ``ir_measures`` (trec_eval's definitions, linear gains); only movies with a
judgement above 0 are relevant. ``violations@10`` counts the movies among the first ten whose
judgement says that they must not appear; no tool has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import RR, R, nDCG

from shared.evaluation.query_sets import QuerySet

DEPTH = 10
VIOLATIONS = f"violations@{DEPTH}"
_TOOL = {
    f"MRR@{DEPTH}": RR @ DEPTH,
    f"nDCG@{DEPTH}": nDCG @ DEPTH,
    "R@1": R @ 1,
    f"R@{DEPTH}": R @ DEPTH,
}
METRICS = (*_TOOL, VIOLATIONS)


def measured(
    query_set: QuerySet, rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Compute every metric of every query.

    Args:
        query_set: The queries and their judgements.
        rankings: Movie ids, best first, by query id; only the first ``DEPTH`` count.

    Returns:
        The values of each metric by query id, in the set's order; ``VIOLATIONS`` only if the set
        has movies that must not appear.
    """
    names = {measure: name for name, measure in _TOOL.items()}
    relevant = {
        query_id: {movie: score for movie, score in judged.items() if score > 0}
        for query_id, judged in query_set.judgements.items()
    }
    # The tool sorts by score, and ties by id: scores made of ranks keep the order.
    run = {
        query.query_id: {
            movie: float(DEPTH - index)
            for index, movie in enumerate(rankings[query.query_id][:DEPTH])
        }
        for query in query_set.queries
    }
    values: dict[str, dict[str, float]] = {
        name: dict.fromkeys((query.query_id for query in query_set.queries), 0.0) for name in _TOOL
    }
    for metric in ir_measures.iter_calc(list(names), relevant, run):
        values[names[metric.measure]][metric.query_id] = float(metric.value)
    if query_set.has_unwanted:
        values[VIOLATIONS] = {
            query.query_id: float(
                sum(
                    query_set.judgements[query.query_id].get(movie, 0) < 0
                    for movie in run[query.query_id]
                )
            )
            for query in query_set.queries
        }
    return values


def mean(values: Mapping[str, float]) -> float:
    """The mean over all queries."""
    return sum(values.values()) / len(values)
