"""The snapshot store: its folders, manifests, checksums and leases.

This room knows nothing of what the files of a snapshot mean. ``shared.snapshot`` and the services
import it. Central classes: ``store.SnapshotStore``, ``manifest.Manifest``.
"""
