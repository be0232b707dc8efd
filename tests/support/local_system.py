"""The whole system as a user starts it: ``movie-search up`` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import redis

from services.local.data_folder import TOKEN_FILE
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import Message
from tests.support.ports import free_port
from tests.support.waiting import wait_until

READY_TIMEOUT_S = 240  # a busy machine converts the model slowly


class LocalSystem:
    """Started on entry and stopped with Ctrl-C on exit; ``log`` is what the user would see."""

    def __init__(
        self, data_dir: Path, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.demo_port = free_port()  # kept over restarts: the films' links name it
        self.log_file = data_dir.parent / f"{data_dir.name}-{self.port}.log"
        self._arguments = arguments
        self._environment = environment or {}
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self.client.close()
        if error is not None:
            print(self.log)

    def start(self) -> None:
        self.started = time.monotonic()
        command = [sys.executable, "-m", "services.cli", "up"]
        command += ["--port", str(self.port), "--data-dir", str(self.data_dir), *self._arguments]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "MOVIE_SEARCH_DEMO_SITE_PORT": str(self.demo_port),
                    "MOVIE_SEARCH_RELOAD_INTERVAL_S": "0.2",
                    **self._environment,
                },
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def token(self) -> str:
        return (self.data_dir / TOKEN_FILE).read_text()

    def wait_until_ready(self) -> float:
        """Seconds from the start until the banner said that one can search."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log
            return self.log.count("  Ready.") >= 1 and self._answers("/readyz")

        wait_until(ready, timeout_s=READY_TIMEOUT_S, what="ready", moving=self._progress)
        return time.monotonic() - self.started

    def _progress(self) -> tuple[int, bytes]:
        """What changes while the system works: its log, and the counts of its runs."""
        try:
            runs = self.admin("GET", "/ingest").content
        except (httpx.HTTPError, OSError):  # not yet there
            runs = b""
        return len(self.log), runs

    def _answers(self, path: str) -> bool:
        try:
            return self.client.get(path).status_code == 200
        except httpx.HTTPError:
            return False

    def search(self, query: str, **fields: Any) -> dict[str, Any]:
        answer = self.client.post("/search", json={"query": query, **fields})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def admin(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.request(method, f"/admin{path}", headers=headers, **options)

    def ingest(self, source: str, *, timeout_s: float = READY_TIMEOUT_S) -> dict[str, Any]:
        """Crawl a source and follow it to its end."""
        answer = self.admin("POST", "/ingest", json={"source": source})
        assert answer.status_code == 202, answer.text
        location = answer.headers["Location"].removeprefix("/admin")

        def end() -> dict[str, Any] | None:
            run: dict[str, Any] = self.admin("GET", location).json()
            return run if run["state"] not in {"queued", "crawling", "embedding"} else None

        run = wait_until(end, timeout_s=timeout_s, what="the run's end", moving=self._progress)
        assert run is not None
        return run

    def push(self, messages: Iterable[Message]) -> None:
        """Put messages straight onto the stream, as any producer would."""
        command_line = self.processes()["redis"].cmdline()
        # A server rewrites its title; its socket stands there either way.
        path = re.search(r"(?:unixsocket:|--unixsocket )(\S+redis\.sock)", " ".join(command_line))
        assert path is not None, command_line
        with redis.Redis(unix_socket_path=path[1], protocol=2) as client:
            for message in messages:
                client.xadd(REVIEWS_STREAM, dict(message.to_fields()))

    def processes(self) -> dict[str, psutil.Process]:
        """The children by name: redis, embedder, ingest, query."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                command = " ".join(child.cmdline())
            except psutil.Error:  # it is just ending
                continue
            name = next(
                (n for n in ("embedder", "ingest", "query") if f"services.{n}" in command), None
            )
            if name is None and ("redis-server" in command or "valkey-server" in command):
                name = "redis"
            if name:
                found[name] = child
        return found

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop as Ctrl-C does; fails when anything is left running."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        code = self.process.wait(timeout=120)
        left = [process for process in family if _is_running(process)]
        assert not left, f"left running: {left}\n{self.log}"
        return code


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
