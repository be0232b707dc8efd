"""Administration: the snapshots of the store, and which of them is served.

The store is read-only here. Its owner, the embedder, carries out what is asked for
(``shared.runs.activation_requests``).
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Path, Response

from services.query.api.admin.admin_route import (
    GUARDED,
    WITH_REDIS,
    admin_router,
    reached,
    redis_of,
)
from services.query.api.admin.admin_schemas import SnapshotEntry, SnapshotList
from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
from shared.runs import activation_requests
from shared.runs.activation_requests import Activation
from shared.settings import Settings
from shared.snapshot.activation import current_id
from shared.snapshot.storage.leases import Leases, leased
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.telemetry import get_logger

HELD_S = 3600.0  # while a request waits for an embedder that is busy or away

router = admin_router()

_LOCATION = {"Location": {"description": "The activation.", "schema": {"type": "string"}}}


@router.get(
    "/snapshots",
    operation_id="listSnapshots",
    summary="The snapshots of the store",
    responses=documented(*GUARDED),
)
async def list_snapshots(service: Service) -> SnapshotList:
    """List the snapshots, newest first. Needs no Redis."""
    generation = service.reloader.generation
    served = generation.snapshot_id if generation is not None else None
    return await asyncio.to_thread(_list, service.settings, served)


@router.post(
    "/snapshots/{snapshot_id}/activate",
    operation_id="activateSnapshot",
    summary="Roll back, or forward",
    status_code=202,
    response_model=Activation,
    responses={
        202: {"headers": _LOCATION},
        **documented(*WITH_REDIS, Problems.UNKNOWN_SNAPSHOT),
    },
)
async def activate_snapshot(
    service: Service,
    snapshot_id: Annotated[
        str, Path(description="The snapshot's id.", examples=["00000041-5d2e8dcd"])
    ],
) -> Response:
    """Ask that a snapshot be served. The request is durable when this answers.

    The embedder proves the snapshot and makes it current. It stays so until something new is
    published; with nothing changed, for good.
    """
    redis = redis_of(service)
    store = SnapshotStore(service.settings.snapshot_dir)
    if snapshot_id not in await asyncio.to_thread(store.snapshot_ids):
        raise Problem(Problems.UNKNOWN_SNAPSHOT)
    wanted = activation_requests.new_activation(snapshot_id)
    holder = activation_requests.lease_holder(wanted.activation_id)
    leases = Leases(service.settings.leases, holder)
    await asyncio.to_thread(leases.take, snapshot_id, for_s=HELD_S)
    try:
        await reached(activation_requests.record(redis, wanted))
    except BaseException:
        await asyncio.to_thread(leases.release, snapshot_id)
        raise
    get_logger().info("activation requested", snapshot=snapshot_id)
    return Response(
        wanted.model_dump_json(),
        status_code=202,
        media_type="application/json",
        headers={"Location": f"/admin/snapshots/activations/{wanted.activation_id}"},
    )


@router.get(
    "/snapshots/activations/{activation_id}",
    operation_id="getActivation",
    summary="One activation",
    responses=documented(*WITH_REDIS, Problems.UNKNOWN_ACTIVATION),
)
async def get_activation(
    service: Service,
    activation_id: Annotated[
        str, Path(description="The activation's id.", examples=["8e03978e40d543dd"])
    ],
) -> Activation:
    """Show whether a snapshot has been made current, or why not."""
    found = await reached(activation_requests.get_activation(redis_of(service), activation_id))
    if found is None:
        raise Problem(Problems.UNKNOWN_ACTIVATION)
    return found


def _list(settings: Settings, served: str | None) -> SnapshotList:
    store = SnapshotStore(settings.snapshot_dir)
    current = current_id(store)
    try:
        held = leased(settings.leases, sweep=False)
    except OSError:
        held = set()
    entries = []
    for snapshot_id in store.snapshot_ids():
        entry = SnapshotEntry(
            snapshot_id=snapshot_id,
            current=snapshot_id == current,
            served=snapshot_id == served,
            leased=snapshot_id in held,
        )
        entries.append(entry.model_copy(update=_described(store, snapshot_id)))
    return SnapshotList(current=current, served=served, snapshots=entries)


def _described(store: SnapshotStore, snapshot_id: str) -> dict[str, object]:
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
