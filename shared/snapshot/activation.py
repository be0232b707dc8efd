"""Making another snapshot current: roll back, and forward again.

Under the store's lock, the snapshot is proven as a reader would prove it (sizes, sha256 of every
file, the parts agree, the vectors can be searched) and must be of the encoder in use: one of
another would be replaced at once by the embedder, whose duty it is that what is served is of its
encoder. Only then is ``CURRENT`` renamed over (``shared.snapshot.commit``). What is refused changes
nothing.

It lasts until something new is published. Publishing is asked for by changes of the database, not
by what ``CURRENT`` names: so with nothing changed a rolled back snapshot stays, over restarts too.
"""

from __future__ import annotations

from shared.snapshot.commit import locked, point_current_at
from shared.snapshot.reader import check_vectors, open_snapshot
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt


class ActivationRefused(RuntimeError):
    """A snapshot must not be made current; the message says why."""


def activate(store: SnapshotStore, snapshot_id: str, *, encoder_id: str) -> Manifest:
    """Make a snapshot current, durably; may be repeated.

    Args:
        store: Where it lies.
        snapshot_id: Which.
        encoder_id: The encoder in use.

    Returns:
        Its manifest.

    Raises:
        ActivationRefused: there is no such snapshot, it is damaged, or of another encoder.
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
            _prove(store, snapshot_id)
        except SnapshotCorrupt as error:
            raise ActivationRefused(f"it is damaged: {error}") from error
        point_current_at(store, snapshot_id)
        return manifest


def current_id(store: SnapshotStore) -> str | None:
    """Id of the snapshot that ``CURRENT`` names; None when it names none that can be read."""
    try:
        return store.current().snapshot_id
    except (NoSnapshot, SnapshotCorrupt):
        return None


def _prove(store: SnapshotStore, snapshot_id: str) -> None:
    snapshot = open_snapshot(store, snapshot_id)
    try:
        check_vectors(snapshot)
    finally:
        snapshot.catalogue.close()
