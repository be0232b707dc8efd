"""Step 8: a reader verifies every file of a snapshot before it uses any.

``shared.snapshot.reader`` compares sizes and checksums with the manifest, then opens the parts: the
faiss index, the passages' vectors, the catalogue, the lexical index and the map. In the query
service ``services.query.serving.reloader`` does this in a thread and keeps serving the last good
snapshot when the new one is damaged.
"""

import pytest

from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt


def test_a_reader_opens_the_current_snapshot(snapshots: SnapshotStore) -> None:
    current = snapshots.current()
    snapshot = open_snapshot(
        snapshots, current.snapshot_id, manifest_sha256=current.manifest_sha256
    )
    assert snapshot.index.vectors().shape == (2, 64)
    harbour = snapshot.catalogue.movie("tt0000001")
    assert harbour is not None
    reviews = snapshot.catalogue.reviews_of(harbour.row)
    assert [review.author for review in reviews] == ["Ada", "Ben"]


def test_one_flipped_bit_is_enough_to_refuse_it(snapshots: SnapshotStore) -> None:
    snapshot_id = snapshots.current().snapshot_id
    vectors = snapshots.folder(snapshot_id) / "vectors.faiss"
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    with pytest.raises(SnapshotCorrupt):
        open_snapshot(snapshots, snapshot_id)
