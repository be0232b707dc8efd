"""Looking at what a power cut has left of a snapshot store, with the real reader.

``tried`` cuts the power at every moment of a trace and holds what may be left to what is promised.
"""

from __future__ import annotations

import hashlib
import random
import re
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.manifest import CURRENT, SNAPSHOT_ID_PATTERN, Current
from shared.snapshot.storage.store import STAGING, TRASH, NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.disk.operations import Said, Trace
from tests.support.disk.states import Tree, disks, rebuild, trees

STORE = "snapshots"
BROKEN = "broken"
NOTHING = "nothing"


@dataclass(frozen=True)
class Expected:
    """What may and what must be found: ids; ``NOTHING`` is a store without ``CURRENT``."""

    current: frozenset[str]
    whole: frozenset[str]


@dataclass(frozen=True)
class Scenario:
    """Something done to a store, and what must hold before and after it was said to be done."""

    trace: Trace
    before: Expected
    after: Expected
    answers: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """What the reader finds in a store.

    Attributes:
        current: What is served: an id, ``NOTHING`` or ``BROKEN``.
        whole: What can be opened, and what it answers, by id.
        broken: Final names of what cannot be opened.
    """

    current: str
    whole: dict[str, str]
    broken: frozenset[str]


def fingerprint(snapshot: Snapshot) -> str:
    """All that a snapshot answers from: another one has another."""
    catalogue = snapshot.catalogue
    movies, _, _ = catalogue.counts()
    digest = hashlib.sha256(snapshot.index.vectors().tobytes())
    for row, movie in enumerate(catalogue.movies(range(movies))):
        digest.update(repr((movie, catalogue.reviews_of(row))).encode())
        digest.update(snapshot.passages.vectors(row).tobytes())
        first, count = snapshot.passage_ranges[row].tolist()
        digest.update(repr(catalogue.passages(range(first, first + count))).encode())
    scores, rows = snapshot.lexical.search(["a", "the", "again"], 10)
    digest.update(scores.tobytes() + rows.tobytes())
    if snapshot.atlas is not None:
        digest.update(np.ascontiguousarray(snapshot.atlas.positions).tobytes())
    return digest.hexdigest()


def looked_at(store: SnapshotStore, snapshot_id: str, sha256: str | None = None) -> str:
    """The fingerprint of a snapshot, as readers open it."""
    snapshot = open_snapshot(store, snapshot_id, manifest_sha256=sha256)
    try:
        return fingerprint(snapshot)
    finally:
        snapshot.catalogue.close()


def current_of(store: SnapshotStore) -> str:
    """What ``CURRENT`` says, as readers read it."""
    return store.current().model_dump_json()


@dataclass
class Examiner:
    """Builds disks anew and opens what is on them; what it has opened before it remembers."""

    folder: Path
    opened: dict[object, str] = field(default_factory=dict)

    def look(self, tree: Tree) -> Seen:
        """What the reader finds, in ``CURRENT`` and under every final name.

        What lies in the folders of those who write is not built: no reader looks there.
        """
        parts: dict[str, Tree] = {}
        for name, content in tree.items():
            _, _, inside = name.partition(f"{STORE}/")
            if inside and not inside.startswith((STAGING, TRASH)):
                parts.setdefault(inside.partition("/")[0], {})[name] = content
        found = {
            name: self._open(part, partial(looked_at, snapshot_id=name))
            for name, part in parts.items()
            if re.match(SNAPSHOT_ID_PATTERN, name)
        }
        pointer = {STORE: None, **parts.get(CURRENT, {})} if STORE in tree else {}
        named = self._open(pointer, partial(current_of))
        if named not in {NOTHING, BROKEN}:
            current = Current.model_validate_json(named)
            read = partial(
                looked_at, snapshot_id=current.snapshot_id, sha256=current.manifest_sha256
            )
            answer = self._open(parts.get(current.snapshot_id, {}), read)
            named = BROKEN if answer == BROKEN else current.snapshot_id
        whole = {name: answer for name, answer in found.items() if answer != BROKEN}
        return Seen(named, whole, frozenset(found.keys() - whole.keys()))

    def _open(self, tree: Tree, read: partial[str]) -> str:
        """What a reader makes of the part of a disk that it looks at."""
        key = (frozenset(tree.items()), read.func, *read.keywords.values())
        if key not in self.opened:
            with tempfile.TemporaryDirectory(dir=self.folder) as root:
                rebuild({STORE: None, **tree} if tree else {}, Path(root))
                try:
                    self.opened[key] = read(SnapshotStore(Path(root) / STORE))
                except NoSnapshot:
                    self.opened[key] = NOTHING
                except SnapshotCorrupt:
                    self.opened[key] = BROKEN
        return self.opened[key]


@dataclass
class Result:
    """What came of trying a protocol."""

    states: int = 0
    violations: list[str] = field(default_factory=list)


def violation(seen: Seen, expected: Expected, answers: dict[str, str]) -> str | None:
    """What is wrong with what was found; None: nothing."""
    if seen.current not in expected.current:
        return f"CURRENT is {seen.current}"
    if seen.broken:
        return f"{sorted(seen.broken)} cannot be opened"
    if not expected.whole <= seen.whole.keys():
        return f"{sorted(expected.whole - seen.whole.keys())} is gone"
    mixed = [name for name, found in seen.whole.items() if found != answers[name]]
    return f"{mixed} answers otherwise" if mixed else None


def tried(
    scenario: Scenario,
    examiner: Examiner,
    *,
    most: int,
    start: int = 0,
    first_only: bool = False,
) -> Result:
    """Cut the power at every moment, and look at whatever may be left.

    Args:
        scenario: What is done, and what is promised.
        examiner: Looks.
        most: About how many states of a moment, where there are more.
        start: The first moment, counted in operations done.
        first_only: Whether the first violation is enough.
    """
    result = Result()
    chance = random.Random(1)
    expected = scenario.before
    for moment, disk in enumerate(disks(scenario.trace)):
        done = scenario.trace.operations[moment - 1] if moment else None
        if isinstance(done, Said):
            expected = scenario.after
        if moment < start:
            continue
        for tree in trees(disk, scenario.trace.folders, most=most, chance=chance):
            result.states += 1
            found = violation(examiner.look(tree), expected, scenario.answers)
            if found is not None:
                result.violations.append(f"after operation {moment} ({done}): {found}"[:300])
                if first_only:
                    return result
    return result


def answers_of(store: SnapshotStore) -> dict[str, str]:
    """The fingerprints of all snapshots."""
    return {snapshot_id: looked_at(store, snapshot_id) for snapshot_id in store.snapshot_ids()}
