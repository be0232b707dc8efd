"""Several embedders over one database: who is who, and which of them publishes.

Each takes the first slot that is free, and with it a name that is stable: one that starts again
takes the slot that it left, and finds what was pending for it and claimed by it. One of them also
holds the right to publish; the others try for it now and then. Both are locks on files of the
snapshot store, which all of them share: the kernel gives them back when a process ends, however it
ends, so nobody has to wait for a dead one.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FOLDER = ".embedders"
PUBLISHER = "publisher"
CONVERTER = "converter"
MOST_SLOTS = 64


class SlotsTaken(RuntimeError):
    """As many embedders as there may be are at work."""


class HeldFile:
    """A lock on a file, for as long as this process lives or until it is released."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether we have it."""
        return self._stream is not None

    def try_take(self) -> bool:
        """Take it, if nobody else has it; whether we have it now.

        Raises:
            OSError: the store cannot be written.
        """
        if self._stream is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        stream = self._path.open("a")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return False
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        return True

    def release(self) -> None:
        """Give it back; may be repeated."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def publisher_lock(store: Path) -> HeldFile:
    """The right to publish into a store."""
    return HeldFile(store / FOLDER / PUBLISHER)


@contextmanager
def slot(store: Path) -> Iterator[str]:
    """Hold the first slot that is free; its name.

    Raises:
        SlotsTaken: none is.
        OSError: the store cannot be written.
    """
    for number in range(1, MOST_SLOTS + 1):
        name = f"embedder-{number}"
        lock = HeldFile(store / FOLDER / name)
        if lock.try_take():
            try:
                yield name
            finally:
                lock.release()
            return
    raise SlotsTaken(f"{MOST_SLOTS} embedders are at work on {store}")


@contextmanager
def converting(store: Path) -> Iterator[None]:
    """Wait until no other embedder converts a model into the store, and keep others waiting."""
    folder = store / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CONVERTER).open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
