"""Private folders for as long as a process needs them.

A process that is killed leaves its folder behind. So a folder is locked while it is in use, and
whoever makes the next of its kind removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SWEPT_AFTER_S = 60.0  # between its making and its lock a folder is held by nobody


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder of this process's own, in the system's place for such, gone afterwards.

    Args:
        prefix: Of its name; says what it is for.
    """
    _sweep(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        # Twice: a library's thread may make a file again while the folder is emptied.
        for _ in range(2):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(prefix: str) -> None:
    """Remove folders that nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # gone, or somebody else's
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(held).st_mtime > SWEPT_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use
            continue
        finally:
            os.close(held)
