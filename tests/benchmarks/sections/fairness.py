"""The latency of one person's searches beside greedy clients.

One client asks one search after the other, first alone, then beside two clients that ask as much as
they can, each from its own address: batches of 64 searches on two connections each, or single
searches on 16. No query vector is cached. Each round measures both, so that other work on the
machine slows both.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.measurement import Series, number, percentile
from tests.benchmarks.figures.plan import ROOT, Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured
from tests.benchmarks.race import contenders
from tests.benchmarks.race.load import JSON, LoadFailed
from tests.benchmarks.race.servers import Server

GREEDY = ("127.0.0.2", "127.0.0.3")
KINDS = {"batch": ("batches of 64", 2), "single": ("single searches", 16)}


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Measure the latency alone and beside greedy clients of each kind.

    Raises:
        tests.benchmarks.race.servers.ServerFailed, tests.benchmarks.race.load.LoadFailed.
    """
    say(f"fairness: alone and beside {len(GREEDY)} greedy clients, {plan.rounds} rounds")
    server = contenders.ours(catalogue, plan, name="fairness", MOVIE_SEARCH_QUERY_CACHE="0")
    server.start()
    bodies = cycle(server.requests.path.read_text().splitlines())
    try:
        _latencies(server, bodies, plan.seconds / 2)  # warm
        rounds = {kind: [_round(server, bodies, plan, kind) for _ in range(plan.rounds)]
                  for kind in KINDS}  # fmt: skip
    finally:
        server.stop()
    rows, worst = [], []
    for kind, (what, connections) in KINDS.items():
        alone = Series.of(statistics.median(one) for one, _ in rounds[kind])
        beside = Series.of(statistics.median(one) for _, one in rounds[kind])
        tails = Series.of(percentile(sorted(one), 0.95) for _, one in rounds[kind])
        ratio = Series.of(
            statistics.median(after) / statistics.median(before) for before, after in rounds[kind]
        )
        worst.append(ratio)
        rows.append([f"{what} on {connections} connections each", number(alone.median),
                     number(beside.median), number(tails.median), ratio.shown()])  # fmt: skip
    table = Table(
        "fairness", "Beside greedy clients",
        ("two greedy clients ask", "alone, median ms", "beside them, median ms",
         "beside them, p95 ms", "ratio of the medians, min / median"),
        rows, ["One search after the other, wall time."],
    )  # fmt: skip
    worse = Series.of(map(max, zip(*(series.values for series in worst), strict=True)))
    figures = {kind: ratio.to_json() for kind, ratio in zip(KINDS, worst, strict=True)}
    outcome = Measured(worse, "the worse of batches and single searches")
    return Section([table], {"fairness": figures}, {"fairness": outcome})


def _round(
    server: Server, bodies: Iterator[str], plan: Plan, kind: str
) -> tuple[Sequence[float], Sequence[float]]:
    alone = _latencies(server, bodies, plan.seconds)
    with _greedy(server, kind):
        return alone, _latencies(server, bodies, plan.seconds)


def _latencies(server: Server, bodies: Iterator[str], seconds: float) -> list[float]:
    """The milliseconds of searches that one client makes, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    times_ms = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("POST", "/search", next(bodies), {"Content-Type": JSON})
        response = connection.getresponse()
        response.read()
        if response.status != http.client.OK:
            raise LoadFailed(f"the search of the modest client is answered {response.status}")
        times_ms.append(1000 * (time.perf_counter() - began))
    connection.close()
    return times_ms


@contextmanager
def _greedy(server: Server, kind: str) -> Iterator[None]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.race.greedy", "--port", str(server.port),
             "--client", client, "--lines", str(server.requests.path.absolute()), "--kind", kind,
             "--connections", str(KINDS[kind][1])],
            cwd=ROOT, stdout=subprocess.PIPE,
        )
        for client in GREEDY
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != b"busy\n":
                raise LoadFailed("a greedy client has ended")
        yield
        if any(process.poll() is not None for process in processes):
            raise LoadFailed("a greedy client has ended")
    finally:
        for process in processes:
            process.kill()
            process.communicate()
