"""Servers under load: started, stopped, and frozen while another server is measured.

A frozen server (SIGSTOP) uses no CPU, and its sockets stay open. CPU time and memory are those of
the whole process tree.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmarks.race.load import JSON, Requests

START_TIMEOUT_S = 120.0
POLL_S = 0.01
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


class ServerFailed(RuntimeError):
    """A server ended, or did not answer in time; the message has its last line."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a process tree in MB.

    ``rss_mb`` counts a page for each process that maps it, ``pss_mb`` divides it among them, and
    ``private_mb`` leaves out pages that other processes map too.
    """

    rss_mb: float
    pss_mb: float
    private_mb: float


@dataclass
class Server:
    """A server on a free port.

    Attributes:
        name: Its name in tables.
        command: The command line, with ``{port}`` in the place of the port.
        requests: The requests to send to it.
    """

    name: str
    command: Sequence[str]
    requests: Requests
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start the server; returns the seconds until its first response.

        Raises:
            ServerFailed: the server ended, or did not answer in time.
        """
        self.port = _free_port()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MOVIE_SEARCH_")}
        # A deployment is compiled already; without this, each start might compile again.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        started = time.perf_counter()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in self.command],
                env={
                    **inherited,
                    **ONE_THREAD,
                    **{k: v.replace("{port}", str(self.port)) for k, v in self.environment.items()},
                },
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise ServerFailed(f"{self.name} ended: {self._last_line()}")
            if time.perf_counter() - started > START_TIMEOUT_S:
                self.stop()
                raise ServerFailed(f"{self.name} does not answer: {self._last_line()}")
            time.sleep(POLL_S)
        return time.perf_counter() - started

    def stop(self) -> None:
        """Stop the server and all its processes; does nothing when it does not run."""
        if self._process is None:
            return
        family = self._family()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.resume()
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process = None

    def freeze(self) -> None:
        """Stop its processes from running until ``thaw``."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes run again."""
        self._signal(signal.SIGCONT)

    def cpu_s(self) -> float:
        """The CPU seconds that it has used."""
        total = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory(self) -> Memory:
        """The memory that it uses now."""
        rss = pss = private = 0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                held = process.memory_full_info()
                rss += held.rss
                pss += getattr(held, "pss", held.rss)  # only on Linux
                private += held.uss
        return Memory(rss / 1e6, pss / 1e6, private / 1e6)

    @property
    def pid(self) -> int:
        """The id of its first process."""
        assert self._process is not None
        return self._process.pid

    def answer_bytes(self) -> int:
        """The size of its response to the first request."""
        return len(self._ask())

    def _family(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, number: int) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def _answers(self) -> bool:
        try:
            return bool(self._ask())
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def _ask(self) -> bytes:
        api, line = self.requests.api, self.requests.first
        path = line if api.method == "GET" else api.path
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if api.method == "GET" else line.encode(),
            headers={"Content-Type": JSON},
            method=api.method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else f"nothing in {self.log}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
