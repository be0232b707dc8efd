"""``python -m services.evaluation``: what ``make evaluate`` runs.

Builds the snapshots of each collection beside the checkout, unless they are up to date, searches
every query set as a user would, with and without interpretation, and compares the figures with the
floors in ``services.evaluation.datasets``. One table has all of them.
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
from services.evaluation.datasets import LARGE, SMALL, measurements_of, missing_files
from services.evaluation.earlier import EarlierInvalid
from services.evaluation.evaluation import Evaluation
from services.evaluation.progress import ConsoleProgress
from services.evaluation.report_tables import WIDTH, show, show_summary
from services.evaluation.snapshot_build import BuildFailed
from services.evaluation.systems import LITERAL, SERVED, SystemUnusable
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
    parser.add_argument(
        "--details", action="store_true",
        help="every mode against the original design, with intervals; encodes all reviews again",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, help="figures of an earlier evaluation, to compare with"
    )
    arguments = parser.parse_args()
    modes = () if arguments.details else (SERVED, LITERAL)
    baseline = None if arguments.details or arguments.against else LITERAL
    errors = Console(stderr=True)
    progress = ConsoleProgress(errors)
    output = Console(markup=False)
    if not output.is_terminal:
        output = Console(width=WIDTH, markup=False)
    evaluations: list[Evaluation] = []
    for collection in (SMALL,) if arguments.small else (SMALL, LARGE):
        if missing := missing_files(collection, arguments.data):
            progress.say(f"evaluate: file not found: {missing[0]}; put the real data there, or use")
            progress.say("another folder with ARGS='--data DIR' (its README describes the files)")
            return USAGE
        try:
            measurements = measurements_of(
                collection, data=arguments.data, work=arguments.work, say=progress.say
            )
            for measurement in measurements:
                options = Options(
                    queries=measurement.queries,
                    store=measurement.store.root,
                    modes=modes,
                    baseline=baseline,
                    earlier=arguments.against,
                    floors=measurement.floors,
                )
                evaluations.append(run_evaluation(options))
        except EarlierInvalid as error:
            progress.say(f"evaluate: {error}")
            return USAGE
        except (BuildFailed, QuerySetInvalid, SystemUnusable) as error:
            progress.say(f"evaluate: {error}")
            return FAILED
        except OSError as error:
            progress.say(f"evaluate: {error.filename}: {error.strerror}")
            return FAILED
    if arguments.details:
        for evaluation in evaluations:
            show(output, evaluation)
    show_summary(output, evaluations)
    write_json(arguments.json, evaluations)
    progress.say(f"all figures written to {arguments.json}")
    return report_missed_floors(errors, evaluations)


if __name__ == "__main__":
    sys.exit(main())
