"""An exclusive lock on a file or folder, between processes.

It is ``flock(2)``: advisory, on the whole file, and owned by the opened file. The kernel releases
it when the last descriptor of that opened file is closed, so also when the process is killed: no
lock is ever left behind, and no process id has to be checked. Two locks on one file exclude each
other within one process, too. A forked child shares its parent's lock, which then lasts until both
have released it or ended; a program that is started with ``exec`` does not inherit it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class FileLock:
    """A lock on a path; as a context manager it waits until the lock is free.

    The file is created when it is absent, and is neither read, written nor deleted::

        with FileLock(store / ".lock"):
            ...
        lock = FileLock(store / "publisher")
        if lock.try_acquire():
            ...

    Not for several threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Wait until the lock is free, and take it; does nothing when it is held.

        Raises:
            OSError: the path cannot be opened or locked.
        """
        self._acquire(fcntl.LOCK_EX)

    def try_acquire(self) -> bool:
        """Take the lock unless another has it, and return whether it is held now.

        Raises:
            OSError: the path cannot be opened or locked.
        """
        try:
            self._acquire(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Release the lock; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _acquire(self, operation: int) -> None:
        if self._descriptor is not None:
            return
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, operation)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _open(self) -> int:
        # Writable, as network file systems want it for an exclusive lock.
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)


class FolderLock(FileLock):
    """A lock on a folder, which must exist and not be a symbolic link."""

    def _open(self) -> int:
        return os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
