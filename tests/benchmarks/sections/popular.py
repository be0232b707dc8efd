"""A catalogue with the review counts of real life: few movies have most of the reviews.

The most popular movie has thousands, the next one half as many, and so on (Zipf's law). A search
and the page of a movie should cost what they cost where all movies have as few.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from shared.encoder import read_artefact
from shared.snapshot.storage.store import SnapshotStore
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.catalogues.queries import take
from tests.benchmarks.catalogues.synthetic import SyntheticCatalogue
from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured
from tests.benchmarks.probes.probing import ProbeProcess, probe

QUERIES = 200
PAGES = 20
"""Movie pages: those of the most popular movies."""
EVEN, ZIPF = "two reviews each", "Zipf"


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Build both catalogues, and search them in turns.

    Raises:
        tests.benchmarks.probes.probing.ProbeFailed: a probe ended early.
    """
    folder = plan.work / "popular"
    shutil.rmtree(folder, ignore_errors=True)
    movies, most = plan.popular
    try:
        for name, reviews in ((EVEN, 0), (ZIPF, most)):
            say(f"popular: {movies:,} movies, {name}")
            _fill(folder / name, catalogue, movies, reviews)
        return _searched(plan, catalogue, folder, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, catalogue: Catalogue, movies: int, most: int) -> None:
    artefact = catalogue.artefact
    shutil.copytree(artefact, folder / "snapshots" / "encoders" / artefact.name)
    spec = read_artefact(artefact).encoder
    SyntheticCatalogue(folder, movies, catalogue.reviews(), spec, most=most).fill()


def _searched(plan: Plan, catalogue: Catalogue, folder: Path, say: Say) -> Section:
    texts = take(catalogue.queries, QUERIES, seed=6)
    commands: dict[str, dict[str, Any]] = {
        "search": {"texts": texts},
        "page": {"similar": PAGES},
    }
    cpu_ms: dict[tuple[str, str], list[float]] = {}
    with _probe(folder, EVEN) as even, _probe(folder, ZIPF) as zipf:
        say("popular: searching both")
        for turn in range(plan.rounds + 1):
            for name, process in ((EVEN, even), (ZIPF, zipf)):
                for what, command in commands.items():
                    window = process.measure(command)
                    if turn:  # the first warms up
                        cpu_ms.setdefault((name, what), []).append(window.cpu_ms)
        peaks = {EVEN: even.peak_mb, ZIPF: zipf.peak_mb}
    series = {key: Series.of(values) for key, values in cpu_ms.items()}
    rows = [
        [
            name, *_reviews(folder / name), series[name, "search"].shown(),
            series[name, "page"].shown(), number(peaks[name], 0),
        ]
        for name in (EVEN, ZIPF)
    ]  # fmt: skip
    columns = (
        "reviews", "movies", "reviews in all", "a search, CPU ms", "similar movies, CPU ms",
        "peak MB",
    )  # fmt: skip
    remark = (
        "CPU time, minimum / median, without encoding and HTTP; vectors are random. Similar "
        f"movies with their reasons, of the {PAGES} most popular movies."
    )
    section = Section([Table("popular", "Popular movies", columns, rows, [remark])])
    section.outcomes["popular"] = Measured(
        series[ZIPF, "search"].over(series[EVEN, "search"]), "CPU time without encoding"
    )
    section.figures["popular"] = {
        f"{name}: {what}": values.to_json() for (name, what), values in series.items()
    }
    return section


def _probe(folder: Path, name: str) -> AbstractContextManager[ProbeProcess]:
    store = SnapshotStore(folder / name / "snapshots")
    return probe(
        "search", store.root, store.current().snapshot_id, log=folder / f"{name}-search.log"
    )


def _reviews(folder: Path) -> tuple[str, str]:
    store = SnapshotStore(folder / "snapshots")
    counts = store.manifest(store.current().snapshot_id).counts
    return f"{counts.movies:,}", f"{counts.reviews:,}"
