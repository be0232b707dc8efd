"""Locks between several embedders of one database: their names, and which of them publishes.

Each embedder takes the first free worker lock, which gives it a stable name: when it restarts, it
takes the same lock, and finds the entries that are pending for it and the rows that it claimed.
One embedder also holds the publisher lock; the others try to take it now and then. The locks are on
files of the snapshot store, which all embedders share; the kernel releases them when a process
ends, however it ends, so an embedder never waits for a dead one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.system.file_lock import FileLock

FOLDER = ".embedders"
PUBLISHER = "publisher"
CONVERTER = "converter"
MAX_WORKERS = 64


class TooManyWorkers(RuntimeError):
    """Raised at start when as many embedders as allowed already use the store."""


def publisher_lock(store: Path) -> FileLock:
    """Return the lock of the one embedder that publishes into a store.

    Raises:
        OSError: The store cannot be written.
    """
    return _lock(store, PUBLISHER)


@contextmanager
def worker_lock(store: Path) -> Iterator[str]:
    """Hold the first free worker lock.

    Yields:
        The name of the worker that holds it.

    Raises:
        TooManyWorkers: All worker locks are taken.
        OSError: The store cannot be written.
    """
    for number in range(1, MAX_WORKERS + 1):
        name = f"embedder-{number}"
        lock = _lock(store, name)
        if lock.try_acquire():
            with lock:
                yield name
            return
    raise TooManyWorkers(f"{MAX_WORKERS} embedders already use {store}")


@contextmanager
def converting(store: Path) -> Iterator[None]:
    """Wait until no other embedder converts a model into the store, and lock the others out.

    Raises:
        OSError: The store cannot be written.
    """
    with _lock(store, CONVERTER):
        yield


def _lock(store: Path, name: str) -> FileLock:
    folder = store / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / name)
