"""The data folder of a system on one machine: its lock, and its admin token."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from services.local.processes import CannotStart
from shared.system.file_lock import FileLock

TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file


@contextlib.contextmanager
def locked_data_folder(folder: Path) -> Iterator[None]:
    """Make the data folder if absent, for its owner only, and lock it for this system.

    Raises:
        CannotStart: the folder cannot be written, or another system uses it.
    """
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_free = lock.try_acquire()
    except OSError as error:
        raise CannotStart(
            f"cannot write to the data folder {folder}: {error.strerror}; "
            "choose another with --data-dir"
        ) from error
    if not is_free:
        raise CannotStart(
            f"another movie-search is using {folder}; stop it, or choose another --data-dir"
        )
    with lock:
        yield


def ensure_admin_token(folder: Path) -> Path:
    """The file with the admin token of this system; generated once, readable by its owner only.

    A file without a token, which a full disk has left, is written again.

    Raises:
        CannotStart: the file cannot be written or read.
    """
    path = folder / TOKEN_FILE
    try:
        if not path.exists() or not path.read_bytes().strip():
            _write_token(path)
    except OSError as error:
        raise CannotStart(f"cannot write the admin token {path}: {error.strerror}") from error
    return path


def _write_token(path: Path) -> None:
    """Write a new token; the file has all of it or is not there."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(32))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
