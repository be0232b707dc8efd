"""Snapshots: the only interface between the embedder, which publishes, and query, which reads.

``storage`` has the store and its checksums, ``files`` the files of a snapshot. The modules here
combine them: ``reader`` opens a snapshot; ``writer`` and ``editor`` make one; ``commit`` publishes
it; ``activation`` rolls back. Central classes: ``reader.Snapshot``,
``storage.store.SnapshotStore``.
"""
