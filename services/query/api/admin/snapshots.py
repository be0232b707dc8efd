"""Admin routes of snapshots: list them, and activate one of them.

This service only reads the store. The embedder, which owns it, carries out activations
(``shared.runs.activation_requests``).
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Path, Response

from services.query.api.admin.admin_route import (
    ADMIN_PROBLEMS,
    REDIS_PROBLEMS,
    admin_router,
    redis_of,
    redis_reply,
)
from services.query.api.admin.admin_schemas import SnapshotEntry, SnapshotList
from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
from services.query.settings import QuerySettings
from shared.runs import activation_requests
from shared.runs.activation_requests import Activation
from shared.snapshot.activation import current_id
from shared.snapshot.storage.leases import Leases, leased
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.telemetry import get_logger

LEASE_S = 3600.0  # keeps the snapshot while the request waits for a busy or absent embedder

router = admin_router()

_LOCATION = {"Location": {"description": "URL of the activation.", "schema": {"type": "string"}}}


@router.get(
    "/snapshots",
    operation_id="listSnapshots",
    summary="List snapshots",
    responses=documented(*ADMIN_PROBLEMS),
)
async def list_snapshots(service: Service) -> SnapshotList:
    """List the snapshots of the store, newest first. Works without Redis."""
    generation = service.reloader.generation
    served = generation.snapshot_id if generation is not None else None
    return await asyncio.to_thread(_list, service.settings, served)


@router.post(
    "/snapshots/{snapshot_id}/activate",
    operation_id="activateSnapshot",
    summary="Activate a snapshot",
    status_code=202,
    response_model=Activation,
    responses={
        202: {"headers": _LOCATION},
        **documented(*REDIS_PROBLEMS, Problems.UNKNOWN_SNAPSHOT),
    },
)
async def activate_snapshot(
    service: Service,
    snapshot_id: Annotated[
        str, Path(description="The snapshot's id.", examples=["00000041-5d2e8dcd"])
    ],
) -> Response:
    """Request that a snapshot is served, to roll back or forward.

    The request is durable once this returns. The embedder verifies the snapshot and makes it
    current; it stays current until a new snapshot is published.
    """
    redis = redis_of(service)
    store = SnapshotStore(service.settings.snapshot_dir)
    if snapshot_id not in await asyncio.to_thread(store.snapshot_ids):
        raise Problem(Problems.UNKNOWN_SNAPSHOT)
    activation = activation_requests.new_activation(snapshot_id)
    holder = activation_requests.lease_holder(activation.activation_id)
    leases = Leases(service.settings.leases, holder)
    await asyncio.to_thread(leases.take, snapshot_id, for_s=LEASE_S)
    try:
        await redis_reply(activation_requests.record(redis, activation))
    except BaseException:
        await asyncio.to_thread(leases.release, snapshot_id)
        raise
    get_logger().info("activation requested", snapshot=snapshot_id)
    return Response(
        activation.model_dump_json(),
        status_code=202,
        media_type="application/json",
        headers={"Location": f"/admin/activations/{activation.activation_id}"},
    )


# The first address of activations. It is answered as ever, but not documented: in it,
# ``activations`` could also be the id of a snapshot.
@router.get("/snapshots/activations/{activation_id}", include_in_schema=False)
@router.get(
    "/activations/{activation_id}",
    operation_id="getActivation",
    summary="Get an activation",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_ACTIVATION),
)
async def get_activation(
    service: Service,
    activation_id: Annotated[
        str, Path(description="The activation's id.", examples=["8e03978e40d543dd"])
    ],
) -> Activation:
    """Return whether a snapshot has been made current, or why not."""
    activation = await redis_reply(
        activation_requests.get_activation(redis_of(service), activation_id)
    )
    if activation is None:
        raise Problem(Problems.UNKNOWN_ACTIVATION)
    return activation


def _list(settings: QuerySettings, served: str | None) -> SnapshotList:
    store = SnapshotStore(settings.snapshot_dir)
    current = current_id(store)
    try:
        leased_ids = leased(settings.leases, sweep=False)
    except OSError:
        leased_ids = set()
    entries = []
    for snapshot_id in store.snapshot_ids():
        entry = SnapshotEntry(
            snapshot_id=snapshot_id,
            current=snapshot_id == current,
            served=snapshot_id == served,
            leased=snapshot_id in leased_ids,
        )
        entries.append(entry.model_copy(update=_manifest_facts(store, snapshot_id)))
    return SnapshotList(current=current, served=served, snapshots=entries)


def _manifest_facts(store: SnapshotStore, snapshot_id: str) -> dict[str, object]:
    try:
        manifest = store.manifest(snapshot_id)
    except SnapshotCorrupt as error:
        return {"problem": str(error)}
    return {
        "created_at": manifest.created_at,
        **manifest.counts.model_dump(),
        "encoder_id": manifest.encoder.encoder_id,
        "model": manifest.encoder.model,
        "size_bytes": sum(entry.size_bytes for entry in manifest.files.values()),
    }
