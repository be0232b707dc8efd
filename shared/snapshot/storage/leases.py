"""Leases: a reader marks the snapshot that it uses, so that retention does not delete it.

A lease is an empty file ``<snapshot id>.<holder>`` that its holder touches. It is outside the
store, because readers mount that read-only. It expires by age, so that a reader that was killed on
another host keeps its snapshot only for a while; a lease whose holder cannot renew it is taken for
longer. On a POSIX file system an open snapshot survives its deletion anyway; the lease covers the
time until all its files are open, and rolling back to it. A lease that would last longer than any
is taken for was made by a clock that was ahead: it lasts as long as one that was renewed just now.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from shared.telemetry import get_logger

EXPIRES_AFTER_S = 120.0
"""Seconds after which a lease that is not renewed expires."""
LONGEST_S = 3_600.0
"""Seconds for which a lease is taken at most."""


def holder_name() -> str:
    """A name that is unique to this process."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class Leases:
    """A folder of leases."""

    folder: Path
    holder: str

    def take(self, snapshot_id: str, *, for_s: float = EXPIRES_AFTER_S) -> bool:
        """Take or renew a lease.

        Args:
            snapshot_id: The snapshot to lease.
            for_s: Seconds until it expires without renewal, at most ``LONGEST_S``.

        Returns:
            False, after logging a warning, when the folder cannot be written.
        """
        renewed = time.time() + for_s - EXPIRES_AFTER_S
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._path(snapshot_id).touch()
            os.utime(self._path(snapshot_id), (renewed, renewed))
        except OSError as error:
            get_logger().warning("snapshot lease failed", error=error.strerror)
            return False
        return True

    def release(self, snapshot_id: str) -> None:
        """Release a lease."""
        try:
            self._path(snapshot_id).unlink(missing_ok=True)
        except OSError as error:
            get_logger().warning("snapshot lease not released", error=error.strerror)

    def _path(self, snapshot_id: str) -> Path:
        return self.folder / f"{snapshot_id}.{self.holder}"


def leased(folder: Path, *, sweep: bool = True) -> set[str]:
    """The ids of the snapshots that are leased.

    Args:
        folder: The folder of leases.
        sweep: Whether to delete expired leases.
    """
    leased_ids: set[str] = set()
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return leased_ids
    for path in paths:
        try:
            now = time.time()
            age_s = now - path.stat().st_mtime
            if sweep and -age_s > LONGEST_S:
                os.utime(path, (now, now))
            if age_s <= EXPIRES_AFTER_S:
                leased_ids.add(path.name.split(".", 1)[0])
            elif sweep:
                path.unlink()
        except FileNotFoundError:  # released meanwhile
            continue
    return leased_ids
