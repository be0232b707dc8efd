"""Leases: a reader marks the snapshot it holds, so that retention leaves it alone.

A lease is an empty file ``<snapshot id>.<holder>`` that its holder touches. It lives outside the
store, because readers mount that read-only, and it expires by age, so that a reader killed on
another host frees its snapshot; one that nobody can renew is taken for longer. On a POSIX file
system an opened snapshot survives its deletion anyway; the lease covers the time before everything
is open, and roll back.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from shared.telemetry import get_logger

EXPIRES_AFTER_S = 120.0


def holder_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class Leases:
    """A folder of leases."""

    folder: Path
    holder: str

    def take(self, snapshot_id: str, *, for_s: float = EXPIRES_AFTER_S) -> bool:
        """Take or renew a lease; False, with a warning, when the folder cannot be written.

        Args:
            snapshot_id: On what.
            for_s: How long it lasts, in seconds, without being renewed.
        """
        renewed = time.time() + for_s - EXPIRES_AFTER_S
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._path(snapshot_id).touch()
            os.utime(self._path(snapshot_id), (renewed, renewed))
        except OSError as error:
            get_logger().warning("cannot take a lease on the snapshot", error=error.strerror)
            return False
        return True

    def release(self, snapshot_id: str) -> None:
        """Give a lease back."""
        try:
            self._path(snapshot_id).unlink(missing_ok=True)
        except OSError as error:
            get_logger().warning("cannot release a lease", error=error.strerror)

    def _path(self, snapshot_id: str) -> Path:
        return self.folder / f"{snapshot_id}.{self.holder}"


def leased(folder: Path, *, sweep: bool = True) -> set[str]:
    """Ids of the snapshots that somebody holds; expired leases are removed if ``sweep``."""
    held: set[str] = set()
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return held
    for path in paths:
        try:
            if time.time() - path.stat().st_mtime <= EXPIRES_AFTER_S:
                held.add(path.name.split(".", 1)[0])
            elif sweep:
                path.unlink()
        except FileNotFoundError:  # released meanwhile
            continue
    return held
