"""Proof that a file is the one that was written: exact size, then sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shared.snapshot.manifest import FileEntry


class SnapshotCorrupt(RuntimeError):
    """A file of the store is missing, has another size or hash, or does not hold together."""


def describe_file(path: Path) -> FileEntry:
    """Size and hash of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return FileEntry(size_bytes=stream.tell(), sha256=digest.hexdigest())


def verify_file(path: Path, entry: FileEntry) -> None:
    """Check a file against its entry; the cheap check first.

    Raises:
        SnapshotCorrupt: it is missing or differs.
    """
    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            raise SnapshotCorrupt(f"{path.name}: {size} bytes, not {entry.size_bytes}")
        if describe_file(path).sha256 != entry.sha256:
            raise SnapshotCorrupt(f"{path.name}: its sha256 differs from the manifest's")
    except OSError as error:
        raise SnapshotCorrupt(f"{path.name}: {error.strerror}") from error
