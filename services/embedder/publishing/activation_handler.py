"""Carrying out what the operator asks of the store: making another snapshot current.

The requests wait in Redis (``shared.runs.activation_requests``). They are taken between two
publications, by the loop that publishes, so that nobody is in the way of anybody. What has become
current is recorded as published, also what the canaries had refused: a later start does not publish
the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.delivery.messages import SNAPSHOTS_CHANNEL
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
    """The store's owner, listening to the operator.

    Args:
        redis: Where the requests are.
        store: The snapshots.
        encoder_id: The encoder in use.
        lease_folder: Where the requests hold their snapshots.
        on_activated: Records in the database that a snapshot is current; may be repeated.
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
        """Do what is asked for, oldest first; what a busy store does not allow waits."""
        while (wanted := await activation_requests.next_queued(self._redis)) is not None:
            before = await asyncio.to_thread(current_id, self._store)
            try:
                manifest = await asyncio.to_thread(self._activate, wanted)
            except StoreBusy:
                return
            except (ActivationRefused, OSError) as error:
                reason = _reason(error)
                get_logger().error(
                    "snapshot not activated", snapshot=wanted.snapshot_id, reason=reason
                )
                await self._conclude(wanted, state="refused", reason=reason)
                continue
            get_logger().info(
                "snapshot activated", snapshot=manifest.snapshot_id, replaced=before or "none"
            )
            replaced = before if before != manifest.snapshot_id else wanted.replaced
            await self._conclude(wanted, state="done", replaced=replaced)
            await self._redis.publish(SNAPSHOTS_CHANNEL, manifest.snapshot_id)

    def _activate(self, wanted: Activation) -> Manifest:
        manifest = activate(self._store, wanted.snapshot_id, encoder_id=self._encoder_id)
        self._on_activated(manifest)
        return manifest

    async def _conclude(self, wanted: Activation, **changes: object) -> None:
        ended = wanted.model_copy(update={**changes, "ended_at": datetime.now(UTC)})
        await activation_requests.conclude(self._redis, ended)
        holder = activation_requests.lease_holder(wanted.activation_id)
        Leases(self._lease_folder, holder).release(wanted.snapshot_id)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the store cannot be written: {error.strerror or type(error).__name__}"
    return str(error)
