"""Publishing a snapshot, in steps that a crash may interrupt anywhere.

1. make the store, if there is none, and its name durable; take its lock; sweep away what earlier
   publishers left;
2. write every file into a staging folder, fsync each;
3. write the manifest, which names the size and sha256 of every file; fsync it;
4. fsync the staging folder;
5. gates: open it with the readers' own loader; vectors finite, unit, each finding itself; not
   less than half of what is current, unless forced; then ask whether it may be promoted, if the
   publisher has something to ask (``shared.evaluation.canary``);
6. rename the folder to its final name; fsync the store;
7. if it may: write ``CURRENT.tmp``, fsync, rename over ``CURRENT``: **the commit point**; fsync
   the store.

Only then may anybody be told. Before 7 readers see the old snapshot, after it the new one. One
that may not be promoted stays under its final name, whole and durable, for people to look at or to
activate; readers go on with the old one. A failed fsync raises, and the staging folder is
abandoned: what the kernel then holds is unknown.
"""

from __future__ import annotations

import fcntl
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
from shared.system.fsync import fsync_file, fsync_folder, make_folder, rename
from shared.telemetry import get_logger

Promote = Callable[[Snapshot], str | None]
"""Says of a staged snapshot why it must not be made current, or None."""

SPARE_BYTES = 64 * 1024 * 1024


class GateFailed(RuntimeError):
    """A snapshot was written but must not be served; the message says why."""


class PromotionRefused(RuntimeError):
    """A snapshot was published but not made current; the message says why."""

    def __init__(self, manifest: Manifest, reason: str) -> None:
        super().__init__(f"{manifest.snapshot_id} is not made current: {reason}")
        self.manifest = manifest
        self.reason = reason


class StoreBusy(RuntimeError):
    """Another publisher holds the store's lock."""


class StoreFull(OSError):
    """Too little free space for another snapshot."""


@dataclass(frozen=True)
class Draft:
    """What a writer says of the files it wrote."""

    counts: Counts
    encoder: EncoderName
    linked: Mapping[str, FileEntry] = field(default_factory=dict)
    """Files that are another snapshot's own, as it describes them; the gates prove it."""


def publish(
    store: SnapshotStore,
    *,
    sequence: int,
    write: Callable[[Path], Draft],
    expected_bytes: int = 0,
    force: bool = False,
    promote: Promote | None = None,
    proofs: VerificationCache | None = None,
) -> Manifest:
    """Write, check and commit a snapshot; the module says how.

    Args:
        store: Where to.
        sequence: The snapshot's number, greater than all before it; from the database.
        write: Writes the snapshot's files into the folder it is given (``SnapshotWriter``).
        expected_bytes: About how much it will write; checked against the free space.
        force: Publish even if it holds less than half of the current movies.
        promote: Asked after all gates; without it every snapshot is made current.
        proofs: What the gates need not prove again: of files that are linked.

    Returns:
        The manifest of the snapshot, which is durable and current.

    Raises:
        StoreBusy: another publisher is at work.
        StoreFull: too little space.
        GateFailed: it must not be served; nothing has changed.
        PromotionRefused: ``promote`` said no; it is published, and what was current still is.
        OSError: a write or an fsync failed; nothing has changed, unless it was the very last fsync:
            then readers may follow already, but nobody is told.
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
                store, staging, manifest, force=force, promote=promote, proofs=proofs
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
    """Make a snapshot the current one: the commit point, also of a roll back.

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
    """Delete old snapshots, never the current, a leased, or one of the ``keep`` newest.

    A folder is renamed away first, durably, so that no reader can find half of it.

    Returns:
        The ids deleted.
    """
    with locked(store.root):
        spared = leased(lease_folder) | set(store.snapshot_ids()[: max(keep, 3)])
        try:
            spared.add(store.current().snapshot_id)
        except NoSnapshot:
            pass  # nothing is served; refused snapshots must not pile up either
        except SnapshotCorrupt:
            return []  # without knowing what is served, nothing is safe to delete
        deleted = [name for name in store.snapshot_ids() if name not in spared]
        trash = [store.root / f"{TRASH}{name}" for name in deleted]
        for name, folder in zip(deleted, trash, strict=True):
            rename(store.folder(name), folder)
        if trash:
            fsync_folder(store.root)  # or half of one could come back under its final name
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
    proofs: VerificationCache | None,
) -> str | None:
    """Raise if it must not be published; return why it must not be promoted, or None."""
    if not force:
        _check_size(store, manifest)
    try:
        snapshot = open_snapshot(_Staged(store.root, staging), manifest.snapshot_id, proofs=proofs)
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
    """The store as it will be, for the readers' loader to look at a staged snapshot."""

    staging: Path

    def folder(self, snapshot_id: str) -> Path:  # noqa: ARG002 - it has no final name yet
        return self.staging


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the store's lock: nobody else writes to it meanwhile.

    Raises:
        StoreBusy: somebody else holds it.
    """
    with (root / LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(f"another publisher is at work in {root}") from error
        yield


def _sweep(root: Path) -> None:
    """Remove what publishers that died have left; the lock is held, so none is at work."""
    for path in root.iterdir():
        if path.name.startswith((STAGING, TRASH)):
            get_logger().info("sweeping", folder=path.name)
            shutil.rmtree(path, ignore_errors=True)
