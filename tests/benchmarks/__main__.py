"""``make bench``, or ``python -m tests.benchmarks``: measure, print, write JSON.

It starts, warms up and stops everything; competitors take turns within one run. A competitor that
cannot be installed is reported and left out. The exit code says whether the measurement worked, not
whether the targets were met: 0 measured, 1 failed with one line that says why, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from services.evaluation.snapshot_build import BuildFailed
from tests.benchmarks.catalogues import built
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures import machine, report, targets
from tests.benchmarks.figures.plan import ROOT, SECTIONS, Plan, SectionName, full, quick
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.probes.probing import ProbeFailed
from tests.benchmarks.race.load import LoadFailed
from tests.benchmarks.race.servers import ServerFailed
from tests.benchmarks.sections import (
    fairness,
    growth,
    overload,
    parts,
    pipeline,
    popular,
    reload,
    scale,
    serving,
)

DOCUMENT = ROOT / "docs" / "performance.md"
WIDTH = 200  # of the output when it is not a terminal
FAULTS = (
    BuildFailed, LoadFailed, ProbeFailed, ServerFailed, overload.OverloadUnclear,
    reload.NotReloaded, pipeline.SystemFailed, OSError,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; returns the exit code."""
    options = _parser().parse_args(arguments)
    plan = (quick if options.quick else full)(options.data.absolute(), options.work.absolute())
    changes = {
        name: getattr(options, name)
        for name in ("rounds", "seconds", "reviews", "sizes")
        if getattr(options, name) is not None
    }
    plan = replace(plan, sections=options.only or SECTIONS, **changes)
    errors = Console(stderr=True)

    def say(line: str) -> None:
        errors.print(line, highlight=False, markup=False, soft_wrap=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no process is left running
    before = machine.described()
    sections: dict[str, Section] = {}
    code = 0
    try:
        _run(plan, sections, say)
    except FAULTS as error:
        say(f"bench: {error}")
        code = 1
    except KeyboardInterrupt:
        say("bench: interrupted; the results so far:")
        code = 1
    after = machine.described()
    tables = [
        *(table for section in sections.values() for table in section.tables),
        targets.table(report.outcomes_of(sections)),
        machine.table(before, after),
    ]
    output = Console()
    output = output if output.is_terminal else Console(width=WIDTH)
    for table in tables:
        report.show(output, table)
    path = report.write_json(
        plan.work, sections, tables, machine=before, load_average_after=after["load_average"],
        plan={name: str(value) for name, value in vars(plan).items()},
    )  # fmt: skip
    say(f"all figures written to {path}")
    if options.docs and code == 0:
        drawings = {
            name: drawing
            for section in sections.values()
            for name, drawing in section.drawings.items()
        }
        report.write_document(DOCUMENT, tables, drawings)
        say(f"tables written to {DOCUMENT}")
    return code


def _run(plan: Plan, sections: dict[str, Section], say: Say) -> None:
    """Measure the sections one by one into ``sections``, so that an error loses no results."""
    work = plan.work / "catalogues"
    say("preparing the catalogues (a minute or two, once)")
    demo = built.demo(work, say)
    real = built.imdb500(plan.data, work, say)
    if real is None:
        say(f"no real reviews in {plan.data}: using the demo catalogue instead")
    catalogue: Catalogue = real or demo
    steps: dict[SectionName, Callable[[], Section]] = {
        "parts": lambda: parts.measure(plan, catalogue, say),
        "scale": lambda: scale.measure(plan, say),
        "http": lambda: serving.measure(plan, catalogue, demo, say),
        "overload": lambda: overload.measure(plan, catalogue, say),
        "fairness": lambda: fairness.measure(plan, catalogue, say),
        "reload": lambda: reload.measure(plan, catalogue, say),
        "growth": lambda: growth.measure(plan, catalogue, say),
        "popular": lambda: popular.measure(plan, catalogue, say),
        "pipeline": lambda: pipeline.measure(plan, catalogue, say),
    }
    for name, step in steps.items():
        if name in plan.sections:
            sections[name] = step()
    _join(sections)


def _join(sections: dict[str, Section]) -> None:
    """Add the outcome that needs two sections: a search compared with its encoding alone."""
    if "parts" not in sections or "http" not in sections:
        return
    sections["http"].outcomes["cpu-encode"] = serving.against_encoding(
        sections["http"], sections["parts"]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="rough figures in a few minutes")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SECTIONS,
        metavar="SECTION",
        help=f"sections to run: {', '.join(SECTIONS)}",
    )
    parser.add_argument("--rounds", type=int, help="number of windows of each contender")
    parser.add_argument("--seconds", type=float, help="length of a window in seconds")
    parser.add_argument("--reviews", type=int, help="reviews of imdb75k to crawl; 0: all")
    parser.add_argument("--sizes", type=int, nargs="+", help="movies, for the growth section")
    parser.add_argument("--docs", action="store_true", help="write the tables to the document")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    return parser


if __name__ == "__main__":
    sys.exit(main())
