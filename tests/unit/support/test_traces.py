from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.browser.traces import Tasks, TraceUnreadable, read_trace

URL = "http://films.example/"


def event(name: str, ts: int, *, pid: int = 1, tid: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "ts": ts, "pid": pid, "tid": tid, "ph": "X", "args": {}, **more}


def main(pid: int) -> dict[str, Any]:
    return event("thread_name", 0, pid=pid, args={"name": "CrRendererMain"})


def navigation(ts: int, pid: int = 1, url: str = URL) -> dict[str, Any]:
    return event("navigationStart", ts, pid=pid, args={"data": {"documentLoaderURL": url}})


def trace(*events: dict[str, Any]) -> bytes:
    return json.dumps({"traceEvents": events}).encode()


def test_paints_count_from_the_navigation_and_the_last_of_a_name_holds() -> None:
    paints, _ = read_trace(
        trace(
            main(1), main(2), navigation(5_000),
            event("firstContentfulPaint", 1_000),
            event("firstContentfulPaint", 105_000),
            event("largestContentfulPaint::Candidate", 205_000),
            event("largestContentfulPaint::Candidate", 305_000),
            event("firstContentfulPaint", 999_000, pid=2),
        ),
        URL,
    )  # fmt: skip
    assert paints["firstContentfulPaint"] == 100
    assert paints["largestContentfulPaint::Candidate"] == 300


def test_tasks_are_of_the_page_s_own_thread_and_counted_once() -> None:
    _, tasks = read_trace(
        trace(
            main(1), main(2), navigation(5_000),
            event("RunTask", 1_000, dur=90_000, tid=1, pid=2),
            event("RunTask", 1_000, dur=2_000),  # before the navigation
            event("RunTask", 10_000, dur=80_000),
            event("ThreadControllerImpl::RunTask", 20_000, dur=60_000),  # within that
            event("RunTask", 100_000, dur=10_000),
            event("RunTask", 200_000, dur=500_000, tid=9),
            event("Layout", 300_000, dur=500_000),
        ),
        URL,
    )  # fmt: skip
    assert tasks == Tasks((80.0, 10.0))
    assert (tasks.long, tasks.longest_ms, tasks.blocked_ms) == (1, 80, 30)


def test_without_a_navigation_the_busiest_page_is_meant() -> None:
    busy = event("RunTask", 1_000, dur=9_000, pid=2)
    paints, tasks = read_trace(
        trace(main(1), main(2), event("RunTask", 1_000, dur=7_000), busy), None
    )
    assert (paints, tasks) == ({}, Tasks((9.0,)))
    assert Tasks(()).longest_ms == 0


def test_a_trace_without_what_is_looked_for_says_so() -> None:
    with pytest.raises(TraceUnreadable, match="no page"):
        read_trace(trace(navigation(1)), URL)
    with pytest.raises(TraceUnreadable, match="no navigation"):
        read_trace(trace(main(1), navigation(1, url="about:blank")), URL)
