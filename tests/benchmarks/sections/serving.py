"""The race over HTTP: our query service, the original design, and peers, in one run.

Cold starts come first, then closed loops at each concurrency, then an open loop at the same rate
for all: a share of the throughput of the slowest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.query.settings import QuerySettings
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Key, Measured, NotMeasured, Outcome
from tests.benchmarks.race import contenders
from tests.benchmarks.race.contenders import CONSTANT, ORIGINAL, OURS, TXTAI
from tests.benchmarks.race.load import Api, closed_loop, have_wrk, open_loop
from tests.benchmarks.race.servers import Memory, Server
from tests.benchmarks.race.turns import Laps, cold_starts, laps, lined_up, memories
from tests.benchmarks.race.venvs import NotInstalled
from tests.benchmarks.sections.parts import GRAPH

ENCODING_ALONE = f"{GRAPH}, one by one"
WORKERS = 2
OURS_WORKERS = f"this project, {WORKERS} workers"
OURS_ON_DEMO = "this project, on the demo catalogue"
OURS_SEMANTIC = "this project, mode semantic, no evidence"
NO_SEARCH = ("infinity", CONSTANT)  # not a whole search, so not used for the rate of the open loop


def measure(plan: Plan, catalogue: Catalogue, demo: Catalogue, say: Say) -> Section:
    """Run the race.

    Raises:
        tests.benchmarks.race.servers.ServerFailed: ours cannot start, or one ended under load.
        tests.benchmarks.race.load.LoadFailed: a load generator ended without a result.
    """
    servers, absent = _line_up(plan, catalogue, demo, say)
    say("http: cold starts")
    starts = cold_starts(servers, plan.starts, say)
    absent |= {server.name: "does not start" for server in servers if server.name not in starts}
    servers = [server for server in servers if server.name in starts]
    with_wrk = have_wrk()
    closed: dict[int, dict[str, Laps]] = {}
    opened: dict[float, dict[str, Laps]] = {}
    with lined_up(servers):
        for concurrency in plan.concurrencies:
            say(f"http: concurrency {concurrency}, {plan.rounds} rounds of {len(servers)}")
            closed[concurrency] = laps(
                servers, plan.rounds,
                lambda server, concurrency=concurrency: closed_loop(  # type: ignore[misc]
                    server.requests, server.port, concurrency=concurrency, seconds=plan.seconds
                ),
            )  # fmt: skip
        racing = [server for server in servers if not server.name.startswith(NO_SEARCH)]
        top = max(plan.concurrencies)
        slowest = min(closed[top][server.name].per_second.median for server in racing)
        for share in plan.open_shares:
            rate = slowest * share
            say(f"http: open loop, {rate:.0f} a second")
            opened[rate] = laps(
                racing, plan.rounds,
                lambda server, rate=rate: open_loop(  # type: ignore[misc]
                    server.requests, server.port, rate=rate, seconds=plan.seconds
                ),
            )  # fmt: skip
        held = memories(servers)
    generator = "wrk" if with_wrk else "our own generator, because wrk is not installed"
    section = Section(
        [
            _search_table(closed, absent, catalogue, generator),
            _process_table(starts, held, absent),
            _open_table(opened),
        ],
        {
            "closed": {n: _figures(results) for n, results in closed.items()},
            "open": {f"{rate:.2f}": _figures(results) for rate, results in opened.items()},
            "cold_start_s": starts,
            "memory": {name: asdict(memory) for name, memory in held.items()},
            "absent": absent,
        },
    )
    section.outcomes = _outcomes(closed, starts, held, absent)
    return section


def _line_up(
    plan: Plan, catalogue: Catalogue, demo: Catalogue, say: Say
) -> tuple[list[Server], dict[str, str]]:
    """The servers that can take part, and why the others cannot."""
    ours = contenders.ours(catalogue, plan)
    ours.start()
    size_bytes = ours.answer_bytes()
    ours.stop()
    semantic = Api(
        "POST", "/search", '{"query": {query}, "k": 10, "mode": "semantic", "evidence": 0}'
    )
    servers = [
        ours,
        contenders.ours(catalogue, plan, name=OURS_SEMANTIC, api=semantic),
        contenders.ours(demo, plan, name=OURS_ON_DEMO),
    ]
    absent: dict[str, str] = {}
    if "query_workers" in QuerySettings.model_fields:
        workers = str(WORKERS)
        servers.append(
            contenders.ours(catalogue, plan, name=OURS_WORKERS, MOVIE_SEARCH_QUERY_WORKERS=workers)
        )
    else:
        absent[OURS_WORKERS] = "not built"
    peers: dict[str, Callable[[], Server]] = {
        ORIGINAL: lambda: contenders.original(catalogue, plan, say),
        TXTAI: lambda: contenders.txtai(catalogue, plan, say),
        "infinity, torch": lambda: contenders.infinity(catalogue, plan, "torch", say),
        "infinity, ONNX": lambda: contenders.infinity(catalogue, plan, "optimum", say),
    }
    for name, make in peers.items():
        try:
            servers.append(make())
        except NotInstalled as error:
            say(f"{name}: not installed: {error}")
            absent[name] = f"not installed: {error}"
    servers.append(contenders.constant(catalogue, plan, size_bytes))
    return servers, absent


def _outcomes(
    closed: Mapping[int, Mapping[str, Laps]], starts: Mapping[str, Sequence[float]],
    held: Mapping[str, Memory], absent: Mapping[str, str],
) -> dict[Key, Outcome]:  # fmt: skip
    def against(name: str, ratio: Callable[[Laps, Laps], Series], concurrency: int) -> Outcome:
        if name in absent:
            return NotMeasured(absent[name])
        if concurrency not in closed:
            return NotMeasured(f"not run at concurrency {concurrency}")
        results = closed[concurrency]
        failed = results[name].errors + results[OURS].errors
        note = f"{failed} requests failed" if failed else ""
        return Measured(ratio(results[OURS], results[name]), note)

    outcomes: dict[Key, Outcome] = {
        "cpu-original": against(ORIGINAL, lambda a, b: b.cpu_ms.over(a.cpu_ms), 8),
        "throughput-original-8": against(ORIGINAL, lambda a, b: a.per_second.over(b.per_second), 8),
        "throughput-original-32": against(
            ORIGINAL, lambda a, b: a.per_second.over(b.per_second), 32
        ),
        "cpu-txtai": against(TXTAI, lambda a, b: b.cpu_ms.over(a.cpu_ms), 8),
        "p99-original": against(ORIGINAL, lambda a, b: b.p99_ms.over(a.p99_ms), 8),
    }
    if ORIGINAL in absent:
        why = NotMeasured(absent[ORIGINAL])
        return {**outcomes, "memory-original": why, "start-original": why}
    memory = held[OURS].rss_mb / held[ORIGINAL].rss_mb
    outcomes["memory-original"] = Measured(Series.of([memory]), "resident, after the load")
    outcomes["start-original"] = Measured(Series.of(starts[OURS]).over(Series.of(starts[ORIGINAL])))
    return outcomes


def _figures(results: Mapping[str, Laps]) -> dict[str, Any]:
    return {name: result.to_json() for name, result in results.items()}


def _search_table(
    closed: Mapping[int, Mapping[str, Laps]], absent: Mapping[str, str],
    catalogue: Catalogue, generator: str,
) -> Table:  # fmt: skip
    columns = ["server"]
    for n in closed:
        columns += [f"CPU ms, c={n}", f"requests/s, c={n}", f"p50, p99 ms, c={n}"]
    rows = []
    for name in next(iter(closed.values())):
        row = [name]
        for results in closed.values():
            result = results[name]
            failed = f" ({result.errors} failed)" if result.errors else ""
            row += [
                result.cpu_ms.shown(), number(result.per_second.median) + failed,
                f"{number(result.p50_ms.median)}, {number(result.p99_ms.median)}",
            ]  # fmt: skip
        rows.append(row)
    rows += [[name, why, *[""] * (len(columns) - 2)] for name, why in absent.items()]
    counts = catalogue.snapshot.manifest.counts
    remark = (
        "CPU of the server a request, minimum / median of the rounds; the rest are medians. "
        f"{catalogue.name}: {counts.movies} movies, {counts.reviews:,} reviews; distinct queries "
        f"from {catalogue.queries_from}; closed loop by {generator}."
    )
    return Table("http", "Searches over HTTP", columns, rows, [remark])


def _process_table(
    starts: Mapping[str, Sequence[float]], held: Mapping[str, Memory], absent: Mapping[str, str]
) -> Table:
    rows = []
    for name, memory in held.items():
        start = Series.of(starts[name])
        rows.append([
            name, number(start.minimum), number(start.median), number(memory.rss_mb, 0),
            number(memory.pss_mb, 0), number(memory.private_mb, 0),
        ])  # fmt: skip
    rows += [[name, why, "", "", "", ""] for name, why in absent.items()]
    columns = (
        "server", "start to first answer, s, min", "median", "resident MB", "proportional MB",
        "private MB",
    )  # fmt: skip
    remark = "Resident counts a page for each process that maps it; proportional counts it once."
    return Table("processes", "Starting, and memory after the load", columns, rows, [remark])


def _open_table(opened: Mapping[float, Mapping[str, Laps]]) -> Table:
    rows: list[list[Any]] = []
    for rate, results in opened.items():
        for name, result in results.items():
            failed = f" ({result.errors} failed)" if result.errors else ""
            rows.append([
                f"{name}: {rate:.0f}/s{failed}", number(result.p50_ms.median),
                result.p99_ms.shown(), number(result.cpu_ms.median), number(result.lag_p99_ms),
            ])  # fmt: skip
    columns = ("server: arrivals", "p50 ms", "p99 ms, min / median", "CPU ms", "generator late ms")
    remarks = ["Latency counts from the moment when a request was due."]
    return Table("open", "Latency at a constant rate of arrivals", columns, rows, remarks)


def against_encoding(http: Section, parts: Section) -> Outcome:
    """CPU of a search at concurrency 1 / CPU of encoding one query, round by round."""
    results = http.figures["closed"].get(1)
    if results is None:
        return NotMeasured("not run at concurrency 1")
    search = Series.of(results[OURS]["cpu_ms"]["rounds"])
    alone = Series.of(parts.figures["parts"][ENCODING_ALONE]["rounds"])
    return Measured(search.over(alone), "one at a time; each alone, in one run")
