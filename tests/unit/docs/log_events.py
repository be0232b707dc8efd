"""The log events of the code, and the table of them in ``docs/log-events.md``.

``python -m tests.unit.docs.log_events --write`` refreshes the table: events and levels come from
the code, descriptions are written by hand and kept. Without ``--write`` it prints what differs.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "log-events.md"
BEGIN, END = "<!-- log-events:begin -->", "<!-- log-events:end -->"
LEVELS = ("debug", "info", "warning", "error", "critical")
METHODS = {**{level: level for level in LEVELS}, "exception": "error"}
MISSING = "(to be described)"
# How the sections are ordered and named; the first folder that contains a module decides.
SECTIONS = {
    "services/ingest": "ingest",
    "services/embedder": "embedder",
    "services/query": "query",
    "services/local": "local",
    "services/evaluation": "evaluation",
    "services/cli": "cli",
    "shared": "any service (shared code)",
}
_SECTION = re.compile(r"^### (.+)$")
_ROW = re.compile(r"^\| `([^`]+)` \| ([a-z, ]+) \| (.*) \|$")


@dataclass
class Event:
    """An event of one section: its levels, and what the page says of it."""

    levels: set[str] = field(default_factory=set)
    description: str = MISSING

    @property
    def level(self) -> str:
        """The levels as the page lists them."""
        return ", ".join(level for level in LEVELS if level in self.levels)


Events = dict[str, dict[str, Event]]
"""Section to event to what is known of it."""


class EventNotLiteral(ValueError):
    """A log call computes its event, so that nobody can search for it."""


def events_in_code() -> Events:
    """The log events of the deployed code.

    Raises:
        EventNotLiteral: an event is not a string literal.
    """
    events: Events = defaultdict(lambda: defaultdict(Event))
    for folder, section in SECTIONS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            for level, event, line in _log_calls(ast.parse(path.read_text())):
                if event is None:
                    where = f"{path.relative_to(ROOT)}:{line}"
                    raise EventNotLiteral(f"{where}: the event is not a string literal")
                events[section][event].levels.add(level)
    return events


def events_in_page(text: str) -> Events:
    """The log events that the page lists."""
    events: Events = defaultdict(dict)
    section = ""
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        if heading := _SECTION.match(line):
            section = heading[1]
        elif row := _ROW.match(line):
            events[section][row[1]] = Event(set(row[2].split(", ")), row[3])
    return events


def render(code: Events, page: Events) -> str:
    """The tables, from the code's events and the page's descriptions.

    An event that moved to another section keeps its description.
    """
    elsewhere = {name: event for events in page.values() for name, event in events.items()}
    lines = []
    for section in SECTIONS.values():
        if not code.get(section):
            continue
        lines += [f"### {section}", "", "| event | level | when |", "|---|---|---|"]
        for name, event in sorted(code[section].items()):
            known = page.get(section, {}).get(name) or elsewhere.get(name)
            description = known.description if known else MISSING
            lines.append(f"| `{name}` | {event.level} | {description} |")
        lines.append("")
    return "\n".join(lines)


def _log_calls(tree: ast.Module) -> Iterator[tuple[str, str | None, int]]:
    """Level, event (None when it is no literal) and line of each call of a logger."""
    loggers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_logger(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            if _is_logger(function.value, loggers):
                yield METHODS[function.attr], _literal(node), node.lineno
        elif (
            isinstance(function, ast.Call)
            and ast.unparse(function.func) == "getattr"
            and _is_logger(function.args[0], loggers)
        ):
            yield "info", None, node.lineno


def _is_logger(expression: ast.expr, loggers: set[str]) -> bool:
    """Whether an expression is ``get_logger()``, that with fields bound, or a name for it."""
    if isinstance(expression, ast.Name):
        return expression.id in loggers
    if not isinstance(expression, ast.Call):
        return False
    function = expression.func
    if isinstance(function, ast.Name):
        return function.id == "get_logger"
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "bind"
        and _is_logger(function.value, loggers)
    )


def _literal(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def main() -> int:
    """Refresh the page, or say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refresh docs/log-events.md")
    write = parser.parse_args().write
    text = PAGE.read_text()
    code, page = events_in_code(), events_in_page(text)
    in_code = {(section, name) for section, events in code.items() for name in events}
    in_page = {(section, name) for section, events in page.items() for name in events}
    for section, name in sorted(in_code - in_page):
        print(f"new: {section}: {name}")
    for section, name in sorted(in_page - in_code):
        print(f"gone: {section}: {name}: {page[section][name].description}")
    if write:
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{render(code, page)}\n{END}{after}")
    return 0 if write or in_code == in_page else 1


if __name__ == "__main__":
    sys.exit(main())
