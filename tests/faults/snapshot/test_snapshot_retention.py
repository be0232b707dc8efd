"""Deleting old snapshots, whoever reads, rolls back, dies or comes back: never what is needed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.snapshot import commit
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.leases import Leases
from shared.snapshot.storage.manifest import MANIFEST
from shared.snapshot.storage.store import TRASH, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.counts import Counted
from tests.support.disk.examiner import fingerprint, looked_at
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import MOVIES, SnapshotBuilder
from tests.support.soak import examples

READERS = ("reader-1", "reader-2", "worker-3")


@dataclass
class Tried:
    """How often what was tried, and where."""

    folder: Path
    template: Path
    retentions: int = 0
    deleted: int = 0
    stores: list[Path] = field(default_factory=list)


class Retention(RuleBasedStateMachine):
    """A store with publishers, readers and an operator; ``held`` is what readers hold."""

    tried: Tried

    def __init__(self) -> None:
        super().__init__()
        self.root = self.tried.folder / str(len(self.tried.stores))
        self.tried.stores.append(self.root)
        self.store = SnapshotStore(self.root / "store")
        self.lease_folder = self.root / "leases"
        self.sequence = 0
        self.held: set[tuple[str, str]] = set()
        self.current: str | None = None
        self.there: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def lease(self, reader: str) -> Leases:
        return Leases(self.lease_folder, reader)

    @initialize()
    def first(self) -> None:
        self.store.root.mkdir(parents=True)
        self.publish(how_many=4, promoted=True)

    @rule(how_many=st.integers(1, 4), promoted=st.booleans())
    def publish(self, how_many: int, promoted: bool) -> None:
        """Whole, under its final name; and current, unless the canaries refused it."""
        for _ in range(how_many):
            self.publish_one(promoted)

    def publish_one(self, promoted: bool) -> None:
        self.sequence += 1
        manifest = SnapshotStore(self.tried.template.parent).manifest(self.tried.template.name)
        name = f"{self.sequence:08d}{manifest.snapshot_id[8:]}"
        copy = manifest.model_copy(update={"snapshot_id": name, "sequence": self.sequence})
        shutil.copytree(self.tried.template, self.store.folder(name))
        (self.store.folder(name) / MANIFEST).write_bytes(copy.to_bytes())
        self.there.add(name)
        if promoted:
            self.current = name
            commit.point_current_at(self.store, name)

    @rule(data=st.data())
    def activate(self, data: st.DataObject) -> None:
        self.current = data.draw(st.sampled_from(sorted(self.there)))
        commit.point_current_at(self.store, self.current)

    @rule(reader=st.sampled_from(READERS), data=st.data())
    def read(self, reader: str, data: st.DataObject) -> None:
        """Also an old one: a reader falls back, and one is asked for by the operator."""
        name = data.draw(st.sampled_from(sorted(self.there)))
        assert self.lease(reader).take(name)
        self.held.add((name, reader))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        name, reader = data.draw(st.sampled_from(sorted(self.held)))
        self.lease(reader).release(name)
        self.held.remove((name, reader))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """Nobody renews the leases of a reader that is gone, and time passes."""
        _, reader = data.draw(st.sampled_from(sorted(self.held)))
        for name, holder in list(self.held):
            if holder == reader:
                os.utime(self.lease_folder / f"{name}.{holder}", (0, 0))
                self.held.remove((name, holder))

    @rule(keep=st.integers(0, 6))
    def retain(self, keep: int) -> None:
        newest = sorted(self.there)[-max(keep, 3) :]
        spared = {*newest, *(name for name, _ in self.held)}
        spared |= {self.current} if self.current is not None else set()
        deleted = commit.retain(self.store, keep=keep, lease_folder=self.lease_folder)
        assert set(deleted) == self.there - spared
        assert set(sorted(self.there)[-2:]) <= spared
        self.there &= spared
        self.tried.retentions += 1
        self.tried.deleted += len(deleted)

    @invariant()
    def all_that_is_there_is_whole(self) -> None:
        if not self.there:
            return
        assert set(self.store.snapshot_ids()) == self.there
        for name in self.there:
            files = self.store.manifest(name).files
            assert all((self.store.folder(name) / file).is_file() for file in files)
        assert not list(self.store.root.glob(f"{TRASH}*"))
        leases = [path.name for path in self.lease_folder.glob("*") if path.stat().st_mtime > 0]
        assert set(leases) == {f"{name}.{reader}" for name, reader in self.held}


def test_retention_spares_the_current_the_leased_and_the_newest_whatever_happens(
    tmp_path: Path, counted: Counted
) -> None:
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "template"), HashEncoder())
    template = builder.store.folder(builder.publish(MOVIES, mapped=False).snapshot_id)
    tried = Tried(tmp_path, template)
    machine = type("Machine", (Retention,), {"tried": tried})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples(30), stateful_step_count=25)
    )
    counted("histories", len(tried.stores))
    counted("retentions", tried.retentions)
    counted("deletions", tried.deleted)
    assert tried.retentions > 10
    assert tried.deleted > 10


def test_a_reader_that_opens_while_its_snapshot_is_deleted_sees_all_of_it_or_none(
    tmp_path: Path,
) -> None:
    """It had no lease yet: what it has opened it keeps, and what it has not is refused."""
    store = SnapshotStore(tmp_path / "store")
    builder = SnapshotBuilder(store, HashEncoder())
    ids = [builder.publish(MOVIES, mapped=False).snapshot_id for _ in range(4)]

    answer = looked_at(store, ids[0])
    opened = open_snapshot(store, ids[0])
    assert commit.retain(store, keep=3, lease_folder=tmp_path / "leases") == [ids[0]]
    assert fingerprint(opened) == answer
    opened.catalogue.close()
    with pytest.raises(SnapshotCorrupt):
        looked_at(store, ids[0])
