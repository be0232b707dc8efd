"""Writes that survive a power cut: the few file operations of the commit protocol."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def fsync_file(path: Path) -> None:
    """Write a file's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Write a folder's entries (creations, renames) to the disk."""
    fsync_file(path)


def make_folder(path: Path) -> None:
    """Create a folder and its parents if they are absent, and make their names durable."""
    above = [path.parent, *(folder.parent for folder in path.parents if not folder.exists())]
    path.mkdir(parents=True, exist_ok=True)
    for folder in above:
        if folder.stat().st_dev == path.stat().st_dev:  # the name of a mount is not on this disk
            fsync_folder(folder)


def rename(source: Path, target: Path) -> None:
    """Rename atomically; replaces ``target`` if it is a file."""
    os.rename(source, target)  # noqa: PTH104 - the system call that the protocol names


def link_or_copy(source: Path, target: Path) -> None:
    """Link a file that never changes, or copy it where links are impossible."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
