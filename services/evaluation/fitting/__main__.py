"""``python -m services.evaluation.fitting``: fits ``calibration.json`` anew, and its figures.

Minutes over the snapshots of ``make evaluate``, which are built unless they are up to date. Run it
after every change of the ranking, of the terms or of the encoder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console

from services.evaluation.datasets import LARGE, SMALL, Collection, measurements_of, missing_files
from services.evaluation.fitting.figures_page import figures_page
from services.evaluation.fitting.judged_hits import (
    TITLES,
    JudgedCatalogue,
    JudgedHits,
    smoothed,
)
from services.evaluation.fitting.regression import FOLDS, Logistic, fit, out_of_fold
from services.evaluation.fitting.reliability import reliability
from services.evaluation.fitting.reliability_diagram import diagram
from services.evaluation.progress import ConsoleProgress
from shared.evaluation.query_sets import QuerySet, read_query_set
from shared.retrieval.fit import calibration
from shared.retrieval.fit.chance import Spread
from shared.retrieval.fit.signals import Signals
from shared.snapshot.storage.store import SnapshotStore

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = ROOT / "shared" / "retrieval" / "fit" / calibration.FILE
FIGURES = ROOT / "docs" / "fit-figures.md"
DIAGRAM = ROOT / "docs" / "fit-reliability.svg"
RELAXED = 0.25
"""How often a movie is accepted although a typed constraint was dropped: not measured, a guess."""


def main() -> int:
    """Fit the numbers; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.evaluation.fitting")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of collections"
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "evaluation", help="folder of snapshots"
    )
    parser.add_argument(
        "--as-is", action="store_true",
        help="use the snapshots in --work even if something that decides them has changed",
    )  # fmt: skip
    parser.add_argument(
        "--print-only", action="store_true", help="print the figures, and change no file"
    )
    arguments = parser.parse_args()
    progress = ConsoleProgress(Console(stderr=True))
    missing = [path for each in (SMALL, LARGE) for path in missing_files(each, arguments.data)]
    if missing:
        progress.say(f"fitting: file not found: {missing[0]}")
        return 2
    judged = JudgedHits()
    typical = None
    for collection, other in ((SMALL, LARGE), (LARGE, SMALL)):
        stores = _stores(collection, arguments.data, arguments.work, arguments.as_is, progress)
        for store, query_sets in stores:
            progress.say(f"searching {store.root}")
            catalogue = JudgedCatalogue(collection.name, store, judged)
            for query_set in query_sets:
                catalogue.add(query_set)
        typical = typical or catalogue.chance  # of the smaller collection
        catalogue.add_unrelated()
        catalogue.add_liked()
        for queries in other.query_sets:
            if queries.name.endswith(f"-{TITLES}"):
                folder = arguments.data / "queries" / queries.name
                catalogue.add_absent_titles(read_query_set(folder))
    signals = np.array([hit.signals for hit in judged.text])
    accepted = np.array([float(hit.accepted) for hit in judged.text])
    weights = judged.weights()
    # A term that is missed counts against the movie.
    oriented = signals * np.array([-1.0 if name == "missed" else 1.0 for name in Signals._fields])
    text = fit(oriented, accepted, weights)
    fits = out_of_fold(oriented, accepted, weights, [hit.query for hit in judged.text])
    measured = reliability(fits, accepted, weights)
    above = np.array([[above] for above, _ in judged.liked])
    alike = np.array([float(is_alike) for _, is_alike in judged.liked])
    like = fit(above, alike, np.ones(len(alike)))
    assert typical is not None  # noqa: S101 - there are two collections
    numbers = calibration.Calibration(
        chance=calibration.ChanceNumbers(
            passages=_spread(typical.passages),
            pooled=_spread(typical.pooled),
            movies=_spread(typical.movies),
            missed=round(typical.missed, 4),
        ),
        text=_text_numbers(text),
        like=calibration.LikeNumbers(
            intercept=round(like.intercept, 4), movies=round(like.weights[0], 4)
        ),
        exact_title=round(smoothed(judged.exact), 3),
        near_title=round(smoothed(judged.near), 3),
        kept=round(smoothed(judged.kept), 3),
        relaxed=RELAXED,
    )
    of_liked = reliability(like.shares(above), alike, np.ones(len(alike)))
    page = figures_page(judged, fits, measured, of_liked, numbers, FOLDS)
    print(page)
    if not arguments.print_only:
        NUMBERS.write_text(numbers.model_dump_json(indent=1) + "\n", encoding="utf-8")
        FIGURES.write_text(page, encoding="utf-8")
        DIAGRAM.write_text(diagram(measured), encoding="utf-8")
        progress.say(f"written: {NUMBERS}, {FIGURES}, {DIAGRAM}")
    return 0


def _stores(
    collection: Collection, data: Path, work: Path, as_is: bool, progress: ConsoleProgress
) -> list[tuple[SnapshotStore, list[QuerySet]]]:
    """The stores of a collection, the one with all descriptions last, with the sets for each."""
    if not as_is:
        measurements_of(collection, data=data, work=work, say=progress.say)
    stores = {
        described: SnapshotStore(work / name / "data" / "snapshots")
        for described, name in (
            (True, f"{collection.name}-without-descriptions"),
            (False, collection.name),
        )
    }
    sets = [
        (queries.own_descriptions, read_query_set(data / "queries" / queries.name))
        for queries in collection.query_sets
    ]
    if not stores[True].root.exists():  # no movie of the collection has a description
        return [(stores[False], [each for _, each in sets])]
    return [
        (store, [each for own, each in sets if own == described])
        for described, store in stores.items()
    ]


def _text_numbers(text: Logistic) -> calibration.TextNumbers:
    weights = dict(zip(Signals._fields, (round(weight, 4) for weight in text.weights), strict=True))
    return calibration.TextNumbers(intercept=round(text.intercept, 4), **weights)


def _spread(spread: Spread) -> calibration.SpreadNumbers:
    return calibration.SpreadNumbers(
        mean=round(spread.mean, 4), deviation=round(spread.deviation, 4)
    )


if __name__ == "__main__":
    sys.exit(main())
