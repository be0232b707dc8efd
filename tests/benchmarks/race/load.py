"""Load on a server, always from another process.

A closed loop (so many requests in flight) is ``wrk``'s, installed where the package manager lets
us; without it our own generator takes its place. An open loop (so many arrivals a second) is always
our own generator's: Debian packages none that keeps to a schedule of arrivals.
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
    """How a server is asked.

    Attributes:
        template: With ``{query}`` where the query goes: JSON of it in a body, escaped in a path.
    """

    method: str
    path: str
    template: str

    def line(self, query: str) -> str:
        """What asks it this query: a body, or of a GET a path."""
        if self.method == "GET":
            return self.template.replace("{query}", quote(query))
        return self.template.replace("{query}", json.dumps(query))


class Requests:
    """Requests in a file, asked in order over the whole run, so that none is asked twice."""

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
    """What a load generator saw. Requests are those answered, errors the others."""

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
    """Whether ``wrk`` is here; installs it first where we may."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "wrk"]
        subprocess.run(command, capture_output=True, check=False, timeout=300)
    return shutil.which("wrk") is not None


def closed_loop(requests: Requests, port: int, *, concurrency: int, seconds: float) -> Load:
    """Keep ``concurrency`` requests in flight for some seconds.

    Raises:
        LoadFailed: there is no result.
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
    """Send ``rate`` requests a second, however fast they are answered.

    Raises:
        LoadFailed: there is no result.
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
        told = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise LoadFailed(f"{Path(command[0]).name}: {told[-1]}")
    return Load(**json.loads(lines[-1]))
