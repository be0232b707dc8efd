"""The folder in which ingest keeps what it has read: one service's own, and tidy.

::

    <data folder>/ingest/
        .holder                who works here: held while the service lives
        <source>/
            visits.sqlite      the pages that were read, and what they gave
            drift/<run>.html   a page that made a run fail

The name in ``.holder``, with the host's, marks the leases on runs. A service that is killed and
started again finds its name there, and takes its runs up at once instead of waiting for the leases
to run out. The lock on the file goes with the process that holds it, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import socket
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from shared.telemetry import get_logger

DRIFT_PAGES_KEPT = 20  # of each source
KEPT_AFTER_REMOVAL_S = 30 * 86_400.0
"""How long the files of a source that is no longer configured are kept: it may come back, and a
site must not be read in full because a file of sources was away for a start."""

_HOLDER = ".holder"


class FolderUnusable(Exception):
    """The folder cannot be made or is another's; one line that says what to do."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[str]:
    """Make the folder and hold it.

    Yields:
        The name under which runs are leased.

    Raises:
        FolderUnusable: it cannot be written, or another service works in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _HOLDER).open("a+", encoding="ascii")
    except OSError as error:
        raise FolderUnusable(
            f"cannot write to {folder}: {error.strerror}; set MOVIE_SEARCH_DATA_DIR"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderUnusable(
                f"another ingest service works in {folder}; stop it, or set MOVIE_SEARCH_DATA_DIR"
            ) from error
        lock.seek(0)
        name = lock.read().strip()
        if not name:
            name = secrets.token_hex(8)
            lock.truncate(0)
            lock.write(name)
            lock.flush()
        # With the host's name, as a copy of the folder may be at work elsewhere.
        yield f"{socket.gethostname()}-{name}"


def tidy(folder: Path, configured: Collection[str], *, now: float | None = None) -> int:
    """Delete what nobody will look for: old drift pages, and all of sources long removed.

    Only files that ingest itself writes are touched, and no link is followed.

    Args:
        folder: The ingest folder.
        configured: Names of the sources that there are.
        now: The time, in seconds since 1970; default: the clock's.

    Returns:
        How many files were deleted.
    """
    now = time.time() if now is None else now
    deleted = 0
    for source in sorted(_folders(folder)):
        pages = sorted(_files(source / "drift", "*.html"), key=_age_key, reverse=True)
        unwanted = pages[DRIFT_PAGES_KEPT:]
        if source.name not in configured:
            mine = [*pages, *_files(source, "visits.sqlite*")]
            if all(now - _age_key(file) > KEPT_AFTER_REMOVAL_S for file in mine):
                unwanted = mine
        for file in unwanted:
            file.unlink(missing_ok=True)
        deleted += len(unwanted)
        if source.name not in configured:
            for left in (source / "drift", source):
                with contextlib.suppress(OSError):  # not empty, or not there
                    left.rmdir()
    if deleted:
        get_logger().info("ingest folder tidied", deleted=deleted)
    return deleted


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]


def _files(folder: Path, pattern: str) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()]


def _age_key(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
