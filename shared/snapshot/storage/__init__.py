"""The snapshot store: its folders, manifests, checksums and leases.

It does not know what the files of a snapshot mean. ``shared.snapshot`` and the services import
it. Central classes: ``store.SnapshotStore``, ``manifest.Manifest``.
"""
