"""The throughput and latency of the service under more load than it can handle.

Capacity is the throughput of a closed loop that always has searches waiting. Then two and four
times as many arrive in an open loop: the service should answer as many as before, within the time
of a full queue, and answer the others with 503. Each round measures both, so that other work on the
machine slows both. The negative control is the same service without a bound on its queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Key, Measured, Outcome
from tests.benchmarks.race import contenders
from tests.benchmarks.race.load import Load, closed_loop, open_loop
from tests.benchmarks.race.servers import Server

QUEUE = 64
CONCURRENCY = 32  # of the closed loop: half the queue
FACTORS = (2, 4)
CONTROL_S = 3.0  # its backlog takes several times as long to answer
OVERLOADED = "503"


class OverloadUnclear(RuntimeError):
    """Requests failed in another way than with 503; the message says how."""


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Load the service beyond its capacity, with and without a bound on its queue.

    Raises:
        OverloadUnclear, tests.benchmarks.race.servers.ServerFailed,
        tests.benchmarks.race.load.LoadFailed.
    """
    say(f"overload: {' and '.join(map(str, FACTORS))} times its capacity, {plan.rounds} rounds")
    server = contenders.ours(catalogue, plan, name="overload", MOVIE_SEARCH_ENCODE_QUEUE=str(QUEUE))
    server.start()
    try:
        rounds = [_round(server, plan.seconds) for _ in range(plan.rounds)]
    finally:
        server.stop()
    control = _control(plan, catalogue)
    goodput = {f: Series.of(result[f][0] for result in rounds) for f in FACTORS}
    latency = {f: Series.of(result[f][1] for result in rounds) for f in FACTORS}
    refused = {f: sum(result[f][2] for result in rounds) for f in FACTORS}
    rows = [
        [f"{factor}x", goodput[factor].shown(), latency[factor].shown(), str(refused[factor])]
        for factor in FACTORS
    ]
    rows.append(["4x, no bound (the control)", number(control[0]), number(control[1]), "0"])
    columns = (
        "arrivals",
        "goodput / capacity, min / median",
        "p99 / (queue x service time)",
        "503",
    )
    remark = (
        f"A queue of {QUEUE}. p99 counts answered requests only. That of the control is relative "
        "to the time of the same queue, and grows as long as the load lasts."
    )
    figures = {
        "goodput": {str(f): result.to_json() for f, result in goodput.items()},
        "p99": {str(f): result.to_json() for f, result in latency.items()},
        "refused": {str(f): count for f, count in refused.items()},
        "control": {"goodput": control[0], "p99": control[1]},
    }
    outcomes: dict[Key, Outcome] = {
        "goodput": Measured(_worse(goodput, min), "the worse of 2x and 4x"),
        "p99-overload": Measured(_worse(latency, max), "the worse of 2x and 4x"),
    }
    table = Table("overload", "Overload", columns, rows, [remark])
    return Section([table], {"overload": figures}, outcomes)


def _worse(series: dict[int, Series], choose: Callable[[Iterable[float]], float]) -> Series:
    return Series.of(map(choose, zip(*(one.values for one in series.values()), strict=True)))


def _round(server: Server, seconds: float) -> dict[int, tuple[float, float, int]]:
    """For each factor: goodput / capacity, p99 / time of a full queue, refused requests."""
    results = {}
    for factor in FACTORS:
        before = _capacity(server, seconds)
        load = open_loop(server.requests, server.port, rate=factor * before, seconds=seconds)
        capacity = (before + _capacity(server, seconds)) / 2
        results[factor] = (*_ratios(load, capacity), load.errors)
    return results


def _control(plan: Plan, catalogue: Catalogue) -> tuple[float, float]:
    server = contenders.ours(
        catalogue, plan, name="overload without a bound",
        MOVIE_SEARCH_ENCODE_QUEUE="1000000", MOVIE_SEARCH_REQUEST_TIMEOUT_S="1000",
    )  # fmt: skip
    server.start()
    try:
        capacity = _capacity(server, plan.seconds)
        rate = FACTORS[-1] * capacity
        load = open_loop(server.requests, server.port, rate=rate, seconds=CONTROL_S)
    finally:
        server.stop()
    return _ratios(load, capacity)


def _capacity(server: Server, seconds: float) -> float:
    load = closed_loop(server.requests, server.port, concurrency=CONCURRENCY, seconds=seconds)
    return load.requests / load.wall_s


def _ratios(load: Load, capacity: float) -> tuple[float, float]:
    if load.errors and OVERLOADED not in load.first_error:
        raise OverloadUnclear(load.first_error)
    return load.requests / load.wall_s / capacity, load.p99_ms / 1000 / (QUEUE / capacity)
