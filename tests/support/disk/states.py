"""What a disk may hold after a power cut, given what was done to it: a model of the worst.

Of all that was done since the last fsync that covers it, any part may be missing:

* a name that came, went or was changed is durable when its *folder* has been fsynced; before that
  each such change by itself may be lost, whatever came after it. A rename is one change: it is
  never half there;
* a content is durable when its *file* has been fsynced; before that the file may be as it was, as
  it was at any moment since, cut in the middle, or as long as it should be and full of zeros;
* fsync of a file says nothing of its name, and fsync of a folder nothing of what is in its files.

Real file systems lose less. A protocol that stands this stands all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path

from tests.support.disk.operations import (
    ROOT,
    Named,
    Operation,
    Renamed,
    Said,
    Synced,
    Trace,
    Written,
)

Tree = dict[str, bytes | None]
"""What a folder holds, by path: the content of a file, None for a folder."""

_Change = Named | Renamed


@dataclass
class Disk:
    """What is durable after some operations, and what may be lost."""

    names: dict[tuple[int, str], int]
    contents: dict[int, bytes]
    changes: list[_Change]
    writes: dict[int, list[bytes]]

    def apply(self, operation: Operation) -> None:
        """Do one more operation."""
        match operation:
            case Named() | Renamed():
                self.changes.append(operation)
            case Written(node, content):
                self.writes.setdefault(node, []).append(content)
            case Synced(node):
                if node in self.writes:
                    self.contents[node] = self.writes.pop(node)[-1]
                for change in [change for change in self.changes if _is_in(change, node)]:
                    _change(self.names, change)
                    self.changes.remove(change)
            case Said():
                pass

    def versions(self, node: int) -> list[bytes]:
        """What a file may hold that has been written to since it was fsynced; the newest last."""
        written = self.writes[node]
        last = written[-1]
        found = [self.contents.get(node, b""), last[: len(last) // 2], bytes(len(last)), *written]
        return list(dict.fromkeys(reversed(found)))[::-1]


def durable_by(operation: Synced, disk: Disk) -> bool:
    """Whether an fsync forces anything that is not durable yet."""
    return operation.node in disk.writes or any(
        _is_in(change, operation.node) for change in disk.changes
    )


def disks(trace: Trace) -> Iterator[Disk]:
    """The disk before the first operation, and after each."""
    disk = Disk(dict(trace.before), dict(trace.contents), [], {})
    yield disk
    for operation in trace.operations:
        disk.apply(operation)
        yield disk


def trees(disk: Disk, folders: frozenset[int], *, most: int, chance: random.Random) -> list[Tree]:
    """What may be found after a power cut now, all of it different.

    Args:
        disk: What is durable, and what is not.
        folders: Which numbers are folders.
        most: If there are more possibilities than this, so many of them: everything kept,
            everything lost, each change alone kept or lost, and others by chance.
        chance: Chooses them.
    """
    files = sorted(disk.writes)
    choices: list[Sequence[bool | int]] = [(False, True)] * len(disk.changes)
    choices += [range(len(disk.versions(node))) for node in files]
    versions = {node: disk.versions(node) for node in files}
    found: dict[int, Tree] = {}
    for chosen in _some(choices, most=most, chance=chance):
        names, contents = dict(disk.names), dict(disk.contents)
        for change, kept in zip(disk.changes, chosen[: len(disk.changes)], strict=True):
            if kept:
                _change(names, change)
        for node, version in zip(files, chosen[len(disk.changes) :], strict=True):
            contents[node] = versions[node][version]
        tree = _tree(names, contents, folders)
        found.setdefault(hash(frozenset(tree.items())), tree)
    return list(found.values())


def rebuild(tree: Tree, root: Path) -> None:
    """Write a tree into an empty folder."""
    for name, content in tree.items():  # folders come before what is in them
        if content is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(content)


def without(trace: Trace, number: int) -> Trace:
    """The trace of a program that leaves out an operation."""
    operations = list(trace.operations)
    del operations[number]
    return replace(trace, operations=tuple(operations))


def moved(trace: Trace, numbers: Sequence[int], before: int) -> Trace:
    """The trace of a program that does some operations earlier: before another one."""
    first = [trace.operations[number] for number in numbers]
    others = [
        operation
        for number, operation in enumerate(trace.operations)
        if number not in numbers and number >= before
    ]
    kept = [trace.operations[number] for number in range(before) if number not in numbers]
    return replace(trace, operations=(*kept, *first, *others))


def _some(
    choices: list[Sequence[bool | int]], *, most: int, chance: random.Random
) -> Iterator[tuple[bool | int, ...]]:
    if prod(len(choice) for choice in choices) <= most:
        yield from product(*choices)
        return
    kept, lost = [choice[-1] for choice in choices], [choice[0] for choice in choices]
    yield tuple(kept)
    yield tuple(lost)
    for base, other in ((kept, lost), (lost, kept)):
        for n in range(len(choices)):
            yield (*base[:n], other[n], *base[n + 1 :])
    for _ in range(most):
        yield tuple(chance.choice(choice) for choice in choices)


def _is_in(change: _Change, folder: int) -> bool:
    return folder == change.folder or (
        isinstance(change, Renamed) and folder == change.target_folder
    )


def _change(names: dict[tuple[int, str], int], change: _Change) -> None:
    match change:
        case Named(folder, name, None):
            names.pop((folder, name), None)
        case Named(folder, name, node) if node is not None:
            names[folder, name] = node
        case Renamed(folder, name, target_folder, target, node):
            names.pop((folder, name), None)
            names[target_folder, target] = node


def _tree(
    names: dict[tuple[int, str], int], contents: dict[int, bytes], folders: frozenset[int]
) -> Tree:
    children: dict[int, list[tuple[str, int]]] = {}
    for (folder, name), node in names.items():
        children.setdefault(folder, []).append((name, node))
    tree: Tree = {}

    def add(folder: int, path: str) -> None:
        for name, node in sorted(children.get(folder, ())):
            if node in folders:
                tree[path + name] = None
                add(node, f"{path}{name}/")
            else:
                tree[path + name] = contents.get(node, b"")

    add(ROOT, "")
    return tree
