"""The snapshot store: its layout on disk, and how ``CURRENT`` is read.

::

    <store>/CURRENT                    names the snapshot to serve, and its manifest's sha256
    <store>/<snapshot id>/             immutable; manifest, vectors, passages, catalogue, lexical/
    <store>/encoders/<encoder id>/     artefacts that snapshots name (``shared.encoder``)
    <store>/posters/                   pictures that snapshots name (``poster_files``)
    <store>/.staging-*, .trash-*       being written, being deleted
    <store>/.lock                      held by the publisher at work
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shared.snapshot.storage.manifest import (
    CURRENT,
    FILES,
    MANIFEST,
    SNAPSHOT_ID_PATTERN,
    Current,
    Manifest,
)
from shared.snapshot.storage.verify import SnapshotCorrupt

STAGING = ".staging-"
TRASH = ".trash-"
LOCK = ".lock"
_ID = re.compile(SNAPSHOT_ID_PATTERN)


class NoSnapshot(RuntimeError):
    """Raised when the store has no ``CURRENT``: no snapshot has been published."""


@dataclass(frozen=True)
class SnapshotStore:
    """A folder of snapshots.

    Example::

        store = SnapshotStore(settings.snapshot_dir)
        current = store.current()
        snapshot = open_snapshot(  # shared.snapshot.reader
            store, current.snapshot_id, manifest_sha256=current.manifest_sha256
        )
    """

    root: Path

    def folder(self, snapshot_id: str) -> Path:
        """The folder of a snapshot."""
        return self.root / snapshot_id

    def current(self) -> Current:
        """The content of ``CURRENT``.

        Raises:
            NoSnapshot: it is absent.
            SnapshotCorrupt: it cannot be read.
        """
        try:
            return Current.model_validate_json((self.root / CURRENT).read_bytes())
        except FileNotFoundError as error:
            raise NoSnapshot(f"no snapshot in {self.root} yet") from error
        except (OSError, ValidationError) as error:
            raise SnapshotCorrupt(f"{CURRENT} cannot be read: {type(error).__name__}") from error

    def snapshot_ids(self) -> list[str]:
        """The ids of all snapshots that have their final name, newest first."""
        try:
            names = [path.name for path in self.root.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []
        return sorted((name for name in names if _ID.match(name)), reverse=True)

    def manifest(self, snapshot_id: str, *, sha256: str | None = None) -> Manifest:
        """Read a snapshot's manifest.

        Args:
            snapshot_id: The snapshot.
            sha256: The manifest's hash, as ``CURRENT`` states it; None when unknown.

        Raises:
            SnapshotCorrupt: it is missing, differs, has another format, or names other files.
        """
        try:
            payload = (self.folder(snapshot_id) / MANIFEST).read_bytes()
        except OSError as error:
            raise SnapshotCorrupt(f"{snapshot_id}/{MANIFEST}: {error.strerror}") from error
        if sha256 is not None and hashlib.sha256(payload).hexdigest() != sha256:
            raise SnapshotCorrupt(f"{snapshot_id}/{MANIFEST}: its sha256 differs from {CURRENT}'s")
        try:
            manifest = Manifest.model_validate_json(payload)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            why = f"{where}: {first['msg']}"
            if where == "format_version":
                why = "another format; the embedder publishes a new snapshot when it starts"
            raise SnapshotCorrupt(f"{snapshot_id}/{MANIFEST}: {why}") from error
        if manifest.snapshot_id != snapshot_id or not set(FILES) <= set(manifest.files):
            raise SnapshotCorrupt(f"{snapshot_id}/{MANIFEST} is of another snapshot or format")
        return manifest
