"""The posters beside the snapshots: one immutable file for each picture, named by its sha256.

::

    <store>/posters/<2 digits>/<sha256>.webp
    <store>/posters/<2 digits>/.<sha256>.<process>    being written

A snapshot's catalogue names the picture of each movie by its sha256. The embedder writes a file
before the snapshot that names it, and deletes files that no snapshot names (``sweep``). A reader
computes the sha256 again, so that it never shows a damaged picture.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.system.fsync import fsync_file, fsync_folder, make_folder, rename

FOLDER: Final = "posters"
SUFFIX: Final = ".webp"
MEDIA_TYPE: Final = "image/webp"
DIGEST_PATTERN: Final = r"^[0-9a-f]{64}$"

_DIGEST = re.compile(DIGEST_PATTERN)


def digest_of(image: bytes) -> str:
    """The name of a picture: its sha256 in hexadecimal digits."""
    return hashlib.sha256(image).hexdigest()


def path_of(digest: str | None) -> str | None:
    """The path under which the query service answers with a picture; None without one."""
    return f"/{FOLDER}/{digest}{SUFFIX}" if digest is not None else None


@dataclass(frozen=True)
class PosterFiles:
    """The posters of a snapshot store.

    Args:
        store: The folder of the snapshot store.

    Example::

        files = PosterFiles(settings.snapshot_dir)
        digest = files.put(image)
        assert files.read(digest) == image
    """

    store: Path

    def path(self, digest: str) -> Path:
        """The file of a picture.

        Raises:
            ValueError: it is not a sha256 in lower-case hexadecimal digits.
        """
        if not _DIGEST.fullmatch(digest):
            raise ValueError("not a sha256")
        return self.store / FOLDER / digest[:2] / f"{digest}{SUFFIX}"

    def has(self, digest: str) -> bool:
        """Whether there is a file of a picture; what it contains is not checked."""
        return self.path(digest).is_file()

    def read(self, digest: str) -> bytes | None:
        """A picture; None when it is missing, or its file is damaged."""
        try:
            image = self.path(digest).read_bytes()
        except (OSError, ValueError):
            return None
        return image if digest_of(image) == digest else None

    def put(self, image: bytes) -> str:
        """Write a picture durably, unless there is a file of it; returns its name.

        Raises:
            OSError: it cannot be written.
        """
        digest = digest_of(image)
        path = self.path(digest)
        if path.is_file():
            return digest
        make_folder(path.parent)
        # One process publishes. The umask decides who may read it, as for the snapshots.
        temporary = path.with_name(f".{digest}.{os.getpid()}")
        try:
            temporary.write_bytes(image)
            fsync_file(temporary)
            rename(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)
        return digest

    def sweep(self, named: Collection[str], *, older_than_s: float) -> int:
        """Delete pictures that nothing names, and what an interrupted ``put`` has left.

        Args:
            named: The names of pictures that stay.
            older_than_s: Files that were written less than so many seconds ago stay, too: a
                snapshot that names them may not be published yet.

        Returns:
            How many files were deleted.
        """
        before = time.time() - older_than_s
        deleted = 0
        for path in (self.store / FOLDER).glob("??/*"):
            if path.suffix == SUFFIX and path.stem in named:
                continue
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                deleted += 1
        return deleted
