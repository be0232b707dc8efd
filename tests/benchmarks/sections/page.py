"""``python -m tests.benchmarks.sections.page``: the load of the page on a slow phone.

Chromium measures the real system with the demo catalogue and an empty cache, with Lighthouse's
phone profile: CPU slowed down four times, 1.6 Mbit/s download, 150 ms round trip. Paints and tasks
come from the browser's trace. The map is drawn with 10,000 synthetic points, then zoomed and
dragged. Each view is loaded several times; the table shows medians, and maxima of long tasks.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, Route

from tests.support.browser.chromium import chromium
from tests.support.browser.traces import CATEGORIES, Tasks, TraceUnreadable, read_trace
from tests.support.local_system import LocalSystem

CPU_SLOWDOWN = 4
DOWN_BYTES_PER_S = 1.6e6 / 8
UP_BYTES_PER_S = 750e3 / 8
ROUND_TRIP_MS = 150
PHONE = {"width": 360, "height": 740}
POINTS = 10_000
CLUSTERS = 15
STEPS = 60
ANSWER_TIMEOUT_MS = 60_000


@dataclass(frozen=True)
class View:
    """A view, and the element that makes it usable."""

    name: str
    path: str
    usable: str


VIEWS = (
    View("home", "/", "#q"),
    View("results", "/?q=space,+loneliness+and+silence", ".hit .title"),
    View("movie", "/movie/tt0062622", ".movie h1"),
    View("map", "/explore", ".clusters button, .clusters summary, .clusters a"),
    View("admin", "/admin", "#token"),
)
MAP = "map"

# Records when an element of the selector was painted. The browser injects it into the page.
WATCH = """(() => {
  const look = () => {
    if (!document.querySelector(%s)) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.usableMs = performance.now(); }));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
})()"""


@dataclass(frozen=True)
class Load:
    """The figures of one visit with an empty cache."""

    usable_ms: float
    first_paint_ms: float
    largest_paint_ms: float
    requests: int
    received_bytes: int
    tasks: Tasks
    slowed: Tasks | None
    unslowed: Tasks | None


def made_up_map(points: int = POINTS) -> dict[str, Any]:
    """A response of ``GET /map`` with synthetic clusters of movies, always the same."""
    chance = random.Random(7)
    centres = [
        (math.cos(n * 2.4) * math.sqrt(n), math.sin(n * 2.4) * math.sqrt(n))
        for n in range(1, CLUSTERS + 1)
    ]
    cluster = [chance.randrange(CLUSTERS) for _ in range(points)]
    places = [(chance.gauss(centres[n][0], 0.5), chance.gauss(centres[n][1], 0.5)) for n in cluster]
    largest = max(abs(part) for place in places for part in place)
    return {
        "snapshot_id": "00000001-00000000",
        "movie_ids": [f"tt{n:07}" for n in range(points)],
        "titles": [f"The Movie of the Number {n}" for n in range(points)],
        "years": [1920 + n % 105 for n in range(points)],
        "x": [round(x / largest, 4) for x, _ in places],
        "y": [round(y / largest, 4) for _, y in places],
        "cluster": cluster,
        "clusters": [
            {
                "number": n,
                "movies": cluster.count(n),
                "words": [f"word{n}", f"other{n}", f"third{n}"],
                "x": round(x / largest, 4),
                "y": round(y / largest, 4),
            }
            for n, (x, y) in enumerate(centres)
        ],
    }


async def load(browser: Browser, origin: str, view: View, answer: str) -> Load:
    """Visit a view once."""
    context = await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH % json.dumps(view.usable))
        if view.name == MAP:
            await page.route("**/map", lambda route: _answer(route, answer))
        session = await context.new_cdp_session(page)
        received = await _slow_down(session)
        url = f"{origin}{view.path}"
        await browser.start_tracing(page=page, categories=CATEGORIES)
        await page.goto(url, wait_until="commit")
        await page.wait_for_selector(view.usable, timeout=ANSWER_TIMEOUT_MS)
        await page.wait_for_load_state("networkidle")
        paints, tasks = read_trace(await browser.stop_tracing(), url)
        usable_ms: float = await page.evaluate("window.usableMs")
        slowed = unslowed = None
        if view.name == MAP:
            received[f"{origin}/map"] = _size_bytes(answer)
            slowed = await _move_about(browser, page)
            await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
            unslowed = await _move_about(browser, page)
        return Load(
            usable_ms=usable_ms,
            first_paint_ms=paints.get("firstContentfulPaint", math.nan),
            largest_paint_ms=paints.get("largestContentfulPaint::Candidate", math.nan),
            requests=len(received),
            received_bytes=int(sum(received.values())),
            tasks=tasks,
            slowed=slowed,
            unslowed=unslowed,
        )
    finally:
        await context.close()


async def _answer(route: Route, body: str) -> None:
    # This response does not pass the slow network, so wait as long as that would take.
    await asyncio.sleep(ROUND_TRIP_MS / 1000 + _size_bytes(body) / DOWN_BYTES_PER_S)
    await route.fulfill(body=body, content_type="application/json")


def _size_bytes(body: str) -> int:
    return len(gzip.compress(body.encode(), 6))


async def _slow_down(session: CDPSession) -> dict[str, float]:
    """Emulate a slow phone; returns a dict that fills with the bytes received, by URL."""
    addresses: dict[str, str] = {}
    received: dict[str, float] = {}

    def ask(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"]

    def end(event: dict[str, Any]) -> None:
        received[addresses[event["requestId"]]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", ask)
    session.on("Network.loadingFinished", end)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP_MS,
            "downloadThroughput": DOWN_BYTES_PER_S,
            "uploadThroughput": UP_BYTES_PER_S,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    return received


async def _move_about(browser: Browser, page: Page) -> Tasks:
    """Zoom into the map and drag it."""
    box = await page.locator(".map").bounding_box()
    if box is None:
        raise TraceUnreadable("the map is not visible")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await page.mouse.move(x, y)
    for _ in range(STEPS // 3):
        await page.mouse.wheel(0, -60)
    await page.mouse.down()
    for n in range(STEPS):
        await page.mouse.move(x + 60 * math.sin(n / 8), y + 60 * math.cos(n / 8))
    await page.mouse.up()
    _, tasks = read_trace(await browser.stop_tracing(), None)
    return tasks


def report_lines(view: View, loads: Sequence[Load]) -> list[str]:
    """The lines of the report for a view."""

    def median(values: Sequence[float]) -> float:
        return statistics.median(values)

    columns = [
        f"{view.name:8}",
        f"{median([one.usable_ms for one in loads]) / 1000:9.2f}",
        f"{median([one.first_paint_ms for one in loads]) / 1000:9.2f}",
        f"{median([one.largest_paint_ms for one in loads]) / 1000:9.2f}",
        f"{median([one.tasks.blocked_ms for one in loads]):11.0f}",
        f"{max(one.tasks.long for one in loads):7d}",
        f"{max(one.tasks.longest_ms for one in loads):10.0f}",
        f"{median([one.requests for one in loads]):10.0f}",
        f"{median([one.received_bytes for one in loads]) / 1000:8.0f}",
    ]
    lines = ["".join(columns)]
    for how, moved in (
        ("slowed down", [one.slowed for one in loads if one.slowed]),
        ("at full speed", [one.unslowed for one in loads if one.unslowed]),
    ):
        if moved:
            most = max(one.long for one in moved)
            longest_ms = max(one.longest_ms for one in moved)
            lines.append(
                f"  zoomed and dragged, {how}: {most} long tasks, the longest {longest_ms:.0f} ms"
            )
    return lines


async def measure(origin: str, rounds: int) -> None:
    """Measure each view and print the report."""
    answer = json.dumps(made_up_map())
    print(
        f"CPU / {CPU_SLOWDOWN}, {DOWN_BYTES_PER_S * 8 / 1e6} Mbit/s, {ROUND_TRIP_MS} ms; "
        f"{rounds} visits, empty cache; the map has {POINTS:,} points\n"
        f"{'view':8}{'usable s':>9}{'FCP s':>9}{'LCP s':>9}{'blocked ms':>11}{'long':>7}"
        f"{'longest':>10}{'requests':>10}{'kB':>8}"
    )
    async with chromium() as browser:
        for view in VIEWS:
            loads = [await load(browser, origin, view, answer) for _ in range(rounds)]
            print("\n".join(report_lines(view, loads)), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the page of a new or a running system; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sections.page")
    parser.add_argument("--url", help="address of a running system with the demo catalogue")
    parser.add_argument("--rounds", type=int, default=3, help="number of visits of each view")
    given = parser.parse_args(arguments)
    if given.url:
        asyncio.run(measure(given.url.rstrip("/"), given.rounds))
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="movie-search-") as folder,
        LocalSystem(Path(folder) / "data") as system,
    ):
        system.wait_until_ready()
        asyncio.run(measure(str(system.client.base_url), given.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
