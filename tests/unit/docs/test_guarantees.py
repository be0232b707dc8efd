"""docs/guarantees.md names tests that there are, and leaves out no invariant."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
TEXT = (TESTS.parent / "docs" / "guarantees.md").read_text()
FOLDERS = "contract|e2e|evaluation|faults|integration|unit"
NAMED = re.compile(rf"`((?:{FOLDERS})/[^`:]+\.py)(?:::(\w+))?`")
INVARIANTS = 18


def functions_of(file: Path) -> set[str]:
    """Names of its test functions."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    }


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 40
    files = {name for name, _ in named}
    missing = {name for name in files if not (TESTS / name).is_file()}
    assert missing == set()
    known = {name: functions_of(TESTS / name) for name in files}
    assert [f"{name}::{test}" for name, test in named if test and test not in known[name]] == []


def test_every_invariant_has_a_row_with_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if re.match(r"\| I\d+ \|", line)]
    assert [row.split("|")[1].strip() for row in rows] == [
        f"I{number}" for number in range(1, INVARIANTS + 1)
    ]
    assert [row for row in rows if not NAMED.search(row)] == []
