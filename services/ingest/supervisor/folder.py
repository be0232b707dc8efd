"""The ingest folder: used by one service at a time, and cleaned up by it.

::

    <data folder>/ingest/
        .holder                the name of the service; locked while the service runs
        <source>/
            visits.sqlite      the pages that were read, and what they yielded
            drift/<run>.html   a page that made a run fail

The service leases runs under the name in ``.holder`` together with the host's name. A service that
is killed and restarted reads its name there, and continues its runs at once instead of waiting for
the leases to expire. The lock on the file is released when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from shared.system.file_lock import FileLock
from shared.telemetry import get_logger

DRIFT_PAGES_KEPT = 20  # of each source
KEPT_AFTER_REMOVAL_S = 30 * 86_400.0
"""Seconds for which the files of a source that is no longer configured are kept: it may be
configured again, and a site must not be read in full because ``sources.toml`` was briefly missing.
"""

_HOLDER = ".holder"


class FolderUnusable(Exception):
    """Raised at start when the folder cannot be created, or when another service uses it.

    The message is one line that says what to do.
    """


@contextlib.contextmanager
def claim_folder(folder: Path) -> Iterator[str]:
    """Create the folder and lock it while the context lasts.

    Yields:
        The name under which this service leases runs.

    Raises:
        FolderUnusable: the folder cannot be written, or another service uses it.
    """
    holder = folder / _HOLDER
    lock = FileLock(holder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_free = lock.try_acquire()
    except OSError as error:
        raise FolderUnusable(
            f"cannot write to {folder}: {error.strerror}; set MOVIE_SEARCH_DATA_DIR"
        ) from error
    if not is_free:
        raise FolderUnusable(
            f"another ingest service uses {folder}; stop it, or set MOVIE_SEARCH_DATA_DIR"
        )
    with lock:
        name = holder.read_text(encoding="ascii").strip()
        if not name:
            name = secrets.token_hex(8)
            holder.write_text(name, encoding="ascii")
        # With the host's name, because a copy of the folder may be in use on another host.
        yield f"{socket.gethostname()}-{name}"


def tidy(folder: Path, configured: Collection[str], *, now: float | None = None) -> int:
    """Delete old drift pages, and all files of sources that were removed long ago.

    Only files that ingest itself writes are deleted, and links are not followed.

    Args:
        folder: The ingest folder.
        configured: Names of the configured sources.
        now: The current time in seconds since 1970; default: the system clock.

    Returns:
        The number of deleted files.
    """
    now = time.time() if now is None else now
    deleted = 0
    for source in sorted(_folders(folder)):
        pages = sorted(_files(source / "drift", "*.html"), key=_modified_at, reverse=True)
        expired = pages[DRIFT_PAGES_KEPT:]
        if source.name not in configured:
            source_files = [*pages, *_files(source, "visits.sqlite*")]
            if all(now - _modified_at(file) > KEPT_AFTER_REMOVAL_S for file in source_files):
                expired = source_files
        for file in expired:
            file.unlink(missing_ok=True)
        deleted += len(expired)
        if source.name not in configured:
            for emptied in (source / "drift", source):
                with contextlib.suppress(OSError):  # not empty, or already deleted
                    emptied.rmdir()
    if deleted:
        get_logger().info("ingest folder cleaned", deleted=deleted)
    return deleted


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]


def _files(folder: Path, pattern: str) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()]


def _modified_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
