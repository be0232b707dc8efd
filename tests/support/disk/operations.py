"""What a piece of code does to a folder, one file operation after the other.

``intercepted`` lets a test stand between Python and the system calls that change a folder: to count
them, to let one fail, or to end the process before one. ``recorded`` writes down what they do.

Libraries in C and Rust write past Python. So the recorder looks at the whole folder before and
after each call, and what has changed in between without a call is written down as the changes that
would have made it so: names that came or went, contents that are others. That is never less than
what can be lost, because nobody has fsynced any of it.

Files and folders are followed by what they are (their inode), not by their names: two names may be
links to one file, and a rename takes along what has and what has not reached the disk.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = 0
"""The number of the folder that is watched."""

_PATH_CALLS = ("rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir", "truncate")
_DESCRIPTOR_CALLS = ("fsync", "fdatasync", "ftruncate")

Perform = Callable[[], Any]
Hook = Callable[[str, tuple[Path, ...], Perform], Any]
"""Given a call's name, its paths and the call itself: does it, or something else."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a folder is given to a file or folder, or, with None, taken away."""

    folder: int
    name: str
    node: int | None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A name becomes another, which loses what it named before; both or neither."""

    folder: int
    name: str
    target_folder: int
    target: str
    node: int


@dataclass(frozen=True, slots=True)
class Written:
    """A file has another content."""

    node: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Synced:
    """A file's content, or a folder's names, have been forced to the disk."""

    node: int
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something that the outer world may have heard by now."""

    what: str


Operation = Named | Renamed | Written | Synced | Said


@dataclass(frozen=True)
class Trace:
    """What happened to a folder.

    Attributes:
        before: Names and what they named at the start, by folder and name; all of it durable.
        contents: What was in the files at the start.
        folders: All numbers that are folders.
        operations: What was done, in order.
    """

    before: dict[tuple[int, str], int]
    contents: dict[int, bytes]
    folders: frozenset[int]
    operations: tuple[Operation, ...]


@contextmanager
def intercepted(root: Path, hook: Hook) -> Iterator[None]:
    """Hand every call that changes or fsyncs something at or below ``root`` to ``hook``."""
    root = root.absolute()

    def stand_between(name: str, original: Callable[..., Any], locate: Callable[..., Any]) -> Any:
        def between(*args: Any, **options: Any) -> Any:
            paths = locate(*args, **options)
            if not any(path == root or root in path.parents for path in paths):
                return original(*args, **options)
            return hook(name, paths, lambda: original(*args, **options))

        return between

    with pytest.MonkeyPatch.context() as patch:
        for name in _PATH_CALLS:
            patch.setattr(os, name, stand_between(name, getattr(os, name), _named))
        for name in _DESCRIPTOR_CALLS:
            patch.setattr(os, name, stand_between(name, getattr(os, name), _described))
        patch.setattr(io, "open", stand_between("open", io.open, _opened))
        yield


def _named(*paths: Any, **options: Any) -> tuple[Path, ...]:
    folder = next((options[key] for key in options if key.endswith("dir_fd")), None)
    base = Path(f"/proc/self/fd/{folder}").readlink() if folder is not None else Path.cwd()
    return tuple(
        base / os.fsdecode(path) for path in paths if isinstance(path, str | bytes | os.PathLike)
    )


def _described(descriptor: Any, *_: Any) -> tuple[Path, ...]:
    number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
    return (Path(f"/proc/self/fd/{number}").readlink(),)


def _opened(file: Any, mode: str = "r", *_: Any, **__: Any) -> tuple[Path, ...]:
    if isinstance(file, int) or not set(mode) & set("wax+"):
        return ()
    return _named(file)


class Recorder:
    """Writes down what happens to a folder; see ``recorded``."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._numbers: dict[tuple[int, int], int] = {}
        self._next = ROOT
        self._lock = threading.RLock()
        self._folders: set[int] = set()
        self._operations: list[Operation] = []
        self._names, self._contents = self._look()
        self._before = dict(self._names), dict(self._contents)

    def said(self, what: str) -> None:
        """Note that the outer world may know something from now on."""
        with self._lock:
            self._catch_up()
            self._operations.append(Said(what))

    def trace(self) -> Trace:
        """All that has happened so far."""
        with self._lock:
            self._catch_up()
            names, contents = self._before
            return Trace(names, contents, frozenset(self._folders), tuple(self._operations))

    def __call__(self, name: str, paths: tuple[Path, ...], perform: Perform) -> Any:
        """The hook: note what has changed, do the call, note what it did."""
        with self._lock:
            self._catch_up()
            if name in {"fsync", "fdatasync"}:
                node = self._number(paths[0].stat())
                result = perform()
                self._operations.append(Synced(node, paths[0].name))
                return result
            if name in {"rename", "replace"}:
                return self._rename(paths[0], paths[1], perform)
            result = perform()
            self._catch_up()
            return result

    def _rename(self, source: Path, target: Path, perform: Perform) -> Any:
        folders = self._number(source.parent.stat()), self._number(target.parent.stat())
        node = self._number(source.lstat())
        result = perform()
        self._operations.append(Renamed(folders[0], source.name, folders[1], target.name, node))
        self._names.pop((folders[0], source.name))
        self._names[folders[1], target.name] = node
        self._catch_up()
        return result

    def _catch_up(self) -> None:
        """Note what has happened without a call that we saw."""
        names, contents = self._look()
        for key in self._names.keys() - names.keys():
            self._operations.append(Named(*key, None))
        for key, node in names.items():
            if self._names.get(key) != node:
                self._operations.append(Named(*key, node))
        for node, content in contents.items():
            if self._contents.get(node, b"") != content:
                self._operations.append(Written(node, content))
        self._names, self._contents = names, contents

    def _look(self) -> tuple[dict[tuple[int, str], int], dict[int, bytes]]:
        names: dict[tuple[int, str], int] = {}
        contents: dict[int, bytes] = {}
        seen: set[tuple[int, int]] = set()
        for path, folders, files in os.walk(self._root):
            found = Path(path).stat()
            parent = self._number(found)
            seen.add((found.st_dev, found.st_ino))
            self._folders.add(parent)
            for name in folders:
                names[parent, name] = self._number(Path(path, name).lstat())
            for name in files:
                try:
                    found = Path(path, name).lstat()
                    content = Path(path, name).read_bytes()
                except FileNotFoundError:  # a library's thread has just removed it
                    continue
                seen.add((found.st_dev, found.st_ino))
                names[parent, name] = node = self._number(found)
                contents[node] = content
        # The system gives the number of what is gone to something new.
        self._numbers = {key: node for key, node in self._numbers.items() if key in seen}
        return names, contents

    def _number(self, found: os.stat_result) -> int:
        key = found.st_dev, found.st_ino
        if key not in self._numbers:
            self._numbers[key] = self._next
            self._next += 1
        return self._numbers[key]


@contextmanager
def recorded(root: Path) -> Iterator[Recorder]:
    """Write down what happens to a folder that is there, and to all below it."""
    recorder = Recorder(root)
    with intercepted(root, recorder):
        yield recorder


@dataclass
class Counting:
    """A hook that lets some calls happen, and at one does something else.

    Attributes:
        at: Before which call, counted from 0; None for none.
        instead: What is done then; if it returns, the call happens after all.
        calls: What has been asked for so far: the call and the last path's name.
    """

    at: int | None = None
    instead: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)

    def __call__(self, name: str, paths: tuple[Path, ...], perform: Perform) -> Any:
        """The hook."""
        self.calls.append(f"{name} {paths[-1].name}")
        if len(self.calls) - 1 == self.at:
            self.instead()
        return perform()
