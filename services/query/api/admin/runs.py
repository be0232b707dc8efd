"""Admin routes of runs and sources: request a crawl, follow it, cancel it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query, Response

from services.query.api.admin.admin_route import (
    REDIS_PROBLEMS,
    admin_router,
    redis_of,
    redis_reply,
)
from services.query.api.admin.admin_schemas import (
    IngestRequest,
    RunAccepted,
    RunList,
    RunsParameters,
    SourceInfo,
    SourceList,
    UnreadList,
)
from services.query.components import Service
from services.query.http.problems import BODY_PROBLEMS, Problem, Problems, documented
from shared.runs.registry import (
    Run,
    SourceBusy,
    advance,
    get_run,
    known_sources,
    list_runs,
    newest_runs,
    orphaned_sources,
    request_run,
)
from shared.runs.unread_list import list_examples
from shared.telemetry import get_logger

CANCELLED = "cancelled by an operator"

router = admin_router()

RunIdPath = Annotated[str, Path(description="The run's id.", examples=["20250601T120000-1f0c9a4b"])]


@router.post(
    "/ingest",
    operation_id="requestIngest",
    summary="Request a crawl",
    status_code=202,
    response_model=RunAccepted,
    responses={
        202: {
            "headers": {
                "Location": {"description": "URL of the run.", "schema": {"type": "string"}},
            }
        },
        **documented(
            *REDIS_PROBLEMS,
            *BODY_PROBLEMS,
            Problems.INGEST_UNAVAILABLE,
            Problems.UNKNOWN_SOURCE,
            Problems.SOURCE_BUSY,
        ),
    },
)
async def request_ingest(
    service: Service,
    ingest: IngestRequest,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes a repeated request safe: the same key returns the same run.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Response:
    """Request a crawl of a configured source. The request is durable once this returns."""
    redis = redis_of(service)
    sources = await redis_reply(known_sources(redis))
    if not sources:
        raise Problem(Problems.INGEST_UNAVAILABLE)
    if ingest.source not in sources:
        raise Problem(Problems.UNKNOWN_SOURCE)
    try:
        run, new = await redis_reply(
            request_run(
                redis,
                ingest.source,
                idempotency_key=idempotency_key,
                allow_removals=ingest.allow_removals,
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
    summary="List runs",
    responses=documented(*REDIS_PROBLEMS, Problems.INVALID_REQUEST),
)
async def get_runs(service: Service, parameters: Annotated[RunsParameters, Query()]) -> RunList:
    """List the newest runs of all sources or of one source, newest first."""
    runs = list_runs(redis_of(service), limit=parameters.limit, source=parameters.source)
    return RunList(runs=await redis_reply(runs))


@router.get(
    "/ingest/{run_id}",
    operation_id="getRun",
    summary="Get a run",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_RUN),
)
async def get_one_run(service: Service, run_id: RunIdPath) -> Run:
    """Return the state and the counts of a run."""
    run = await redis_reply(get_run(redis_of(service), run_id))
    if run is None:
        raise Problem(Problems.UNKNOWN_RUN)
    return run


@router.get(
    "/ingest/{run_id}/unread",
    operation_id="listUnread",
    summary="List what a run could not read",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_RUN),
)
async def list_unread(service: Service, run_id: RunIdPath) -> UnreadList:
    """Return the first values, rows and pages that a run could not read, with the reasons."""
    redis = redis_of(service)
    if await redis_reply(get_run(redis, run_id)) is None:
        raise Problem(Problems.UNKNOWN_RUN)
    return UnreadList(unread=await redis_reply(list_examples(redis, run_id)))


@router.delete(
    "/ingest/{run_id}",
    operation_id="cancelRun",
    summary="Cancel a run",
    responses=documented(*REDIS_PROBLEMS, Problems.UNKNOWN_RUN, Problems.RUN_ENDED),
)
async def cancel_run(service: Service, run_id: RunIdPath) -> Run:
    """Cancel a run that has not ended.

    Its crawl stops within seconds. Reviews that have been stored stay; nothing is removed.
    """
    redis = redis_of(service)
    run = await redis_reply(get_run(redis, run_id))
    if run is None:
        raise Problem(Problems.UNKNOWN_RUN)
    cancelled = await redis_reply(advance(redis, run, "cancelled", error=CANCELLED))
    run = await redis_reply(get_run(redis, run_id)) or run
    if not cancelled:
        raise Problem(
            Problems.RUN_ENDED,
            f"The run has already ended: its state is {run.state}.",
            run_id=run.run_id,
        )
    get_logger().info("run cancelled", source=run.source, run=run.run_id)
    return run


@router.get(
    "/sources",
    operation_id="listSources",
    summary="List sources",
    responses=documented(*REDIS_PROBLEMS),
)
async def list_sources(service: Service) -> SourceList:
    """List the configured sources by name, each with its newest run, and orphaned ones."""
    redis = redis_of(service)
    names = sorted(await redis_reply(known_sources(redis)))
    newest = await redis_reply(newest_runs(redis, names))
    return SourceList(
        sources=[SourceInfo(source=name, last_run=newest.get(name)) for name in names],
        orphaned=sorted(await redis_reply(orphaned_sources(redis))),
    )
