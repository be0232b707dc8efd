"""Publishing a snapshot, in steps that a crash may interrupt anywhere.

1. create the store, if it is absent, and make its name durable; take its lock; delete what dead
   publishers left;
2. write every file into a staging folder, fsync each;
3. write the manifest, which states the size and sha256 of every file; fsync it;
4. fsync the staging folder;
5. gates: open it with the readers' own loader; vectors finite, unit, each finding itself; not
   less than half the movies of the current snapshot, unless forced; then ask ``promote``, if the
   publisher passes one (``shared.evaluation.canary``);
6. rename the folder to its final name; fsync the store;
7. if it may be promoted: write ``CURRENT.tmp``, fsync, rename over ``CURRENT``: **the commit
   point**; fsync the store.

Only then may it be announced. Before step 7 readers see the old snapshot, after it the new one. A
snapshot that may not be promoted stays under its final name, whole and durable, so that an operator
can inspect or activate it; readers keep the old one. A failed fsync raises, and the staging folder
is abandoned: what the kernel then holds is unknown.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from shared.snapshot.reader import Snapshot, check_vectors, open_snapshot
from shared.snapshot.storage.leases import leased
from shared.snapshot.storage.manifest import (
    CURRENT,
    MANIFEST,
    Counts,
    Current,
    EncoderName,
    FileEntry,
    Manifest,
)
from shared.snapshot.storage.store import LOCK, STAGING, TRASH, NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, describe_file
from shared.system.file_lock import FileLock
from shared.system.fsync import fsync_file, fsync_folder, make_folder, rename
from shared.telemetry import get_logger
from shared.text.languages import ENGLISH
from shared.text.terms import VERSION as TERMS_VERSION

Promote = Callable[[Snapshot], str | None]
"""Returns why a staged snapshot must not be made current; None when it may."""

SPARE_BYTES = 64 * 1024 * 1024
"""Free space that must remain after publishing."""


class GateFailed(RuntimeError):
    """Raised when a written snapshot must not be served; the message says why."""


class PromotionRefused(RuntimeError):
    """Raised when a snapshot was published but not made current; the message says why."""

    def __init__(self, manifest: Manifest, reason: str) -> None:
        super().__init__(f"{manifest.snapshot_id} is not made current: {reason}")
        self.manifest = manifest
        self.reason = reason


class StoreBusy(RuntimeError):
    """Raised when another publisher holds the store's lock."""


class StoreFull(OSError):
    """Raised when there is too little free space for another snapshot."""


@dataclass(frozen=True)
class Draft:
    """A writer's description of the files that it wrote."""

    counts: Counts
    encoder: EncoderName
    language: str = ENGLISH
    """The catalogue's language, by which the terms of the lexical index were made."""
    linked: Mapping[str, FileEntry] = field(default_factory=dict)
    """Files shared with another snapshot, by that one's entries, which the gates verify."""


def publish(
    store: SnapshotStore,
    *,
    sequence: int,
    write: Callable[[Path], Draft],
    expected_bytes: int = 0,
    force: bool = False,
    promote: Promote | None = None,
    verified: VerificationCache | None = None,
) -> Manifest:
    """Write, check and commit a snapshot, by the steps of this module.

    Args:
        store: The snapshot store to change.
        sequence: The snapshot's number, greater than all before it; from the database.
        write: Writes the snapshot's files into a folder (``SnapshotWriter``).
        expected_bytes: About how much it will write; compared with the free space.
        force: Publish even if it has less than half of the current movies.
        promote: Called after all gates; without it every snapshot is made current.
        verified: Remembers which linked files need not be read again.

    Returns:
        The manifest of the snapshot, which is now durable and current.

    Raises:
        StoreBusy: another publisher is at work.
        StoreFull: there is too little space.
        GateFailed: it must not be served; nothing has changed.
        PromotionRefused: ``promote`` refused; it is published, and the current snapshot stays.
        OSError: a write or an fsync failed; nothing has changed, unless it was the very last fsync:
            then readers may see the snapshot already, but it is not announced.
    """
    make_folder(store.root)
    with locked(store.root):
        _sweep(store.root)
        free = shutil.disk_usage(store.root).free
        if free < expected_bytes + SPARE_BYTES:
            raise StoreFull(f"{free} bytes free in {store.root}, {expected_bytes} needed")
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=store.root))
        try:
            manifest = _write_staging(staging, sequence, write)
            refusal = _check_gates(
                store, staging, manifest, force=force, promote=promote, verified=verified
            )
            final = store.folder(manifest.snapshot_id)
            rename(staging, final)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        fsync_folder(store.root)
        if refusal is not None:
            raise PromotionRefused(manifest, refusal)
        point_current_at(store, manifest.snapshot_id)
        return manifest


