"""Load on a server, always from another process.

``wrk`` makes the closed loops (a number of requests in flight); it is installed where the package
manager allows it, and otherwise our own generator takes its place. Our generator always makes the
open loops (a number of arrivals per second): Debian packages none that keeps to a schedule.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.benchmarks.catalogues.queries import take

LUA = Path(__file__).with_name("wrk.lua")
JSON = "application/json"


@dataclass(frozen=True)
class Api:
    """The request of a server.

    Attributes:
        method: The HTTP method.
        path: The path of a request with a body.
        template: The body, or the path of a GET, with ``{query}`` in the place of the query.
    """

    method: str
    path: str
    template: str

    def line(self, query: str) -> str:
        """The body for a query, or the path of a GET."""
        if self.method == "GET":
            return self.template.replace("{query}", quote(query))
        return self.template.replace("{query}", json.dumps(query))


class Requests:
    """Requests in a file, sent in order over the whole run, so that none is sent twice."""

    def __init__(self, api: Api, texts: Sequence[str], count: int, path: Path) -> None:
        self.api = api
        self.path = path
        self.offset = 0
        lines = [api.line(text) for text in take(texts, count)]
        self.first = lines[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a load generator; ``requests`` succeeded, ``errors`` failed."""

    requests: int
    wall_s: float
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    lag_p99_ms: float = 0.0
    first_error: str = ""


class LoadFailed(RuntimeError):
    """The load generator ended without a result; the message is its last line."""


def have_wrk() -> bool:
    """Whether ``wrk`` is available; installs it first where possible."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "wrk"]
        subprocess.run(command, capture_output=True, check=False, timeout=300)
    return shutil.which("wrk") is not None


def closed_loop(requests: Requests, port: int, *, concurrency: int, seconds: float) -> Load:
    """Keep ``concurrency`` requests in flight for some seconds.

    Raises:
        LoadFailed: the generator ended without a result.
    """
    if shutil.which("wrk") is None:
        load = _generator(requests, port, "--concurrency", concurrency, seconds)
    else:
        api = requests.api
        command = [
            "wrk", "-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "--timeout", "30s",
            "-s", str(LUA), f"http://127.0.0.1:{port}", "--",
            api.method, api.path, JSON, str(requests.path), str(requests.offset),
        ]  # fmt: skip
        load = _result(command, seconds)
    requests.offset += load.requests + concurrency
    return load


def open_loop(requests: Requests, port: int, *, rate: float, seconds: float) -> Load:
    """Send ``rate`` requests per second, independent of the responses.

    Raises:
        LoadFailed: the generator ended without a result.
    """
    load = _generator(requests, port, "--rate", rate, seconds)
    requests.offset += load.requests + load.errors
    return load


def _generator(requests: Requests, port: int, kind: str, value: float, seconds: float) -> Load:
    api = requests.api
    command = [
        sys.executable, "-m", "tests.benchmarks.race.generator", "--port", str(port),
        "--method", api.method, "--path", api.path, "--lines", str(requests.path),
        "--offset", str(requests.offset), "--seconds", str(seconds), kind, str(value),
    ]  # fmt: skip
    return _result(command, seconds)


def _result(command: Sequence[str], seconds: float) -> Load:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + 120, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"{command[0]}: no result after {error.timeout:.0f} s") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        output = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise LoadFailed(f"{Path(command[0]).name}: {output[-1]}")
    return Load(**json.loads(lines[-1]))
