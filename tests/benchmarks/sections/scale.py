"""Flat search compared with its limit: the time to read the matrix once."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured, NotMeasured
from tests.benchmarks.probes.probe import READERS
from tests.benchmarks.probes.probing import ProbeProcess, probe

DIM = 384
K = 100  # the candidates of a hybrid search
BATCHES = (1, 8, 32)
TARGET_ROWS = 1_000_000
WINDOW_NUMBERS = 2_000_000_000  # about this many numbers are read in a window


def measure(plan: Plan, say: Say) -> Section:
    """Measure matrices of several sizes, one thread.

    Raises:
        tests.benchmarks.probes.probing.ProbeFailed: a probe ended, for example without memory.
    """
    rows: list[list[str]] = []
    figures: dict[str, Any] = {}
    section = Section()
    for count in plan.vectors:
        say(f"scale: {count:,} x {DIM}")
        folder = plan.work / "scale"
        folder.mkdir(parents=True, exist_ok=True)
        with probe("flat", count, DIM, folder, log=folder / "probe.log") as process:
            cpu_ms = _turns(process, count, plan.rounds)
        read = Series.of(
            min(times) for times in zip(*(cpu_ms[f"read {name}"] for name in READERS), strict=True)
        )
        ratios = {batch: Series.of(cpu_ms[f"search {batch}"]).over(read) for batch in BATCHES}
        timed = {name: Series.of(values) for name, values in cpu_ms.items()}
        rows.append([
            f"{count:,}", read.shown(), *(timed[f"search {batch}"].shown() for batch in BATCHES),
            number(ratios[1].median),
        ])  # fmt: skip
        figures[str(count)] = {name: series.to_json() for name, series in timed.items()}
        if count == TARGET_ROWS:
            section.outcomes["flat-1m"] = Measured(ratios[1], "one query, CPU time, one thread")
    if "flat-1m" not in section.outcomes:
        section.outcomes["flat-1m"] = NotMeasured("not run at 1M")
    columns = (
        f"vectors x {DIM}", "reading once, ms", *(f"search, batch {n}, ms" for n in BATCHES),
        "search / reading",
    )  # fmt: skip
    remark = (
        f"CPU time, minimum / median. Our index (`IndexFlatIP`), best {K}, one thread, a whole "
        f"batch. Reading is the fastest of {', '.join(READERS)} in numpy."
    )
    section.tables.append(Table("scale", "Flat search against memory", columns, rows, [remark]))
    section.figures["scale"] = figures
    return section


def _turns(process: ProbeProcess, count: int, rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds of each command; the first round warms up and does not count.

    Waiting for memory counts as CPU time; waiting for a CPU does not.
    """
    times = max(1, WINDOW_NUMBERS // (count * DIM))
    commands: dict[str, dict[str, Any]] = {
        f"read {name}": {"what": "read", "reader": name, "times": times} for name in READERS
    }
    for batch in BATCHES:
        repeats = max(1, times // batch)
        commands[f"search {batch}"] = {"what": "search", "batch": batch, "k": K, "times": repeats}
    cpu_ms: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            window = process.measure(command)
            if turn:
                cpu_ms[name].append(window.cpu_ms)
    return cpu_ms
