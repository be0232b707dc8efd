"""The posters of a run: fetched by a process of their own, after the crawl and before its end.

Whatever happens to that process, the run goes on: a picture that is missing is missing until the
next run. So a picture that crashes the decoder, or a host that never answers, costs time only.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import Final

from services.ingest.context import Crawl
from services.ingest.supervisor.retry_budget import read_budget
from services.ingest.visits.visits import Visits
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.telemetry import get_logger

MARGIN_S: Final = 30.0
"""Seconds of the run's time limit that are left for its end."""
MIN_S: Final = 5.0
GRACE_S: Final = 15.0
"""Seconds after the limit in which the process may finish what it has begun."""


def fetch_posters(
    crawl: Crawl, visits: Visits, *, is_complete: bool, time_limit_s: float, demo_url: str | None
) -> None:
    """Fetch the posters that the run's movies name and that have not been fetched before.

    Args:
        crawl: The context of the crawl, which has succeeded.
        visits: What it has read.
        is_complete: Whether it saw all of its source.
        time_limit_s: Limit in seconds of all processes of the run together.
        demo_url: The URL of the demo site.
    """
    if not crawl.source.posters or crawl.folder is None:
        return
    try:
        if is_complete:
            visits.posters.forget_gone()
        wanted = len(visits.posters.wanted())
        used_s = asyncio.run(_used_s(crawl)) if wanted else 0.0
        limit_s = time_limit_s - used_s - MARGIN_S
        if wanted and limit_s >= MIN_S:
            get_logger().info("fetching posters", posters=wanted)
            _run_process(crawl, limit_s, demo_url)
    except (sqlite3.Error, OSError) as error:
        get_logger().warning("posters not fetched", reason=str(error))


async def _used_s(crawl: Crawl) -> float:
    """Seconds that the processes of the run have taken so far; 0 when it is not known."""
    redis = connect(crawl.redis_url)
    try:
        with suppress(*UNAVAILABLE):
            return (await read_budget(redis, crawl.run_id)).crawl_s
    finally:
        await redis.aclose()
    return 0.0


def _run_process(crawl: Crawl, limit_s: float, demo_url: str | None) -> None:
    command = [
        sys.executable, "-m", "services.ingest.posters", "--supervised",
        "--run-id", crawl.run_id, "--source", crawl.source.name, "--limit-s", str(int(limit_s)),
    ]  # fmt: skip
    if demo_url is not None:
        command += ["--demo-url", demo_url]
    # Its standard output is not this process's, which carries the outcome.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            code = process.wait(limit_s + GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    if code != 0:
        get_logger().warning("posters not fetched", reason=f"exit code {code}")
