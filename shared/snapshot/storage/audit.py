"""A check of all that a store serves: every file is read and compared with its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.snapshot.storage.manifest import CURRENT, MANIFEST
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, verify_file


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was checked.

    Attributes:
        name: Its path within the store.
        size_bytes: The size in its manifest.
        fault: What is wrong with it; None when nothing is.
    """

    name: str
    size_bytes: int
    fault: str | None


def audit_current(store: SnapshotStore) -> Checked | None:
    """Check that ``CURRENT`` names a snapshot and its manifest; None when it is absent."""
    try:
        current = store.current()
        store.manifest(current.snapshot_id, sha256=current.manifest_sha256)
    except NoSnapshot:
        return None
    except SnapshotCorrupt as error:
        return Checked(CURRENT, 0, str(error))
    return Checked(CURRENT, 0, None)


def audit(store: SnapshotStore, snapshot_id: str) -> Iterator[Checked]:
    """Check every file of a snapshot; the manifest first, which names the others."""
    manifest_name = f"{snapshot_id}/{MANIFEST}"
    try:
        manifest = store.manifest(snapshot_id)
    except SnapshotCorrupt as error:
        yield Checked(manifest_name, 0, str(error).removeprefix(f"{manifest_name}: "))
        return
    yield Checked(manifest_name, len(manifest.to_bytes()), None)
    for name, entry in manifest.files.items():
        fault = None
        path = store.folder(snapshot_id) / name
        try:
            verify_file(path, entry)
        except SnapshotCorrupt as error:
            fault = str(error).removeprefix(f"{path.name}: ")
        yield Checked(f"{snapshot_id}/{name}", entry.size_bytes, fault)
