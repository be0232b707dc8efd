"""Administration: asking ingest for a crawl, following it, ending it. Needs the Bearer token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query, Response

from services.query.api.admin.admin_route import (
    WITH_BODY,
    WITH_REDIS,
    admin_router,
    reached,
    redis_of,
)
from services.query.api.admin.admin_schemas import (
    IngestRequest,
    RunAccepted,
    RunList,
    RunsParameters,
    SourceInfo,
    SourceList,
)
from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
from shared.runs.registry import (
    Run,
    SourceBusy,
    advance,
    get_run,
    known_sources,
    list_runs,
    newest_runs,
    request_run,
)
from shared.telemetry import get_logger

CANCELLED = "an operator cancelled it"

router = admin_router()

RunIdPath = Annotated[str, Path(description="The run's id.", examples=["20250601T120000-1f0c9a4b"])]


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
            *WITH_REDIS,
            *WITH_BODY,
            Problems.INGEST_UNAVAILABLE,
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
    redis = redis_of(service)
    sources = await reached(known_sources(redis))
    if not sources:
        raise Problem(Problems.INGEST_UNAVAILABLE)
    if wanted.source not in sources:
        raise Problem(Problems.UNKNOWN_SOURCE)
    try:
        run, new = await reached(
            request_run(
                redis,
                wanted.source,
                idempotency_key=idempotency_key,
                allow_removals=wanted.allow_removals,
            )
        )
    except SourceBusy as busy:
        raise Problem(
            Problems.SOURCE_BUSY,
            headers={"Location": f"/admin/ingest/{busy.run_id}"},
            run_id=busy.run_id,
        ) from busy
    if new:
        get_logger().info(
            "ingest requested",
            source=run.source,
            run=run.run_id,
            allow_removals=run.allow_removals,
        )
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
    responses=documented(*WITH_REDIS, Problems.INVALID_REQUEST),
)
async def get_runs(service: Service, wanted: Annotated[RunsParameters, Query()]) -> RunList:
    """List the newest runs, newest first; of all sources, or of one."""
    found = list_runs(redis_of(service), limit=wanted.limit, source=wanted.source)
    return RunList(runs=await reached(found))


@router.get(
    "/ingest/{run_id}",
    operation_id="getRun",
    summary="One run",
    responses=documented(*WITH_REDIS, Problems.UNKNOWN_RUN),
)
async def get_one_run(service: Service, run_id: RunIdPath) -> Run:
    """Show how far a run has come."""
    run = await reached(get_run(redis_of(service), run_id))
    if run is None:
        raise Problem(Problems.UNKNOWN_RUN)
    return run


@router.delete(
    "/ingest/{run_id}",
    operation_id="cancelRun",
    summary="Cancel a run",
    responses=documented(*WITH_REDIS, Problems.UNKNOWN_RUN, Problems.RUN_ENDED),
)
async def cancel_run(service: Service, run_id: RunIdPath) -> Run:
    """End a run before its time.

    Its crawl is stopped within seconds. What has been stored by then stays; nothing is removed.
    """
    redis = redis_of(service)
    run = await reached(get_run(redis, run_id))
    if run is None:
        raise Problem(Problems.UNKNOWN_RUN)
    cancelled = await reached(advance(redis, run, "cancelled", error=CANCELLED))
    run = await reached(get_run(redis, run_id)) or run
    if not cancelled:
        raise Problem(
            Problems.RUN_ENDED, f"The run has already ended: it is {run.state}.", run_id=run.run_id
        )
    get_logger().info("run cancelled", source=run.source, run=run.run_id)
    return run


@router.get(
    "/sources",
    operation_id="listSources",
    summary="What can be crawled",
    responses=documented(*WITH_REDIS),
)
async def list_sources(service: Service) -> SourceList:
    """List the sources by name, each with its newest run."""
    redis = redis_of(service)
    names = sorted(await reached(known_sources(redis)))
    newest = await reached(newest_runs(redis, names))
    return SourceList(
        sources=[SourceInfo(source=name, last_run=newest.get(name)) for name in names]
    )
