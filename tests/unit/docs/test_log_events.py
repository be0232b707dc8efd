"""docs/log-events.md lists the log events of the code: none missing, none too many."""

from __future__ import annotations

import ast

import pytest

from tests.unit.docs import log_events
from tests.unit.docs.log_events import MISSING, PAGE, Events

REFRESH = "run: python -m tests.unit.docs.log_events --write"


def levels(events: Events) -> dict[tuple[str, str], str]:
    return {
        (section, name): event.level
        for section, by_name in events.items()
        for name, event in by_name.items()
    }


def test_the_page_lists_the_events_of_the_code() -> None:
    code = levels(log_events.events_in_code())
    page = levels(log_events.events_in_page(PAGE.read_text()))
    assert len(code) > 80
    assert page == code, REFRESH


def test_every_event_is_described() -> None:
    page = log_events.events_in_page(PAGE.read_text())
    undescribed = [
        name
        for by_name in page.values()
        for name, event in by_name.items()
        if event.description in {"", MISSING}
    ]
    assert undescribed == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('get_logger().info("a", n=1)', [("info", "a", 1)]),
        ('get_logger().bind(n=1).exception("a")', [("error", "a", 1)]),
        ('log = get_logger().bind(n=1)\nlog.warning("b")', [("warning", "b", 2)]),
        ('get_logger().error(f"{a}")', [("error", None, 1)]),
        ('getattr(get_logger(), level)("a")', [("info", None, 1)]),
        ('parser.error("a")', []),
    ],
)
def test_calls_of_loggers_are_recognised(
    code: str, expected: list[tuple[str, str | None, int]]
) -> None:
    assert list(log_events._log_calls(ast.parse(code))) == expected


def test_a_refresh_keeps_what_was_written_by_hand() -> None:
    code: Events = {"ingest": {"a": log_events.Event({"info"}), "b": log_events.Event({"error"})}}
    page: Events = {"query": {"a": log_events.Event({"info"}, "When it begins.")}}
    rendered = log_events.render(code, page)
    assert "| `a` | info | When it begins. |" in rendered
    assert f"| `b` | error | {MISSING} |" in rendered
