"""Verification of files: a file is what was written if its size and its sha256 are right.

A file that was verified need not be read again to be verified again. ``VerificationCache``
remembers, for all processes that share its folder, which checks each file has passed: by the check,
the file's sha256, and the file's identity (device, inode, size, time of change). The folder lasts
as long as the service that created it, so a new start verifies everything again; when it is gone
or cannot be written, files are verified each time.
``ProcessVerificationCache`` does the same within one process.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from shared.snapshot.storage.manifest import FileEntry
from shared.system.file_lock import FileLock

SETTLED_AFTER_S = 0.1
"""A file that changed more recently could change again without a new time of change."""
MAX_REMEMBERED = 1000
"""Passed checks that a ``ProcessVerificationCache`` remembers."""


class SnapshotCorrupt(RuntimeError):
    """Raised when a file of the store is missing, has another size or hash, or is inconsistent."""


@dataclass(frozen=True)
class VerificationCache:
    """A folder of passed checks: empty files, named by the check and the file."""

    folder: Path

    def verify_once(self, check: str, path: Path, sha256: str, verify: Callable[[], None]) -> None:
        """Call ``verify``, unless this very file has passed this check before.

        Processes that need the same check at the same time wait for the first one.

        Args:
            check: The name of the check.
            path: The file.
            sha256: The file's hash, as its manifest states it.
            verify: Checks the file; raises when it fails.

        Raises:
            OSError: the file cannot be read.
            Exception: the error of ``verify``; then nothing is remembered.
        """
        passed = f"{check}-{sha256}-{_identity(path)}"
        lock = self._locked(f".{check}-{sha256}.lock")
        if lock is None:
            verify()
            return
        try:
            if (self.folder / passed).exists():
                return
            verify()
            # Not remembered if the file has changed meanwhile, or may have.
            if _has_settled(path) and passed == f"{check}-{sha256}-{_identity(path)}":
                with suppress(OSError):
                    (self.folder / passed).touch()
        finally:
            lock.release()

    def _locked(self, name: str) -> FileLock | None:
        """A lock in the folder, which is made again if it is gone; None if it cannot be used.

        A temporary folder may be emptied by an administrator or a timer, and then another user may
        make one of that name, whose checks are not ours.
        """
        lock = FileLock(self.folder / name)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                return None
            lock.acquire()
        except OSError:
            return None
        return lock


class ProcessVerificationCache(VerificationCache):
    """A cache in the memory of one process, for one thread at a time."""

    def __init__(self) -> None:
        self._passed: LRUCache[str, bool] = LRUCache(MAX_REMEMBERED)

    def verify_once(self, check: str, path: Path, sha256: str, verify: Callable[[], None]) -> None:
        """See ``VerificationCache.verify_once``."""
        passed = f"{check}-{sha256}-{_identity(path)}"
        if self._passed.get(passed):
            return
        verify()
        if _has_settled(path) and passed == f"{check}-{sha256}-{_identity(path)}":
            self._passed[passed] = True


def _has_settled(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > SETTLED_AFTER_S


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


def describe_file(path: Path) -> FileEntry:
    """The size and hash of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return FileEntry(size_bytes=stream.tell(), sha256=digest.hexdigest())


def verify_file(path: Path, entry: FileEntry, *, verified: VerificationCache | None = None) -> None:
    """Check a file against its entry: its size, then its hash.

    Args:
        path: The file.
        entry: Its size and hash in the manifest.
        verified: Remembers which files need not be read again; without it the file is read.

    Raises:
        SnapshotCorrupt: the file is missing or differs.
    """

    def verify_hash() -> None:
        if describe_file(path).sha256 != entry.sha256:
            raise SnapshotCorrupt(f"{path.name}: its sha256 differs from the manifest's")

    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise SnapshotCorrupt(f"{path.name}: {size} bytes, not {entry.size_bytes}")
        if verified is None:
            verify_hash()
        else:
            verified.verify_once("hash", path, entry.sha256, verify_hash)
    except OSError as error:
        raise SnapshotCorrupt(f"{path.name}: {error.strerror}") from error
