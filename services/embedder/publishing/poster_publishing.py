"""Puts the stored posters beside the snapshots, and deletes those that nothing names any more."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.embedder.database.poster_store import PosterStore
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.storage.manifest import CATALOGUE_FILE
from shared.snapshot.storage.poster_files import PosterFiles
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.telemetry import get_logger

SWEEP_EVERY_S = 3600.0
KEPT_UNNAMED_S = 86_400.0
"""How long a picture stays that no movie and no snapshot names."""

PosterOf = Callable[[str | None], str | None]
"""From the address of a movie's poster to the sha256 of the published picture, if there is one."""


def no_poster(_: str | None) -> None:
    """Publish no posters."""


class PosterPublisher:
    """Publishes the pictures that a snapshot names before the snapshot itself.

    Args:
        posters: The stored pictures.
        snapshots: The store beside whose snapshots the files are.
    """

    def __init__(self, posters: PosterStore, snapshots: SnapshotStore) -> None:
        self._posters = posters
        self._snapshots = snapshots
        self._files = PosterFiles(snapshots.root)
        self._sweep_at = 0.0

    def poster_of(self) -> PosterOf:
        """What names the pictures of one snapshot, and writes the files that are missing.

        The function raises OSError when a file cannot be written.
        """
        digests = self._posters.digests()

        def publish(url: str | None) -> str | None:
            digest = digests.of(url) if url is not None else None
            if digest is None or self._files.has(digest):
                return digest
            image = self._posters.image(digest)
            return self._files.put(image) if image is not None else None

        return publish

    def sweep_when_due(self) -> None:
        """Delete, at most once an hour, the pictures that no movie and no snapshot names."""
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_EVERY_S
        self.sweep(older_than_s=KEPT_UNNAMED_S)

    def sweep(self, *, older_than_s: float) -> None:
        """Delete the pictures that no movie and no snapshot names.

        Args:
            older_than_s: Pictures that were stored less than so many seconds ago stay.
        """
        named: set[str] = set()
        for snapshot_id in self._snapshots.snapshot_ids():
            try:
                catalogue = Catalogue(self._snapshots.folder(snapshot_id) / CATALOGUE_FILE)
                named |= catalogue.posters()
                catalogue.close()
            except SnapshotCorrupt as error:  # it is unknown what it names
                get_logger().warning("posters not swept", error=str(error))
                return
        forgotten = self._posters.forget_unnamed(older_than_s=older_than_s)
        deleted = self._files.sweep(named, older_than_s=older_than_s)
        if forgotten or deleted:
            get_logger().info("posters deleted", stored=forgotten, files=deleted)
