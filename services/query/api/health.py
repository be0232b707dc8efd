"""For operators and their machines: is it alive, is it ready, what does it serve."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.query.api.operation_schemas import Alive, Ready, ServedEncoder, SnapshotInfo
from services.query.components import Service
from services.query.http.problems import Problems, documented
from services.query.http.strict_route import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["operations"])


@router.get(
    "/livez",
    operation_id="livez",
    summary="Does the process answer",
    responses=documented(Problems.MALFORMED_QUERY_STRING),
)
async def livez() -> Alive:
    """Say that the process answers; nothing is waited for."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Are searches answered",
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def readyz(service: Service) -> Ready:
    """Say whether a snapshot is being served."""
    return Ready(snapshot_id=service.generation().snapshot_id)


@router.get(
    "/snapshot",
    operation_id="getSnapshot",
    summary="What is being served",
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def get_snapshot(service: Service) -> SnapshotInfo:
    """Describe the snapshot being served, and why it is not a newer one if there is one."""
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
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(Problems.MALFORMED_QUERY_STRING),
    },
)
async def metrics(service: Service) -> Response:
    """Metrics in Prometheus's text format."""
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
