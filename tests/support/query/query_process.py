"""The query service as a real process, which a test starts and sends any bytes to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from shared.delivery.keys import DEAD_LETTERS_STREAM
from shared.delivery.redis_client import connect
from shared.runs.registry import publish_sources
from shared.snapshot.storage.store import SnapshotStore
from tests.support.delivery.redis_server import redis_server
from tests.support.embedder.encoders import HashEncoder
from tests.support.ports import free_port
from tests.support.query.snapshots import MOVIES, SampleMovie, SnapshotBuilder
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
CHANGES = "QUERY_CHILD"
TIMEOUT_S = 60.0
TOKEN = "correct-horse-battery-staple-0123456789"  # the token of the admin API


@dataclass(frozen=True)
class QueryProcess:
    """A running query process."""

    process: psutil.Popen
    port: int
    log: Path

    @property
    def base(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, client: str = "127.0.0.1") -> socket.socket:
        """Open a connection from an address of this machine."""
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S, (client, 0))

    def raw(self, request: bytes, client: str = "127.0.0.1") -> bytes:
        """Send bytes unchanged; return all bytes until the connection is closed."""
        with self.connect(client) as connection:
            # The server may respond and close before it has received all bytes.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return read_all(connection)

    def family(self) -> list[psutil.Process]:
        """Return the process and its workers."""
        return [psutil.Process(self.process.pid), *self.process.children(recursive=True)]

    def metric(self, name: str) -> float:
        """Return the value of a metric, which is named with its labels."""
        text = httpx.get(f"{self.base}/metrics", timeout=TIMEOUT_S).text
        [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.rpartition(" ")[2])

    def answers(self, path: str = "/livez") -> bool:
        """Return whether a GET is answered 200."""
        try:
            return httpx.get(self.base + path, timeout=TIMEOUT_S).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Send SIGTERM, wait until the process has ended, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return int(self.process.wait(60))


def read_all(connection: socket.socket) -> bytes:
    """Read until the other end closes or resets the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def publish(folder: Path, movies: Sequence[SampleMovie] = MOVIES) -> SnapshotBuilder:
    """Publish one snapshot into the store of a service's data folder."""
    builder = SnapshotBuilder(SnapshotStore(folder / "snapshots"), HashEncoder())
    builder.publish(movies)
    return builder


@contextmanager
def query_child(
    folder: Path,
    *,
    changes: dict[str, Any] | None = None,
    ready: bool = True,
    open_files: str = "",
    **settings: str,
) -> Iterator[QueryProcess]:
    """Start the process, wait until it answers, and kill it at the end.

    Args:
        folder: The data folder of the service.
        changes: Changes for ``tests.support.query.query_child``.
        ready: Whether to wait for a snapshot, too.
        open_files: Limits of open files for prlimit(1), as ``SOFT:HARD``; empty: those of the test.
        settings: Settings by name, without the prefix.
    """
    port = free_port()
    log = folder / "query.log"
    variables = {f"MOVIE_SEARCH_{name}": value for name, value in settings.items()}
    limited = ["prlimit", f"--nofile={open_files}"] if open_files else []
    with log.open("wb") as stream:
        process = psutil.Popen(
            [*limited, sys.executable, "-m", "tests.support.query.query_child", f"--port={port}"],
            cwd=ROOT,
            env={
                **os.environ,
                "MOVIE_SEARCH_DATA_DIR": str(folder),
                CHANGES: json.dumps(changes or {}),
                **variables,
            },
            stderr=stream,
            start_new_session=True,
        )
    running = QueryProcess(process, port, log)
    try:

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return running.answers("/readyz" if ready else "/livez")

        wait_until(is_up, what="the query service answers")
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def whole_query_child(
    folder: Path, *, changes: dict[str, Any] | None = None, **settings: str
) -> Iterator[QueryProcess]:
    """Start ``query_child`` with a snapshot, the admin API, two sources and some dead letters."""
    publish(folder)
    with redis_server() as redis:
        asyncio.run(_fill(redis.url))
        with query_child(
            folder,
            changes=changes,
            ready=True,
            REDIS_URL=redis.url,
            ADMIN_TOKEN=TOKEN,
            **settings,
        ) as running:
            yield running


async def _fill(url: str) -> None:
    client = connect(url)
    await publish_sources(client, ["demo", "other"])
    for _ in range(20):
        await client.xadd(DEAD_LETTERS_STREAM, {"kind": "review", "run": "r", "reason": "bad"})
    await client.aclose()
