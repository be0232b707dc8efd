"""Writes that survive a power cut: the few file operations of the commit protocol."""

from __future__ import annotations

import os
import shutil
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


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there; then its own name is durable, too."""
    above = [path.parent, *(folder.parent for folder in path.parents if not folder.exists())]
    path.mkdir(parents=True, exist_ok=True)
    for folder in above:
        if folder.stat().st_dev == path.stat().st_dev:  # a mounted one's name is not ours
            fsync_folder(folder)


def rename(source: Path, target: Path) -> None:
    """Rename, atomically, over ``target`` if it is a file."""
    os.rename(source, target)  # noqa: PTH104 - the system call that the protocol is written in


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that never changes another name, or copy it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
