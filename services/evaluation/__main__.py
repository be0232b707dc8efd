"""``python -m services.evaluation``: what ``make evaluate`` runs.

Builds a snapshot of each collection beside the checkout, unless it is up to date, and compares the
ranking over it with the floors in ``services.evaluation.datasets``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from services.evaluation.command import (
    FAILED,
    USAGE,
    Options,
    report_missed_floors,
    run_evaluation,
    write_json,
)
from services.evaluation.datasets import LARGE, SMALL, snapshot_of
from services.evaluation.evaluation import Evaluation
from services.evaluation.progress import ConsoleProgress
from services.evaluation.report_tables import WIDTH, show
from services.evaluation.snapshot_build import BuildFailed
from services.evaluation.systems import SystemUnusable
from shared.evaluation.query_sets import QuerySetInvalid

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Evaluate the collections; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make evaluate", description=__doc__)
    parser.add_argument("--small", action="store_true", help="only imdb500; imdb75k takes minutes")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of collections"
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "evaluation", help="folder for snapshots"
    )
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "evaluation.json", help="file for the figures"
    )
    arguments = parser.parse_args()
    errors = Console(stderr=True)
    progress = ConsoleProgress(errors)
    output = Console()
    if not output.is_terminal:
        output = Console(width=WIDTH)
    evaluations: list[Evaluation] = []
    for collection in (SMALL,) if arguments.small else (SMALL, LARGE):
        queries = [arguments.data / "queries" / name for name in collection.query_sets]
        needed = [arguments.data / collection.name / "reviews.parquet", *queries]
        missing = [path for path in needed if not path.exists()]
        if missing:
            progress.say(f"evaluate: file not found: {missing[0]}; put the real data there, or use")
            progress.say("another folder with ARGS='--data DIR' (its README describes the files)")
            return USAGE
        try:
            store = snapshot_of(
                collection, data=arguments.data, work=arguments.work, say=progress.say
            )
            evaluation = run_evaluation(
                Options(queries=queries, store=store.root, floors=collection.floors)
            )
        except (BuildFailed, QuerySetInvalid, SystemUnusable) as error:
            progress.say(f"evaluate: {error}")
            return FAILED
        except OSError as error:
            progress.say(f"evaluate: {error.filename}: {error.strerror}")
            return FAILED
        show(output, evaluation)
        evaluations.append(evaluation)
    write_json(arguments.json, evaluations)
    progress.say(f"all figures written to {arguments.json}")
    return report_missed_floors(errors, evaluations)


if __name__ == "__main__":
    sys.exit(main())
