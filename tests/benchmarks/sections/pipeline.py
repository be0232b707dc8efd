"""A collection through the whole system, from its source to searchable, and then again.

The three services run under ``movie-search up``. The bound is the speed of the same encoder, alone
on the machine, on a sample of the same reviews. The difference is the cost of the other parts of
the system.
"""

from __future__ import annotations

import random
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq

from shared.encoder import GraphEncoder, available_threads
from shared.runs.registry import TERMINAL
from shared.text.passages import split
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.measurement import Series, Window, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured, NotMeasured
from tests.benchmarks.probes.probing import probe
from tests.support.local_system import LocalSystem
from tests.support.waiting import wait_until

SOURCE = "imdb75k"
SAMPLE = 512  # reviews for the bound: two batches of the embedder
TIMEOUT_S = 4 * 3600
SAMPLE_EVERY_S = 1.0
START_TIMEOUT_S = 180
EMBEDDER_READY = re.compile(r"embedder +ready")
PUBLISHED = re.compile(r"snapshot published .*took_s=([0-9.]+)")


class SystemFailed(RuntimeError):
    """The whole system failed; the message is one line."""


@dataclass
class Usage:
    """Memory and CPU of one service over time."""

    seconds: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def peak_mb(self) -> float:
        """The peak memory in MB."""
        return max(self.rss_mb)

    def growth(self) -> float:
        """Median memory of the last quarter / of the second quarter: 1 means no growth."""
        quarter = max(1, len(self.rss_mb) // 4)
        early = Series.of(self.rss_mb[quarter : 2 * quarter] or self.rss_mb)
        return Series.of(self.rss_mb[-quarter:]).median / early.median


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Crawl, store, encode and publish a source, and then crawl it again.

    Raises:
        tests.benchmarks.probes.probing.ProbeFailed: the probe of the encoder ended.
        SystemFailed: the system did not start, or a crawl did not end.
    """
    source = plan.data / SOURCE
    if not (source / "reviews.parquet").is_file():
        why = NotMeasured(f"no real reviews in {source}")
        return Section(outcomes={"pipeline": why, "reingest": why})
    folder = plan.work / "pipeline"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _measure(plan, catalogue, source, folder, say)
    except AssertionError as error:  # from tests/support
        raise SystemFailed(str(error).partition("\n")[0]) from error
    finally:
        shutil.rmtree(folder / "data", ignore_errors=True)


def _measure(plan: Plan, catalogue: Catalogue, source: Path, folder: Path, say: Say) -> Section:
    reviews = _reviews(source, folder, plan.reviews)
    sources = folder / "sources.toml"
    sources.write_text(
        f'[sources.{SOURCE}]\nspider = "dataset"\n'
        f'movies = "{(source / "movies.parquet").absolute()}"\n'
        f'reviews = "{reviews.absolute()}"\nreviews_per_movie = 0\n'
    )
    texts: list[str] = pq.read_table(reviews, columns=["text"])["text"].to_pylist()
    sample = random.Random(6).sample(texts, min(SAMPLE, len(texts)))
    say("pipeline: the encoder alone")
    counter = GraphEncoder(catalogue.artefact)
    spans = split(sample, counter.count_tokens, counter.passage_tokens)
    passages = [
        text[slice(*span)]
        for text, spans_of_text in zip(sample, spans, strict=True)
        for span in spans_of_text
    ]
    bounds = [_bound(catalogue, passages, len(sample), folder)]
    with LocalSystem(folder / "data", "--no-crawl", "--sources", str(sources)) as system:
        wait_until(lambda: _is_up(system), timeout_s=START_TIMEOUT_S, what="all services are up")
        say(f"pipeline: {len(texts):,} reviews of {SOURCE} through the whole system")
        with watched(system) as usage:
            first = _ingest(system)
        published_s = [float(took) for took in PUBLISHED.findall(system.log)]
        say(f"pipeline: {first['state']}; crawling the same source again")
        again = _ingest(system)
    say("pipeline: the encoder alone, again")
    bounds.append(_bound(catalogue, passages, len(sample), folder))
    return _section(first, again, bounds, usage, published_s)


def _is_up(system: LocalSystem) -> bool:
    """Whether ingest has published its sources, and the embedder has converted its model."""
    with suppress(httpx.HTTPError, OSError):
        answer = system.admin("POST", "/ingest", json={"source": "no-such-source"})
        return answer.status_code < 500 and bool(EMBEDDER_READY.search(system.log))
    return False


def _ingest(system: LocalSystem) -> dict[str, Any]:
    """Crawl the source and wait for the end; poll rarely, because each request costs CPU.

    Raises:
        SystemFailed: the crawl was refused, or did not end in time.
    """
    answer = system.admin("POST", "/ingest", json={"source": SOURCE})
    if answer.status_code != httpx.codes.ACCEPTED:
        raise SystemFailed(f"the crawl was refused: {answer.text}")
    location = answer.headers["Location"].removeprefix("/admin")
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run: dict[str, Any] = system.admin("GET", location).json()
        if run["state"] in TERMINAL:
            return run
        time.sleep(SAMPLE_EVERY_S)
    raise SystemFailed(f"the crawl did not end within {TIMEOUT_S} s")


def _reviews(source: Path, folder: Path, count: int) -> Path:
    """The file of all reviews, or a new file of the first ``count``; 0 means all."""
    path = source / "reviews.parquet"
    if not count:
        return path
    some = folder / "reviews.parquet"  # below build/, deleted by the next run
    pq.write_table(pq.read_table(path).slice(0, count), some)
    return some


def _bound(catalogue: Catalogue, passages: Sequence[str], reviews: int, folder: Path) -> Window:
    """The encoder alone on the passages, on all CPUs; an operation is a whole review."""
    arguments = (catalogue.artefact, available_threads(), "auto")
    with probe("encode", *arguments, log=folder / "bound.log") as process:
        command = {"batch": 0, "bulk": True}
        process.measure({**command, "texts": passages[: len(passages) // 8]})  # warms up
        window = process.measure({**command, "texts": passages})
    return Window(reviews, window.wall_s, window.cpu_s)


@contextmanager
def watched(system: LocalSystem) -> Iterator[dict[str, Usage]]:
    """Sample memory and CPU of each service and its children until the context ends."""
    usage: dict[str, Usage] = defaultdict(Usage)
    over = threading.Event()

    # Earlier CPU time does not count: converting a model takes as long as 1,000 reviews.
    begun_cpu_s: dict[int, float] = {}
    for process in system.processes().values():
        with suppress(psutil.Error):
            for member in [process, *process.children(recursive=True)]:
                times = member.cpu_times()
                begun_cpu_s[member.pid] = times.user + times.system

    def sample() -> None:
        elapsed_s = 0.0
        ended_cpu_s: dict[str, dict[int, float]] = defaultdict(dict)
        while not over.wait(SAMPLE_EVERY_S):
            elapsed_s += SAMPLE_EVERY_S
            for name, process in system.processes().items():
                rss_mb = 0.0
                with suppress(psutil.Error):
                    for member in [process, *process.children(recursive=True)]:
                        times = member.cpu_times()
                        used_s = times.user + times.system
                        ended_cpu_s[name][member.pid] = used_s - begun_cpu_s.get(member.pid, 0.0)
                        rss_mb += member.memory_info().rss / 1e6
                if rss_mb:
                    usage[name].seconds.append(elapsed_s)
                    usage[name].rss_mb.append(rss_mb)
                    usage[name].cpu_s = sum(ended_cpu_s[name].values())

    thread = threading.Thread(target=sample, name="watch")
    thread.start()
    try:
        yield usage
    finally:
        over.set()
        thread.join()


def _section(
    first: dict[str, Any], again: dict[str, Any], bounds: Sequence[Window],
    usage: dict[str, Usage], published_s: Sequence[float],
) -> Section:  # fmt: skip
    took_s = _seconds(first, "started_at", "ended_at")
    crawl_s = _seconds(first, "started_at", "crawled_at")
    bound = max(window.per_second for window in bounds)
    encode_cpu_s = min(window.cpu_ms for window in bounds) / 1000
    speed = first["stored"] / took_s
    share = again["embedded"] / max(1, again["crawled"])
    rows = [
        ["reviews, from source to searchable", f"{first['stored']:,} in {number(took_s)} s"],
        ["reviews a second", number(speed)],
        ["the encoder alone, reviews a second", number(bound)],
        ["until all were on the stream, s", number(crawl_s)],
        [
            "publishing meanwhile",
            (
                f"{len(published_s)} snapshots, {number(sum(published_s))} s, "
                f"the longest {number(max(published_s, default=0.0))} s"
            ),
        ],
        ["the same source again, s", number(_seconds(again, "started_at", "ended_at"))],
        ["of its reviews stored, encoded", f"{again['stored']:,}, {again['embedded']:,}"],
    ]
    processes = [
        [name, number(used.peak_mb, 0), number(used.growth()), number(used.cpu_s, 0),
         number(1000 * used.cpu_s / max(1, first["stored"]))]
        for name, used in sorted(usage.items())
    ]  # fmt: skip
    remarks = [f"The encoder alone takes {number(1000 * encode_cpu_s)} CPU ms a review."]
    columns = (
        "process", "peak MB", "last quarter / second quarter", "CPU s", "CPU ms a review",
    )  # fmt: skip
    title = f"{SOURCE} through the whole system"
    good = first["state"] == "searchable"
    reached = Measured(Series.of([speed / bound]), "one run; bound by the faster of two samples")
    failed = NotMeasured(f"run {first['state']}: {first.get('error')}")
    return Section(
        [
            Table("pipeline", title, ("", ""), rows),
            Table("pipeline-processes", "What each process used", columns, processes, remarks),
        ],
        {
            "run": first, "again": again, "seconds": took_s, "reviews_per_second": speed,
            "encoder_reviews_per_second": [window.per_second for window in bounds],
            "published_s": published_s,
            "encoder_cpu_ms": [window.cpu_ms for window in bounds],
            "usage": {
                name: {"seconds": used.seconds, "rss_mb": used.rss_mb, "cpu_s": used.cpu_s}
                for name, used in usage.items()
            },
        },
        {
            "pipeline": reached if good else failed,
            "reingest": Measured(Series.of([share])) if again["crawled"] else NotMeasured(
                f"run {again['state']}: {again.get('error')}"
            ),
        },
    )  # fmt: skip


def _seconds(run: dict[str, Any], begin: str, end: str) -> float:
    """Seconds between two times of a run; NaN when the run did not reach one of them."""
    if not run.get(begin) or not run.get(end):
        return float("nan")
    times = [datetime.fromisoformat(run[name]) for name in (begin, end)]
    return (times[1] - times[0]).total_seconds()
