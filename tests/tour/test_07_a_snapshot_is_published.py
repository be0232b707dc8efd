"""Step 7: what the database holds is published as a snapshot.

``services.embedder.publishing.publisher`` decides what is written, ``shared.snapshot.writer``
writes the files, and ``shared.snapshot.commit`` makes them durable, step by step. The manifest,
written last, names the size and sha256 of every file; ``CURRENT`` names the snapshot and the sha256
of its manifest. Renaming ``CURRENT`` into place is the commit point.
"""

import hashlib
from pathlib import Path

from sqlalchemy import Engine

from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.tour.journey import publisher


def test_a_snapshot_is_published(encoded: Engine, encoder: HashEncoder, tmp_path: Path) -> None:
    manifest = publisher(encoded, encoder, tmp_path).publish()
    assert manifest is not None
    assert (manifest.counts.movies, manifest.counts.reviews) == (2, 3)
    assert manifest.encoder.encoder_id == encoder.spec.encoder_id

    store = SnapshotStore(tmp_path / "snapshots")
    current = store.current()
    folder = store.folder(current.snapshot_id)
    assert current.snapshot_id == manifest.snapshot_id
    assert current.manifest_sha256 == sha256(folder / "manifest.json")
    assert "vectors.faiss" in manifest.files
    for name, entry in manifest.files.items():
        assert entry.sha256 == sha256(folder / name)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