def point_current_at(store: SnapshotStore, snapshot_id: str) -> None:
    """Make a snapshot the current one: the commit point, also for rolling back.

    Raises:
        SnapshotCorrupt: the snapshot has no readable manifest.
        OSError: a write or an fsync failed.
    """
    store.manifest(snapshot_id)
    payload = (store.folder(snapshot_id) / MANIFEST).read_bytes()
    current = Current(snapshot_id=snapshot_id, manifest_sha256=hashlib.sha256(payload).hexdigest())
    temporary = store.root / f"{CURRENT}.tmp"
    temporary.write_text(current.model_dump_json())
    fsync_file(temporary)
    rename(temporary, store.root / CURRENT)
    fsync_folder(store.root)


def retain(store: SnapshotStore, *, keep: int, lease_folder: Path) -> list[str]:
    """Delete old snapshots, except the current one, leased ones, and the newest.

    A folder is first renamed, durably, so that no reader can find half of it.

    Args:
        store: The snapshot store to change.
        keep: How many of the newest snapshots stay; at least 3 do.
        lease_folder: The leases of readers.

    Returns:
        The ids of the deleted snapshots.

    Raises:
        StoreBusy: a publisher is at work.
    """
    with locked(store.root):
        spared = leased(lease_folder) | set(store.snapshot_ids()[: max(keep, 3)])
        try:
            spared.add(store.current().snapshot_id)
        except NoSnapshot:
            pass  # nothing is served; but refused snapshots must not accumulate
        except SnapshotCorrupt:
            return []  # it is unknown what is served, so nothing is safe to delete
        deleted = [name for name in store.snapshot_ids() if name not in spared]
        trash = [store.root / f"{TRASH}{name}" for name in deleted]
        for name, folder in zip(deleted, trash, strict=True):
            rename(store.folder(name), folder)
        if trash:
            fsync_folder(store.root)  # or half of one could reappear under its final name
        for folder in trash:
            shutil.rmtree(folder, ignore_errors=True)
        return deleted


def _write_staging(staging: Path, sequence: int, write: Callable[[Path], Draft]) -> Manifest:
    draft = write(staging)
    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    for path in paths:
        fsync_file(path)
    for path in staging.iterdir():
        if path.is_dir():
            path.chmod(0o755)
            fsync_folder(path)
    names = {path.relative_to(staging).as_posix(): path for path in paths}
    files = {name: draft.linked.get(name) or describe_file(path) for name, path in names.items()}
    content = hashlib.sha256("".join(entry.sha256 for entry in files.values()).encode())
    manifest = Manifest(
        snapshot_id=f"{sequence:08d}-{content.hexdigest()[:8]}",
        sequence=sequence,
        created_at=datetime.now(UTC),
        encoder=draft.encoder,
        terms=TERMS_VERSION,
        language=draft.language,
        counts=draft.counts,
        files=files,
    )
    (staging / MANIFEST).write_bytes(manifest.to_bytes())
    fsync_file(staging / MANIFEST)
    staging.chmod(0o755)  # mkdtemp makes it private; readers may be other users
    fsync_folder(staging)
    return manifest


def _check_gates(
    store: SnapshotStore,
    staging: Path,
    manifest: Manifest,
    *,
    force: bool,
    promote: Promote | None,
    verified: VerificationCache | None,
) -> str | None:
    """Raise if it must not be published; return why it must not be promoted, if so."""
    if not force:
        _check_size(store, manifest)
    try:
        snapshot = open_snapshot(
            _Staged(store.root, staging), manifest.snapshot_id, verified=verified
        )
    except SnapshotCorrupt as error:
        raise GateFailed(str(error)) from error
    try:
        check_vectors(snapshot)
        return promote(snapshot) if promote is not None else None
    except SnapshotCorrupt as error:
        raise GateFailed(str(error)) from error
    finally:
        snapshot.catalogue.close()


def _check_size(store: SnapshotStore, manifest: Manifest) -> None:
    try:
        before = store.manifest(store.current().snapshot_id).counts.movies
    except (NoSnapshot, SnapshotCorrupt):
        return
    if manifest.counts.movies * 2 < before:
        raise GateFailed(
            f"{manifest.counts.movies} movies, less than half of the {before} being served"
        )


@dataclass(frozen=True)
class _Staged(SnapshotStore):
    """The store as it will be, so that the readers' loader can open a staged snapshot."""

    staging: Path

    def folder(self, snapshot_id: str) -> Path:  # noqa: ARG002 - it has no final name yet
        return self.staging


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the store's lock, which every process takes that writes to it.

    Raises:
        StoreBusy: another process holds it.
    """
    lock = FileLock(root / LOCK)
    if not lock.try_acquire():
        raise StoreBusy(f"another publisher is at work in {root}")
    try:
        yield
    finally:
        lock.release()


def _sweep(root: Path) -> None:
    """Delete what dead publishers have left; the lock is held, so no publisher is at work."""
    for path in root.iterdir():
        if path.name.startswith((STAGING, TRASH)):
            get_logger().info("leftover deleted", folder=path.name)
            shutil.rmtree(path, ignore_errors=True)
