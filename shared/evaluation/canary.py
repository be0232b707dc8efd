"""The promotion gate: queries that must find their movies before a snapshot is served.

::

    <folder>/floors.toml      floors = ["plot:MRR@10>=0.80", "avoid:violations@10<=1.5"]
    <folder>/<set>/...        judged queries (``shared.evaluation.query_sets``)

or one set beside the floors. The real searcher answers them in its default mode. A movie that the
snapshot does not have counts as not found: that an expected movie is missing is a reason not to
serve the snapshot, too.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from shared.encoder import Encoder
from shared.evaluation.floors import (
    Floor,
    FloorCheck,
    FloorInvalid,
    check_floors,
    parse_floor,
    verdicts,
)
from shared.evaluation.measures import figures_of, measured
from shared.evaluation.query_sets import QuerySet, QuerySetInvalid, read_query_sets
from shared.evaluation.rankings import facts_of, ranked
from shared.retrieval.searcher import Searcher
from shared.snapshot.reader import Snapshot
from shared.telemetry import get_logger

FLOORS = "floors.toml"


class CanariesInvalid(ValueError):
    """Raised when the canary queries cannot be used; the message names the file and says why."""


@dataclass(frozen=True)
class Canaries:
    """Judged queries and the floors that their results must reach."""

    query_sets: tuple[QuerySet, ...]
    floors: tuple[Floor, ...]

    def verdicts(self, snapshot: Snapshot, encoder: Encoder) -> list[FloorCheck]:
        """Compare every floor with a snapshot's results.

        Args:
            snapshot: An open snapshot.
            encoder: The snapshot's encoder.
        """
        searcher = Searcher(snapshot)
        facts = facts_of(snapshot)
        figures: dict[str, dict[str, float]] = {}
        for query_set in self.query_sets:
            rankings = dict(ranked(searcher, encoder, query_set.queries))
            figures |= figures_of(query_set, measured(query_set, rankings, facts))
        return verdicts(self.floors, figures)

    def refusal(self, snapshot: Snapshot, encoder: Encoder) -> str | None:
        """Why a snapshot must not be made current; None when it may. Logs every floor."""
        missed = []
        for verdict in self.verdicts(snapshot, encoder):
            if verdict.met:
                get_logger().info("canary floor reached", floor=str(verdict))
            else:
                get_logger().error("canary floor missed", floor=str(verdict))
                missed.append(str(verdict))
        return "; ".join(missed) or None


def read_canaries(folder: Path) -> Canaries:
    """Read the queries and floors of a folder.

    Raises:
        CanariesInvalid: they cannot be used; the message is one line.
    """
    path = folder / FLOORS
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CanariesInvalid(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CanariesInvalid(f"{path}: {error}") from error
    texts = table.get("floors")
    if set(table) != {"floors"} or not isinstance(texts, list) or not texts:
        raise CanariesInvalid(f'{path}: must be floors = ["SET:METRIC>=VALUE", ...] and no more')
    try:
        query_sets = read_query_sets(folder)
        floors = [parse_floor(str(text)) for text in texts]
        check_floors(floors, query_sets)
    except QuerySetInvalid as error:
        raise CanariesInvalid(str(error)) from error
    except FloorInvalid as error:
        raise CanariesInvalid(f"{path}: {error}") from error
    return Canaries(tuple(query_sets), tuple(floors))
