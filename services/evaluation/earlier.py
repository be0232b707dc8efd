"""The figures of an earlier evaluation, as one more mode that the others are compared with.

``evaluation.to_json`` writes the value of every query, so that a later version of the ranking can
be compared query by query with an earlier one, which no longer has to be built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.evaluation.measures import Values
from shared.evaluation.query_sets import QuerySet

EARLIER = "earlier"


class EarlierInvalid(ValueError):
    """Raised when a file does not have an evaluation's figures; the message names it."""


@dataclass(frozen=True)
class EarlierFigures:
    """The first mode of an earlier evaluation.

    Attributes:
        values: For each query set by name, the values of each metric by query id.
        took_ms: For each query set by name, the mean time of a query in milliseconds.
    """

    values: Mapping[str, Values]
    took_ms: Mapping[str, float]

    def of(self, query_set: QuerySet) -> Values | None:
        """The values of a set's queries, in its order; None unless it has all of them."""
        values = self.values.get(query_set.name)
        if values is None:
            return None
        ids = [query.query_id for query in query_set.queries]
        if any(set(by_query) - set(ids) for by_query in values.values()):
            return None
        ordered = {
            metric: {query_id: by_query[query_id] for query_id in ids if query_id in by_query}
            for metric, by_query in values.items()
        }
        complete = any(len(by_query) == len(ids) for by_query in ordered.values())
        return ordered if complete else None


def read_earlier(path: Path) -> EarlierFigures:
    """Read the figures that ``--json`` has written.

    Raises:
        EarlierInvalid: the file cannot be read, or is something else.
    """
    try:
        document = orjson.loads(path.read_bytes())
        evaluations = document.get("evaluations", [document])
        sets = [row for evaluation in evaluations for row in evaluation["query_sets"]]
        first = {row["name"]: next(iter(row["modes"].values())) for row in sets}
        values = {name: _values(mode) for name, mode in first.items()}
        return EarlierFigures(values, {name: mode["took_ms"] for name, mode in first.items()})
    except OSError as error:
        raise EarlierInvalid(f"{path}: {error.strerror}") from error
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise EarlierInvalid(f"{path}: not the figures of an evaluation") from error


def _values(mode: dict[str, Any]) -> Values:
    return {metric: dict(figure["values"]) for metric, figure in mode["metrics"].items()}
