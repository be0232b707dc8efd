"""One crawl of a test's site: the real child process, with real Redis, observed from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.ingest.outcome import Outcome, read_outcome
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import connect
from shared.runs import registry
from shared.runs.registry import Run

REAL = "services.ingest.crawl"
WITH_NAMES = "tests.support.crawl.hostile_child"
MIB = 2**20
_LOOK_S = 0.02


@dataclass(frozen=True)
class Crawled:
    """The results of a crawl.

    ``sent``: ids on the stream, by kind. ``complete``: as in the run's end; None without one.
    """

    outcome: Outcome
    run: Run
    sent: Mapping[str, frozenset[str]]
    texts: frozenset[str]
    complete: bool | None
    peak_bytes: int
    took_s: float
    log: str

    @property
    def movies(self) -> set[int]:
        """Numbers of the movies that arrived."""
        return {int(item.removeprefix("tt")) for item in self.sent.get("movie", ())}


def crawl_site(
    folder: Path,
    redis_url: str,
    fields: Mapping[str, Any],
    *,
    name: str = "site",
    module: str = REAL,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 180,
) -> Crawled:
    """Crawl a source to its end.

    Args:
        folder: For the source's file and what ingest keeps.
        redis_url: A real server.
        fields: Of the source, as in ``sources.toml``.
        name: The source's name.
        module: The child: the real one, or the one whose names can be set.
        environment: For the child.
        timeout_s: After which the test fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sources.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    file.write_text("\n".join([f"[sources.{name}]", 'spider = "schema_org"', *lines, ""]))
    run_id = asyncio.run(_request(redis_url, name))
    command = [sys.executable, "-m", module, "--run-id", run_id, "--source", name]
    variables = {
        **os.environ,
        "MOVIE_SEARCH_REDIS_URL": redis_url,
        "MOVIE_SEARCH_SOURCES": str(file),
        "MOVIE_SEARCH_DATA_DIR": str(folder / "data"),
        "MOVIE_SEARCH_CRAWL_CONTACT": "https://operator.example/",
        **(environment or {}),
    }
    began = time.monotonic()
    log = folder / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=errors, cwd=_ROOT
        ) as process,
    ):
        assert process.stdout is not None
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
            if time.monotonic() - began > timeout_s:
                process.kill()
                raise AssertionError(f"not done in {timeout_s} s: {log.read_text()[-4000:]}")
        said = process.stdout.read()
    took_s = time.monotonic() - began
    run, entries = asyncio.run(_collect(redis_url, run_id))
    items = [entry for entry in entries if entry["run"] == run_id]
    bodies = [json.loads(entry["body"]) for entry in items if entry["kind"] == "review"]
    ends = [json.loads(entry["body"]) for entry in items if entry["kind"] == "run_end"]
    return Crawled(
        outcome=read_outcome(process.returncode, said),
        run=run,
        sent={
            kind: frozenset(entry["id"] for entry in items if entry["kind"] == kind)
            for kind in ("movie", "review", "run_end")
        },
        texts=frozenset(body["review"]["text"] for body in bodies),
        complete=ends[0]["complete"] if ends else None,
        peak_bytes=peak,
        took_s=took_s,
        log=log.read_text(),
    )


def end_as_searchable(redis_url: str, run: Run) -> None:
    """Settle a run as the embedder would: it becomes the baseline of the source's next."""

    async def settle() -> None:
        redis = connect(redis_url)
        try:
            await registry.advance(redis, run, "searchable")
        finally:
            await redis.aclose()

    asyncio.run(settle())


_ROOT = Path(__file__).parents[3]


def _peak_of(pid: int) -> int:
    """The most memory a process has held so far; what its parent held before does not count."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


async def _request(redis_url: str, source: str) -> str:
    redis = connect(redis_url)
    try:
        await redis.delete(f"active:{source}")
        run, _ = await registry.request_run(redis, source)
        await registry.advance(redis, run, "crawling")
    finally:
        await redis.aclose()
    return run.run_id


async def _collect(redis_url: str, run_id: str) -> tuple[Run, list[dict[str, str]]]:
    redis = connect(redis_url)
    try:
        run = await registry.get_run(redis, run_id)
        entries = [fields for _, fields in await redis.xrange(REVIEWS_STREAM)]
    finally:
        await redis.aclose()
    assert run is not None
    return run, entries
