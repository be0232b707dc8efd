"""Administration: asking ingest for a crawl, and following it. Needs the Bearer token.

The only part of the service that touches Redis.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable
from typing import Annotated, TypeVar, cast

from fastapi import APIRouter, Header, Path, Request, Response, Security
from fastapi.security import HTTPBearer

from services.query.operation_schemas import RunAccepted, RunList
from services.query.problems import Problem, Problems, documented
from services.query.requests import IngestRequest
from services.query.service import QueryService, Service
from services.query.strict_route import StrictRoute
from shared.redis import UNAVAILABLE, Client
from shared.runs import Run, SourceBusy, get_run, known_sources, list_runs, request_run
from shared.telemetry import get_logger

REDIS_TIMEOUT_S = 8.0

T = TypeVar("T")


class AdminRoute(StrictRoute):
    """Asks for the token before anything else, so that nothing can be learnt without it."""

    async def admit(self, request: Request) -> None:
        """Check the Authorization header; a token anywhere else does not count."""
        service = cast("QueryService", request.state.service)
        if service.admin_token is None:
            raise Problem(Problems.ADMIN_OFF)
        # As bytes: compare_digest raises on text that is not ASCII.
        given = next(
            (value for name, value in request.scope["headers"] if name == b"authorization"), b""
        )
        scheme, _, token = given.partition(b" ")
        matches = hmac.compare_digest(token.strip(), service.admin_token)
        if scheme.lower() != b"bearer" or not matches:
            raise Problem(Problems.UNAUTHORIZED)


bearer = HTTPBearer(
    scheme_name="AdminToken", description="The operator's admin token.", auto_error=False
)
router = APIRouter(
    prefix="/admin",
    route_class=AdminRoute,
    tags=["admin"],
    dependencies=[Security(bearer)],  # for the OpenAPI document; AdminRoute decides
)

_ALWAYS = (
    Problems.MALFORMED_QUERY_STRING,
    Problems.UNAUTHORIZED,
    Problems.ADMIN_OFF,
    Problems.REDIS_UNAVAILABLE,
)


@router.post(
    "/ingest",
    operation_id="requestIngest",
    summary="Crawl a configured source",
    status_code=202,
    response_model=RunAccepted,
    responses={
        202: {
            "headers": {
                "Location": {"description": "The run.", "schema": {"type": "string"}},
            }
        },
        **documented(
            *_ALWAYS,
            Problems.INGEST_UNAVAILABLE,
            Problems.MALFORMED_JSON,
            Problems.BODY_TIMEOUT,
            Problems.BODY_TOO_LARGE,
            Problems.UNSUPPORTED_MEDIA_TYPE,
            Problems.INVALID_REQUEST,
            Problems.UNKNOWN_SOURCE,
            Problems.SOURCE_BUSY,
        ),
    },
)
async def request_ingest(
    service: Service,
    wanted: IngestRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes repeating the request safe: the same key gets the same run.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Response:
    """Ask for a crawl of a source, by name. The request is durable when this answers."""
    redis = _redis(service)
    sources = await _reached(known_sources(redis))
    if not sources:
        raise Problem(Problems.INGEST_UNAVAILABLE)
    if wanted.source not in sources:
        raise Problem(Problems.UNKNOWN_SOURCE)
    try:
        run, new = await _reached(
            request_run(redis, wanted.source, idempotency_key=idempotency_key)
        )
    except SourceBusy as busy:
        raise Problem(
            Problems.SOURCE_BUSY,
            headers={"Location": f"/admin/ingest/{busy.run_id}"},
            run_id=busy.run_id,
        ) from busy
    if new:
        get_logger().info("ingest requested", source=run.source, run=run.run_id)
    return Response(
        RunAccepted(run_id=run.run_id, source=run.source).model_dump_json(),
        status_code=202,
        media_type="application/json",
        headers={"Location": f"/admin/ingest/{run.run_id}"},
    )


@router.get(
    "/ingest",
    operation_id="listRuns",
    summary="The newest runs",
    responses=documented(*_ALWAYS),
)
async def get_runs(service: Service) -> RunList:
    """List the newest 50 runs, newest first."""
    return RunList(runs=await _reached(list_runs(_redis(service))))


@router.get(
    "/ingest/{run_id}",
    operation_id="getRun",
    summary="One run",
    responses=documented(*_ALWAYS, Problems.UNKNOWN_RUN),
)
async def get_one_run(
    service: Service, run_id: Annotated[str, Path(examples=["20250601T120000-1f0c9a4b"])]
) -> Run:
    """Show how far a run has come."""
    run = await _reached(get_run(_redis(service), run_id))
    if run is None:
        raise Problem(Problems.UNKNOWN_RUN)
    return run


def _redis(service: QueryService) -> Client:
    if service.redis is None:
        raise Problem(Problems.REDIS_UNAVAILABLE)
    return service.redis


async def _reached(reply: Awaitable[T]) -> T:
    """A reply of Redis.

    Raises:
        Problem: Redis is away.
    """
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            return await reply
    except UNAVAILABLE as error:
        get_logger().warning("redis is away", error=type(error).__name__)
        raise Problem(Problems.REDIS_UNAVAILABLE) from error
