"""Admin routes of removals: ask for one, see what has become of it.

This service has no database. The embedder, which owns it, carries removals out
(``shared.runs.removal_requests``).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from services.query.api.admin.admin_route import (
    REDIS_PROBLEMS,
    admin_router,
    redis_of,
    redis_reply,
)
from services.query.api.admin.admin_schemas import RemovalRequest
from services.query.components import Service
from services.query.http.problems import BODY_PROBLEMS, Problem, Problems, documented
from shared.runs import removal_requests
from shared.runs.removal_requests import Removal
from shared.telemetry import get_logger

router = admin_router()

_LOCATION = {"Location": {"description": "URL of the removal.", "schema": {"type": "string"}}}


@router.post(
    "/removals",
    operation_id="requestRemoval",
    summary="Remove a source, a movie or a review",
    status_code=202,
    response_model=Removal,
    responses={202: {"headers": _LOCATION}, **documented(*BODY_PROBLEMS, *REDIS_PROBLEMS)},
)
async def request_removal(service: Service, body: RemovalRequest) -> Response:
    """Request that something is removed for good, or with `allow` that crawls may bring it back.

    The request is durable once this returns. The embedder removes the data; the next snapshot no
    longer has it, and no crawl brings it back. Older snapshots and backups still have it.
    """
    removal = removal_requests.new_removal(body.kind, body.id, allow=body.allow)
    await redis_reply(removal_requests.record_removal(redis_of(service), removal))
    get_logger().info("removal requested", kind=body.kind, id=body.id, allow=body.allow)
    return Response(
        removal.model_dump_json(),
        status_code=202,
        media_type="application/json",
        headers={"Location": f"/admin/removals/{removal.removal_id}"},
    )


@router.get(
    "/removals/{removal_id}",
    operation_id="getRemoval",
    summary="Get a removal",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_REMOVAL),
)
async def get_removal(
    service: Service,
    removal_id: Annotated[
        str, Path(description="The removal's id.", examples=["8e03978e40d543dd"])
    ],
) -> Removal:
    """Return whether something has been removed, or why not."""
    removal = await redis_reply(removal_requests.get_removal(redis_of(service), removal_id))
    if removal is None:
        raise Problem(Problems.UNKNOWN_REMOVAL)
    return removal
