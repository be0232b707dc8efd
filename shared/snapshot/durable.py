"""Writes that survive a power cut: the few file operations of the commit protocol."""

from __future__ import annotations

import os
from pathlib import Path


def fsync_file(path: Path) -> None:
    """Force a file's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Force a folder's entries (creations, renames) to the disk."""
    fsync_file(path)


def rename(source: Path, target: Path) -> None:
    """Rename, atomically, over ``target`` if it is a file."""
    os.rename(source, target)  # noqa: PTH104 - the system call that the protocol is written in
