"""Carries out the operator's requests to make another snapshot current.

The requests wait in Redis (``shared.runs.activation_requests``). The publishing loop takes them
between two publications, so that the two never compete for the store. An activated snapshot is
recorded as published, even if the promotion gate had refused it, so that a later start does not
publish the same content again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.delivery.keys import SNAPSHOTS_CHANNEL
from shared.delivery.redis_client import Client
from shared.runs import activation_requests
from shared.runs.activation_requests import Activation
from shared.snapshot.activation import ActivationRefused, activate, current_id
from shared.snapshot.commit import StoreBusy
from shared.snapshot.storage.leases import Leases
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.telemetry import get_logger


class ActivationHandler:
    """Activates the snapshots that operators have requested.

    Args:
        redis: Connection to the requests.
        store: The snapshots.
        encoder_id: The encoder in use; snapshots of other encoders are refused.
        lease_folder: Folder of the leases that keep requested snapshots from being deleted.
        on_activated: Records in the database that a snapshot is current; must be idempotent.
    """

    def __init__(
        self,
        redis: Client,
        store: SnapshotStore,
        *,
        encoder_id: str,
        lease_folder: Path,
        on_activated: Callable[[Manifest], None],
    ) -> None:
        self._redis = redis
        self._store = store
        self._encoder_id = encoder_id
        self._lease_folder = lease_folder
        self._on_activated = on_activated

    async def carry_out(self) -> None:
        """Carry out all requests, oldest first; while the store is busy, the requests wait."""
        while (request := await activation_requests.next_queued(self._redis)) is not None:
            previous_id = await asyncio.to_thread(current_id, self._store)
            try:
                manifest = await asyncio.to_thread(self._activate, request)
            except StoreBusy:
                return
            except (ActivationRefused, OSError) as error:
                reason = _reason(error)
                get_logger().error(
                    "snapshot not activated", snapshot=request.snapshot_id, reason=reason
                )
                await self._conclude(request, state="refused", reason=reason)
                continue
            get_logger().info(
                "snapshot activated", snapshot=manifest.snapshot_id, replaced=previous_id or "none"
            )
            replaced = previous_id if previous_id != manifest.snapshot_id else request.replaced
            await self._conclude(request, state="done", replaced=replaced)
            await self._redis.publish(SNAPSHOTS_CHANNEL, manifest.snapshot_id)

    def _activate(self, request: Activation) -> Manifest:
        manifest = activate(self._store, request.snapshot_id, encoder_id=self._encoder_id)
        self._on_activated(manifest)
        return manifest

    async def _conclude(self, request: Activation, **changes: object) -> None:
        concluded = request.model_copy(update={**changes, "ended_at": datetime.now(UTC)})
        await activation_requests.conclude(self._redis, concluded)
        holder = activation_requests.lease_holder(request.activation_id)
        Leases(self._lease_folder, holder).release(request.snapshot_id)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the store cannot be written: {error.strerror or type(error).__name__}"
    return str(error)
