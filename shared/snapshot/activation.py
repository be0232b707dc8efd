"""Making another snapshot current: rolling back, and forward again.

Under the store's lock, the snapshot is verified as a reader would verify it (sizes, sha256 of every
file, consistent parts, vectors that can be searched). It must belong to the encoder in use:
otherwise the embedder, which keeps the served snapshot on its encoder, would replace it at once.
Only then is ``CURRENT`` replaced by a rename (``shared.snapshot.commit``). A refusal changes
nothing.

An activated snapshot stays until something new is published. Publishing is triggered by changes of
the database, not by ``CURRENT``: so while nothing changes, a rolled back snapshot stays, also after
restarts.
"""

from __future__ import annotations

from shared.snapshot.commit import locked, point_current_at
from shared.snapshot.reader import check_vectors, open_snapshot
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt


class ActivationRefused(RuntimeError):
    """Raised when a snapshot must not be made current; the message says why."""


def activate(store: SnapshotStore, snapshot_id: str, *, encoder_id: str) -> Manifest:
    """Make a snapshot current, durably; may be repeated.

    Args:
        store: The snapshot store to change.
        snapshot_id: The snapshot.
        encoder_id: The encoder in use.

    Returns:
        The snapshot's manifest.

    Raises:
        ActivationRefused: the snapshot does not exist, is damaged, or has another encoder.
        shared.snapshot.commit.StoreBusy: a publisher is at work; try again.
        OSError: a write or an fsync failed.
    """
    with locked(store.root):
        if snapshot_id not in store.snapshot_ids():
            raise ActivationRefused("there is no such snapshot; it may have been deleted meanwhile")
        try:
            manifest = store.manifest(snapshot_id)
            if manifest.encoder.encoder_id != encoder_id:
                raise ActivationRefused(
                    f"it is of encoder {manifest.encoder.encoder_id} "
                    f"({manifest.encoder.model}), and {encoder_id} is in use"
                )
            _verify(store, snapshot_id)
        except SnapshotCorrupt as error:
            raise ActivationRefused(f"it is damaged: {error}") from error
        point_current_at(store, snapshot_id)
        return manifest


def current_id(store: SnapshotStore) -> str | None:
    """The id of the snapshot that ``CURRENT`` names; None when it is absent or unreadable."""
    try:
        return store.current().snapshot_id
    except (NoSnapshot, SnapshotCorrupt):
        return None


def _verify(store: SnapshotStore, snapshot_id: str) -> None:
    snapshot = open_snapshot(store, snapshot_id)
    try:
        check_vectors(snapshot)
    finally:
        snapshot.catalogue.close()
