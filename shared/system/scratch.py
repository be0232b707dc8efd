"""Private folders for as long as a process needs them.

A process that is killed leaves its folder behind. So a folder is locked while it is in use, and a
process that creates one deletes those of its kind, and of the ``KINDS`` of our services, that are
not locked.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.system.file_lock import FolderLock

SWEPT_AFTER_S = 60.0  # a folder is not locked yet just after it was created
KINDS = ("movie-search-lexical-", "movie-search-local-", "movie-search-query-")


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A private folder in the system's temporary folder, deleted afterwards.

    Args:
        prefix: What its name begins with; says what the folder is for.
    """
    for kind in {prefix, *KINDS}:
        _sweep(kind)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    with FolderLock(folder):
        try:
            yield folder
        finally:
            # Twice: a library's thread may create a file again while the folder is emptied.
            for _ in range(2):
                shutil.rmtree(folder, ignore_errors=True)


def _sweep(prefix: str) -> None:
    """Delete the folders of processes that have ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        lock = FolderLock(folder)
        try:
            # A time in the future is that of a clock that was ahead, and no sign of youth.
            if lock.try_acquire() and abs(time.time() - folder.stat().st_mtime) > SWEPT_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # gone, another user's, or no folder
            continue
        finally:
            lock.release()
