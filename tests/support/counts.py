"""How many cases a fault test has run: printed after the run, and quoted in docs/guarantees.md.

A test asks for the fixture ``counted`` and calls it: ``counted("kills", 20)``. Counts of the same
name are added up. They travel with the test's report, so that those of pytest-xdist's workers
arrive, too; the controlling process prints them under ``counts`` and writes ``build/faults.json``,
where a test that was not run this time keeps its earlier counts::

    {"tests/faults/test_x.py::test_y": {"passed": true, "soak": false, "counts": {"kills": 20}}}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.soak import SOAK

FILE = Path(__file__).parents[2] / "build" / "faults.json"
_PROPERTY = "counted"

Counted = Callable[[str, int], None]


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """``counted(what, n)``: this test has run ``n`` more ``what``, a plural noun."""

    def count(what: str, n: int) -> None:
        record_property(_PROPERTY, f"{n} {what}")

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Pytest's hook: print this run's counts and write the file."""
    entries: dict[str, dict[str, Any]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call" and (counts := _counts_of(report)):
                test = report.nodeid.partition("[")[0]  # of all its cases together
                known = entries.setdefault(test, {"passed": True, "soak": SOAK, "counts": {}})
                known["passed"] &= report.passed
                known["counts"] = dict(Counter(known["counts"]) + counts)
    if not entries:
        return
    terminalreporter.section("counts")
    for test, entry in sorted(entries.items()):
        counts_text = ", ".join(f"{n} {what}" for what, n in entry["counts"].items())
        terminalreporter.line(f"{test}: {counts_text}{'' if entry['passed'] else ' (FAILED)'}")
    FILE.parent.mkdir(exist_ok=True)
    before = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**before, **entries}, indent=1, sort_keys=True) + "\n")


def _counts_of(report: pytest.TestReport) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, value in report.user_properties:
        if name == _PROPERTY:
            number, _, what = str(value).partition(" ")
            counts[what] += int(number)
    return counts
