"""The metrics of rankings, query by query. Pure.

=============== ===================================================================================
MRR@10, R@10,   as in ``ir_measures`` (trec_eval's definitions); only movies with a judgement above
R@1             0 are relevant
nDCG@10         the same, with the gain ``2^grade - 1``: a movie that is just right (2) counts three
                times as much as one that is acceptable (1); -1 counts as 0
success@1       whether the first hit is relevant: with one relevant movie a query, R@1
violations@10   movies among the first ten whose judgement says that they must not appear
opposites@10    the same, but the figure of a set is their number over all its queries
unjudged@10     the share of the first ten that have no judgement, in sets that also judge movies
                as not relevant: where it is high, the other figures are too low
kept@10         the share of the first ten that are what the query says that movies must be
=============== ===================================================================================

The figure of a set is the mean over its queries, except for ``opposites@10``. No tool has the last
five.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ir_measures
from ir_measures import RR, R, nDCG

from shared.evaluation.constraints import MovieFacts
from shared.evaluation.query_sets import QuerySet

DEPTH = 10
MRR = f"MRR@{DEPTH}"
NDCG = f"nDCG@{DEPTH}"
RECALL = f"R@{DEPTH}"
SUCCESS = "success@1"
VIOLATIONS = f"violations@{DEPTH}"
OPPOSITES = f"opposites@{DEPTH}"
UNJUDGED = f"unjudged@{DEPTH}"
KEPT = f"kept@{DEPTH}"

_TOOL = {MRR: RR @ DEPTH, NDCG: nDCG @ DEPTH, "R@1": R @ 1, RECALL: R @ DEPTH}
METRICS = (*_TOOL, SUCCESS, VIOLATIONS, OPPOSITES, UNJUDGED, KEPT)
FEWER_ARE_BETTER = frozenset({VIOLATIONS, OPPOSITES, UNJUDGED})
TOTALS = frozenset({OPPOSITES})

Values = dict[str, dict[str, float]]


def metrics_of(query_set: QuerySet) -> tuple[str, ...]:
    """The metrics that a set has judgements for."""
    scores = {score for judged in query_set.judgements.values() for score in judged.values()}
    measurable = {
        **dict.fromkeys((*_TOOL, SUCCESS), any(score > 0 for score in scores)),
        VIOLATIONS: -1 in scores,
        OPPOSITES: -1 in scores,
        UNJUDGED: 0 in scores,
        KEPT: any(query.must is not None for query in query_set.queries),
    }
    return tuple(metric for metric in METRICS if measurable[metric])


def main_metrics(query_set: QuerySet) -> tuple[str, ...]:
    """The few metrics that say most about a set, for a table with one line a figure."""
    available = metrics_of(query_set)
    if KEPT in available:
        return (KEPT,)
    if query_set.kinds:
        return (SUCCESS, MRR)
    one_answer = all(
        sum(score > 0 for score in judged.values()) == 1 for judged in query_set.judgements.values()
    )
    if one_answer:
        return (MRR, RECALL)
    graded = UNJUDGED in available
    unwanted = (OPPOSITES, UNJUDGED) if graded else (VIOLATIONS,)
    return (NDCG, *(metric for metric in unwanted if metric in available))


def measured(
    query_set: QuerySet,
    rankings: Mapping[str, Sequence[str]],
    facts: Mapping[str, MovieFacts],
) -> Values:
    """Compute every metric of every query.

    Args:
        query_set: The queries and their judgements.
        rankings: Movie ids, best first, by query id; only the first ``DEPTH`` count.
        facts: What the catalogue knows of each movie, by id.

    Returns:
        The values of each of the set's metrics (``metrics_of``) by query id, in the set's order.
        ``KEPT`` has values only for queries that say what movies must be.
    """
    first = {query.query_id: list(rankings[query.query_id][:DEPTH]) for query in query_set.queries}
    by_query = {
        query.query_id: query_set.judgements.get(query.query_id, {}) for query in query_set.queries
    }
    values = _tool_values(by_query, first)

    def each(metric: str, value: Callable[[Mapping[str, int], list[str]], float]) -> None:
        values[metric] = {
            query_id: float(value(judged, first[query_id])) for query_id, judged in by_query.items()
        }

    each(SUCCESS, lambda judged, hits: any(judged.get(movie, 0) > 0 for movie in hits[:1]))
    each(VIOLATIONS, lambda judged, hits: sum(judged.get(movie, 0) < 0 for movie in hits))
    each(OPPOSITES, lambda judged, hits: sum(judged.get(movie, 0) < 0 for movie in hits))
    each(UNJUDGED, lambda judged, hits: _share([movie not in judged for movie in hits]))
    unknown = MovieFacts()
    values[KEPT] = {
        query.query_id: _share(
            [query.must.kept_by(facts.get(movie, unknown)) for movie in first[query.query_id]]
        )
        for query in query_set.queries
        if query.must is not None
    }
    return {metric: values[metric] for metric in metrics_of(query_set)}


def figure(metric: str, values: Mapping[str, float]) -> float:
    """The figure of some queries: their mean, or their sum for a metric that is a total."""
    total = sum(values.values())
    return total if metric in TOTALS else total / len(values)


def figures_of(query_set: QuerySet, values: Values) -> dict[str, dict[str, float]]:
    """The figures of a set, and of each of its kinds as ``SET/KIND``, by metric.

    Args:
        query_set: The set.
        values: What ``measured`` returns for it.
    """
    groups = {query_set.name: query_set.queries}
    for kind in query_set.kinds:
        groups[f"{query_set.name}/{kind}"] = query_set.of_kind(kind).queries
    figures: dict[str, dict[str, float]] = {}
    for name, queries in groups.items():
        ids = [query.query_id for query in queries]
        of_group = {
            metric: {query_id: by_query[query_id] for query_id in ids if query_id in by_query}
            for metric, by_query in values.items()
        }
        figures[name] = {metric: figure(metric, some) for metric, some in of_group.items() if some}
    return figures


def _tool_values(
    judgements: Mapping[str, Mapping[str, int]], first: Mapping[str, Sequence[str]]
) -> Values:
    names = {measure: name for name, measure in _TOOL.items()}
    # The tool's gains are linear in the grade; its other metrics only ask whether it is above 0.
    relevant = {
        query_id: {movie: 2**score - 1 for movie, score in judged.items() if score > 0}
        for query_id, judged in judgements.items()
    }
    # The tool sorts by score, and ties by id: scores made of ranks keep the order.
    run = {
        query_id: {movie: float(DEPTH - index) for index, movie in enumerate(movies)}
        for query_id, movies in first.items()
    }
    values: Values = {name: dict.fromkeys(judgements, 0.0) for name in _TOOL}
    for metric in ir_measures.iter_calc(list(names), relevant, run):
        values[names[metric.measure]][metric.query_id] = float(metric.value)
    return values


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
