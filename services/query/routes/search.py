"""Searching: ``POST /search`` for programs, ``GET /search`` for links."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request, Response

from services.query.batching import Closed, Done, Late, Overloaded
from services.query.generation import Generation
from services.query.problems import Problem, Problems, documented
from services.query.schemas import (
    Hit,
    SearchParameters,
    SearchRequest,
    SearchResponse,
    Took,
)
from services.query.searcher import Answer, Search, search
from services.query.service import QueryService, Service
from services.query.strict_route import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["search"])

T = TypeVar("T")


@router.post(
    "/search",
    operation_id="search",
    summary="Find movies by what you feel like watching",
    response_model=SearchResponse,
    responses=documented(
        Problems.MALFORMED_JSON,
        Problems.MALFORMED_QUERY_STRING,
        Problems.BODY_TIMEOUT,
        Problems.BODY_TOO_LARGE,
        Problems.UNSUPPORTED_MEDIA_TYPE,
        Problems.INVALID_REQUEST,
        Problems.NOT_READY,
        Problems.OVERLOADED,
        Problems.SEARCH_TIMEOUT,
    ),
)
async def post_search(request: Request, service: Service, wanted: SearchRequest) -> Response:
    """Rank the movies by what their viewers say, with the passages that say it."""
    return await _search(
        request, service, wanted.query, Search(wanted.k, wanted.offset, wanted.evidence)
    )


@router.get(
    "/search",
    operation_id="searchByLink",
    summary="The same, as a link",
    response_model=SearchResponse,
    responses=documented(
        Problems.MALFORMED_QUERY_STRING,
        Problems.INVALID_REQUEST,
        Problems.NOT_READY,
        Problems.OVERLOADED,
        Problems.SEARCH_TIMEOUT,
    ),
)
async def get_search(
    request: Request, service: Service, wanted: Annotated[SearchParameters, Query()]
) -> Response:
    """Rank the movies by what their viewers say, with the passages that say it."""
    return await _search(
        request, service, wanted.q, Search(wanted.k, wanted.offset, wanted.evidence)
    )


async def _search(request: Request, service: QueryService, text: str, wanted: Search) -> Response:
    generation = service.generation()
    done = await turn(
        service.batcher.encode(
            generation.encoder, text, lambda vector: search(generation.snapshot, vector, wanted)
        )
    )
    return ranked(request, generation, done)


async def turn(job: Awaitable[Done[T]]) -> Done[T]:
    """Wait for a job of the work thread.

    Raises:
        Problem: it was refused or came too late.
    """
    try:
        return await job
    except (Overloaded, Closed) as error:
        raise Problem(Problems.OVERLOADED) from error
    except Late as error:
        raise Problem(Problems.SEARCH_TIMEOUT) from error


def ranked(request: Request, generation: Generation, done: Done[Answer]) -> Response:
    """The response to a search: one page of a ranking."""
    took = Took.model_construct(
        encode=round(done.encode_ms, 3),
        search=round(done.finish_ms, 3),
        total=round((time.perf_counter() - request.scope["began"]) * 1000, 3),
    )
    response = SearchResponse.model_construct(
        snapshot_id=generation.snapshot_id,
        matched=done.value.matched,
        took_ms=took,
        hits=[Hit.of(hit) for hit in done.value.hits],
    )
    return Response(
        response.model_dump_json(),
        media_type="application/json",
        headers={
            "Server-Timing": f"encode;dur={took.encode}, search;dur={took.search}, "
            f"total;dur={took.total}",
            "X-Snapshot-ID": generation.snapshot_id,
        },
    )
