"""What grows with the catalogue: CPU of a search, memory, time to start and to publish."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from shared.snapshot.storage.store import SnapshotStore
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.catalogues.queries import take
from tests.benchmarks.catalogues.synthetic import REVIEWS_PER_MOVIE
from tests.benchmarks.figures.chart import Line, Panel, drawing
from tests.benchmarks.figures.measurement import Series, Window, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured, NotMeasured, Outcome
from tests.benchmarks.probes.probing import ProbeProcess, probe
from tests.benchmarks.race import contenders
from tests.benchmarks.race.load import closed_loop
from tests.benchmarks.race.servers import Memory, Server
from tests.benchmarks.race.turns import Laps, cold_starts, laps, lined_up

TARGET_MOVIES = 10_000
ONE_ROUND_FROM = 50_000  # larger catalogues are published in one round only
CONCURRENCY = 8
QUERIES = 200
DRAWING = "growth"


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Build a catalogue of each size, publish it, search it.

    Raises:
        tests.benchmarks.probes.probing.ProbeFailed, tests.benchmarks.race.servers.ServerFailed,
        tests.benchmarks.race.load.LoadFailed: a process ended early.
    """
    folder = plan.work / "growth"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts = folder / "texts.json"
    texts.write_text(json.dumps(_texts(plan, catalogue)))
    try:
        published = {
            size: _publish(plan, catalogue, folder, texts, size, say) for size in plan.sizes
        }
        return _searched(plan, catalogue, folder, published, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _texts(plan: Plan, catalogue: Catalogue) -> list[str]:
    """Reviews in random order, because the reviews of one movie are similar."""
    path = plan.data / "imdb75k" / "reviews.parquet"
    if path.is_file():
        texts: list[str] = pq.read_table(path, columns=["text"])["text"].to_pylist()
    else:
        texts = catalogue.reviews()
    random.Random(4).shuffle(texts)
    return texts[: max(plan.sizes) * REVIEWS_PER_MOVIE]


class _Published:
    """Seconds of publishing everything and of publishing one change."""

    def __init__(self, process: ProbeProcess, everything: Series, one: Series) -> None:
        self.everything = everything
        self.one = one
        self.peak_mb = process.peak_mb


def _publish(
    plan: Plan, catalogue: Catalogue, folder: Path, texts: Path, size: int, say: Say
) -> _Published:
    say(f"growth: {size:,} movies: filling the database, publishing")
    data_dir = folder / str(size)
    encoders = data_dir / "snapshots" / "encoders"
    shutil.copytree(catalogue.artefact, encoders / catalogue.artefact.name)
    with probe(
        "publish", data_dir, size, texts, catalogue.artefact, log=folder / f"publish-{size}.log"
    ) as process:
        process.measure({"what": "fill"})
        everything: list[Window] = []
        one: list[Window] = []
        for _ in range(1 if size >= ONE_ROUND_FROM else plan.rounds):
            everything.append(process.measure({"what": "publish_all"}))
            one.append(process.measure({"what": "change_one"}))
        return _Published(
            process,
            Series.of(window.wall_s for window in everything),
            Series.of(window.wall_s for window in one),
        )


def _searched(
    plan: Plan, catalogue: Catalogue, folder: Path, published: dict[int, _Published], say: Say
) -> Section:
    servers: dict[int, Server] = {}
    for size in published:
        store = SnapshotStore(folder / str(size) / "snapshots")
        grown = Catalogue(str(size), store, catalogue.queries_from, catalogue.queries)
        servers[size] = contenders.ours(grown, plan, name=f"growth {size}")
    say("growth: starting the query service on each")
    starts = cold_starts(list(servers.values()), plan.starts, say)
    say("growth: searching")
    with lined_up(list(servers.values())):
        results = laps(
            list(servers.values()), plan.rounds,
            lambda server: closed_loop(
                server.requests, server.port, concurrency=CONCURRENCY, seconds=plan.seconds
            ),
        )  # fmt: skip
        held = {size: server.memory() for size, server in servers.items()}
    bare = _bare(plan, catalogue, folder, list(published))
    by_size = {size: results[server.name] for size, server in servers.items()}
    started = {size: Series.of(starts[server.name]) for size, server in servers.items()}
    disk_mb = {size: _disk_mb(folder / str(size) / "snapshots") for size in published}
    section = Section(
        [_table(published, by_size, held, bare, started, disk_mb, catalogue)],
        _figures(published, by_size, held, bare, started, disk_mb),
        {"publish-one": _outcome(published)},
    )
    section.drawings = {DRAWING: _drawing(published, by_size, held, bare)}
    return section


def _bare(
    plan: Plan, catalogue: Catalogue, folder: Path, sizes: Sequence[int]
) -> dict[int, Series]:
    """CPU milliseconds of a search without encoding and HTTP, for each size."""
    texts = take(catalogue.queries, QUERIES, seed=5)
    cpu_ms: dict[int, list[float]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        probes = {}
        for size in sizes:
            store = SnapshotStore(folder / str(size) / "snapshots")
            probes[size] = stack.enter_context(
                probe("search", store.root, store.current().snapshot_id,
                      log=folder / f"search-{size}.log")
            )  # fmt: skip
        for turn in range(plan.rounds + 1):
            for size, process in probes.items():
                window = process.measure({"texts": texts})
                if turn:  # the first warms up
                    cpu_ms[size].append(window.cpu_ms)
    return {size: Series.of(values) for size, values in cpu_ms.items()}


def _disk_mb(store: Path) -> float:
    """The size of the current snapshot in MB."""
    snapshot = store / SnapshotStore(store).current().snapshot_id
    return sum(path.stat().st_size for path in snapshot.rglob("*") if path.is_file()) / 1e6


def _outcome(published: dict[int, _Published]) -> Outcome:
    timing = published.get(TARGET_MOVIES)
    if timing is None:
        return NotMeasured("not run at 10k movies")
    return Measured(timing.one.over(timing.everything), "wall time of the publisher")


def _table(
    published: dict[int, _Published], searches: dict[int, Laps], held: dict[int, Memory],
    bare: dict[int, Series], started: dict[int, Series], disk_mb: dict[int, float],
    catalogue: Catalogue,
) -> Table:  # fmt: skip
    rows = [
        [
            f"{size:,}", searches[size].cpu_ms.shown(), bare[size].shown(),
            number(searches[size].per_second.median, 0), number(searches[size].p99_ms.median),
            f"{number(held[size].rss_mb, 0)} / {number(held[size].private_mb, 0)}",
            number(started[size].median), number(timing.everything.median),
            number(timing.one.median),
            number(timing.peak_mb, 0), number(disk_mb[size], 0),
        ]
        for size, timing in published.items()
    ]  # fmt: skip
    columns = (
        "movies", "search, CPU ms", "without encoding and HTTP", "requests/s", "p99 ms",
        "memory, MB, all / private", "start s", "publish all, s", "after one change, s",
        "publisher's peak MB", "snapshot on disk, MB",
    )  # fmt: skip
    remark = (
        f"{REVIEWS_PER_MOVIE} reviews a movie: real texts, random vectors. Searches at concurrency "
        f"{CONCURRENCY}, queries {catalogue.queries_from}. CPU: minimum / median; the rest medians."
    )
    return Table("growth", "As the catalogue grows", columns, rows, [remark])


def _figures(
    published: dict[int, _Published], searches: dict[int, Laps], held: dict[int, Memory],
    bare: dict[int, Series], started: dict[int, Series], disk_mb: dict[int, float],
) -> dict[str, Any]:  # fmt: skip
    return {
        "growth": {
            str(size): {
                "search": searches[size].to_json(), "bare_cpu_ms": bare[size].to_json(),
                "rss_mb": held[size].rss_mb, "private_mb": held[size].private_mb,
                "start_s": started[size].to_json(), "publish_all_s": timing.everything.to_json(),
                "publish_one_s": timing.one.to_json(), "publisher_peak_mb": timing.peak_mb,
                "snapshot_mb": disk_mb[size],
            }
            for size, timing in published.items()
        }
    }  # fmt: skip


def _drawing(
    published: dict[int, _Published], searches: dict[int, Laps], held: dict[int, Memory],
    bare: dict[int, Series],
) -> str:  # fmt: skip
    sizes = list(published)
    panels = [
        Panel("CPU of a search, ms", [
            Line("over HTTP", [searches[n].cpu_ms.median for n in sizes]),
            Line("without encoding and HTTP", [bare[n].median for n in sizes]),
        ]),
        Panel("memory of the query service, MB", [
            Line("all", [held[n].rss_mb for n in sizes]),
            Line("private", [held[n].private_mb for n in sizes]),
        ]),
        Panel("publishing, s", [
            Line("everything", [published[n].everything.median for n in sizes]),
            Line("after one changed movie", [published[n].one.median for n in sizes]),
        ]),
    ]  # fmt: skip
    return drawing("As the catalogue grows", "movies", [float(n) for n in sizes], panels)
