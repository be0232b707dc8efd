"""What Chromium's trace of a page says: when something was painted, and what kept it busy. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LONG_TASK_MS = 50.0
CATEGORIES = [
    "toplevel", "loading", "blink.user_timing", "devtools.timeline",
    "disabled-by-default-devtools.timeline",
]  # fmt: skip
_TASKS = frozenset({"RunTask", "ThreadControllerImpl::RunTask"})


@dataclass(frozen=True)
class Tasks:
    """What kept the page's thread busy, in milliseconds."""

    durations_ms: tuple[float, ...]

    @property
    def long(self) -> int:
        """How many were long enough to be felt."""
        return sum(took >= LONG_TASK_MS for took in self.durations_ms)

    @property
    def longest_ms(self) -> float:
        """The longest; 0 if there was none."""
        return max(self.durations_ms, default=0.0)

    @property
    def blocked_ms(self) -> float:
        """How long tasks went on after they could be felt: total blocking time."""
        return sum(max(0.0, took - LONG_TASK_MS) for took in self.durations_ms)


class TraceUnreadable(RuntimeError):
    """The browser's trace lacks what is looked for."""


def read_trace(trace: bytes, url: str | None) -> tuple[dict[str, float], Tasks]:
    """Paints in milliseconds after the navigation, and the tasks of the page's thread.

    Args:
        trace: As Chromium writes it.
        url: What was navigated to; None when nothing was: then the busiest page is meant.

    Raises:
        TraceUnreadable: there is no such navigation, or no page.
    """
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"].get("name") == "CrRendererMain"
    }
    busy = {main: _intervals_ms(events, main) for main in mains}
    if not busy:
        raise TraceUnreadable("there is no page in the trace")
    paints: dict[str, float] = {}
    if url is None:
        main = max(busy, key=lambda main: sum(end - start for start, end in busy[main]))
        return paints, Tasks(tuple(end - start for start, end in busy[main]))
    begun = next((event for event in events if _navigates(event, url)), None)
    if begun is None:
        raise TraceUnreadable(f"no navigation to {url} in the trace")
    for event in events:
        if event["pid"] == begun["pid"] and event["ts"] >= begun["ts"]:
            paints[event["name"]] = (event["ts"] - begun["ts"]) / 1000  # the last of each name
    main = next(main for main in mains if main[0] == begun["pid"])
    start_ms = begun["ts"] / 1000
    return paints, Tasks(tuple(end - start for start, end in busy[main] if start >= start_ms))


def _navigates(event: dict[str, Any], url: str) -> bool:
    data = event.get("args", {}).get("data", {})
    return event.get("name") == "navigationStart" and data.get("documentLoaderURL") == url


def _intervals_ms(
    events: Sequence[dict[str, Any]], main: tuple[int, int]
) -> list[tuple[float, float]]:
    """Tasks of a thread, those within others left out."""
    found = sorted(
        (event["ts"] / 1000, (event["ts"] + event.get("dur", 0)) / 1000)
        for event in events
        if event.get("ph") == "X"
        and event.get("name") in _TASKS
        and (event["pid"], event["tid"]) == main
    )
    outer: list[tuple[float, float]] = []
    for start, end in found:
        if not outer or start >= outer[-1][1]:
            outer.append((start, end))
    return outer
