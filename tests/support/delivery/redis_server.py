"""A real redis-server for a test worker, on a Unix socket, durable like the real one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from services.local import redis_server as embedded_redis
from tests.support.waiting import wait_until


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the server has loaded its data and answers; fails when it has ended."""
    with redis.Redis.from_url(url, protocol=2, socket_timeout=2) as client:

        def answers() -> bool:
            assert process.poll() is None, f"Redis ended with exit code {process.returncode}"
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        wait_until(answers)


@dataclass
class RedisServer:
    """A server process that a test may kill and start again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return embedded_redis.socket_url(self.folder / "redis.sock")

    def start(self) -> None:
        assert self.process is None
        command = embedded_redis.server_command(
            embedded_redis.find_server(), data_dir=self.folder, socket=self.folder / "redis.sock"
        )
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_ready(self.url, self.process)

    def kill(self) -> None:
        """Kill -9, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    # Not pytest's tmp_path: a Unix socket's path may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="ms-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
