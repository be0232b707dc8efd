"""Proof that a file is the one that was written: exact size, then sha256.

A file that has been proven need not be read again to be proven again. ``VerificationCache``
remembers, for all processes that share its folder, what has been proven of which file: its sha256
under the file's identity (device, inode, size, time of change). The folder lives as long as the
service that made it, so every start proves everything anew. ``ProcessVerificationCache`` does the
same within one process.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.snapshot.storage.manifest import FileEntry

# A file changed so lately could change again without its time of change showing it.
SETTLED_AFTER_S = 0.1
MOST_OWN = 1000


class SnapshotCorrupt(RuntimeError):
    """A file of the store is missing, has another size or hash, or does not hold together."""


@dataclass(frozen=True)
class VerificationCache:
    """A folder of proofs: empty files, named by what was proven of what."""

    folder: Path

    def once(self, what: str, path: Path, sha256: str, prove: Callable[[], None]) -> None:
        """Call ``prove``, unless what it proves has been proven of this very file.

        Processes that want the same proof at the same time wait for the first one's.

        Raises:
            OSError: the file or the folder cannot be read.
            Exception: what ``prove`` raised; then nothing is proven.
        """
        name = f"{what}-{sha256}-{_identity(path)}"
        with self._turn(f"{what}-{sha256}"):
            if (self.folder / name).exists():
                return
            prove()
            # Not if it has changed meanwhile, or may have.
            settled = time.time() - path.stat().st_mtime > SETTLED_AFTER_S
            if settled and name == f"{what}-{sha256}-{_identity(path)}":
                (self.folder / name).touch()

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        with (self.folder / f".{name}.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


class ProcessVerificationCache(VerificationCache):
    """The same for one process alone, in its memory; the latest ``MOST_OWN`` are remembered."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def once(self, what: str, path: Path, sha256: str, prove: Callable[[], None]) -> None:
        """See ``VerificationCache.once``; for one thread at a time."""
        name = f"{what}-{sha256}-{_identity(path)}"
        if name in self._names:
            return
        prove()
        settled = time.time() - path.stat().st_mtime > SETTLED_AFTER_S
        if settled and name == f"{what}-{sha256}-{_identity(path)}":
            self._names[name] = None
            while len(self._names) > MOST_OWN:
                del self._names[next(iter(self._names))]


def _identity(path: Path) -> str:
    found = path.stat()
    return f"{found.st_dev}-{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"


def describe_file(path: Path) -> FileEntry:
    """Size and hash of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return FileEntry(size_bytes=stream.tell(), sha256=digest.hexdigest())


def verify_file(path: Path, entry: FileEntry, *, proofs: VerificationCache | None = None) -> None:
    """Check a file against its entry; the cheap check first.

    Args:
        path: The file.
        entry: What it must be.
        proofs: What need not be proven again.

    Raises:
        SnapshotCorrupt: it is missing or differs.
    """

    def prove() -> None:
        if describe_file(path).sha256 != entry.sha256:
            raise SnapshotCorrupt(f"{path.name}: its sha256 differs from the manifest's")

    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise SnapshotCorrupt(f"{path.name}: {size} bytes, not {entry.size_bytes}")
        if proofs is None:
            prove()
        else:
            proofs.once("hash", path, entry.sha256, prove)
    except OSError as error:
        raise SnapshotCorrupt(f"{path.name}: {error.strerror}") from error
