"""Routes for operators: liveness, readiness, the snapshot being served, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.query.api.operation_schemas import Alive, Ready, ServedEncoder, SnapshotInfo
from services.query.components import Service
from services.query.http.problems import Problems, documented
from services.query.http.routing import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["operations"])


@router.get(
    "/livez",
    operation_id="livez",
    summary="Check liveness",
    responses=documented(Problems.MALFORMED_QUERY_STRING),
)
async def livez() -> Alive:
    """Return 200 as long as the process answers requests."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Check readiness",
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def readyz(service: Service) -> Ready:
    """Return 200 when a snapshot is being served, otherwise 503."""
    return Ready(snapshot_id=service.generation().snapshot_id)


@router.get(
    "/snapshot",
    operation_id="getSnapshot",
    summary="Describe the snapshot being served",
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def get_snapshot(service: Service) -> SnapshotInfo:
    """Return the snapshot being served, and why a newer snapshot is not served, if there is one."""
    generation = service.generation()
    manifest = generation.snapshot.manifest
    encoder = manifest.encoder
    return SnapshotInfo(
        snapshot_id=manifest.snapshot_id,
        created_at=manifest.created_at,
        movies=manifest.counts.movies,
        reviews=manifest.counts.reviews,
        passages=manifest.counts.passages,
        encoder=ServedEncoder(
            encoder_id=encoder.encoder_id,
            model=encoder.model,
            dim=encoder.dim,
            passage_precision=encoder.passage_precision,
            query_precision=getattr(generation.encoder, "precision", "f32"),
        ),
        degraded=service.reloader.degraded,
    )


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Get metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(Problems.MALFORMED_QUERY_STRING),
    },
)
async def metrics(service: Service) -> Response:
    """Return the metrics in Prometheus's text format."""
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
