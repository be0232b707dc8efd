"""Searching: ``POST /search`` for programs, ``GET /search`` for links, and batches of searches.

Besides, what helps to search: titles by their beginnings, and what there is to filter by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.query.api import serialization
from services.query.api.requests import (
    BatchRequest,
    SearchParameters,
    SearchRequest,
    SuggestParameters,
)
from services.query.api.schemas import (
    BatchResponse,
    Facets,
    SearchResponse,
    Suggestion,
    Suggestions,
)
from services.query.api.serialization import Body
from services.query.components import QueryService, Service
from services.query.http.body_route import BodyRoute
from services.query.http.problems import FieldError, Problem, Problems, documented
from services.query.serving.batching import Closed, Job, Overloaded, QueueTimeout
from services.query.serving.generation import Generation
from shared.encoder import Vectors
from shared.retrieval.searcher import SearchPage, UnknownMovie
from shared.snapshot.files.catalogue import CatalogueMovie

router = APIRouter(route_class=BodyRoute, tags=["search"])

T = TypeVar("T")

TURN = (
    Problems.MALFORMED_QUERY_STRING,
    Problems.INVALID_REQUEST,
    Problems.NOT_READY,
    Problems.OVERLOADED,
    Problems.SEARCH_TIMEOUT,
)
_BODY = (
    Problems.MALFORMED_JSON,
    Problems.BODY_TIMEOUT,
    Problems.BODY_TOO_LARGE,
    Problems.UNSUPPORTED_MEDIA_TYPE,
)


@router.post(
    "/search",
    operation_id="search",
    summary="Find movies by what you feel like watching",
    response_model=SearchResponse,
    responses=documented(*_BODY, *TURN),
)
async def post_search(request: Request, service: Service, wanted: SearchRequest) -> Response:
    """Rank the movies by what their viewers say, with the passages that say it."""
    return await _search(request, service, wanted)


@router.get(
    "/search",
    operation_id="searchByLink",
    summary="The same, as a link",
    response_model=SearchResponse,
    responses=documented(*TURN),
)
async def get_search(
    request: Request, service: Service, wanted: Annotated[SearchParameters, Query()]
) -> Response:
    """Rank the movies by what their viewers say, with the passages that say it."""
    return await _search(request, service, wanted.request())


@router.post(
    "/search/batch",
    operation_id="searchBatch",
    summary="Several searches at once",
    response_model=BatchResponse,
    responses=documented(*_BODY, *TURN),
)
async def post_batch(request: Request, service: Service, wanted: BatchRequest) -> Response:
    """Answer up to 64 searches, all of them from one snapshot, or none.

    Each takes a place in the queue of searches, as if it had been sent alone.
    """
    generation = service.generation()
    works = [
        _work(generation, search, f"searches.{n}.") for n, search in enumerate(wanted.searches)
    ]
    done = await run_job(service.batcher.encode_all(generation.encoder, works))

    def answer() -> Response:
        began = request.scope["began"]
        results = [
            serialization.search_answer(
                generation.snapshot,
                one.value,
                serialization.took(one, began),
                explain=search.explain,
            )
            for one, search in zip(done, wanted.searches, strict=True)
        ]
        times = [result["took_ms"] for result in results]
        took = {
            "encode": max(own["encode"] for own in times),
            "search": round(sum(own["search"] for own in times), 3),
            "total": max(own["total"] for own in times),
        }
        return timed_response(generation, {"results": results}, took)

    # Thousands of hits may have to be written, and the event loop is everybody's.
    return await asyncio.to_thread(answer)


@router.get(
    "/suggest",
    operation_id="suggest",
    summary="Titles by their beginnings",
    response_model=Suggestions,
    responses=documented(*TURN),
)
async def suggest(service: Service, wanted: Annotated[SuggestParameters, Query()]) -> Response:
    """Complete a title, or a word in one."""
    generation = service.generation()

    def read() -> list[CatalogueMovie]:
        rows = generation.searcher.titles.suggest(wanted.q, wanted.limit)
        return generation.snapshot.catalogue.movies(rows)

    done = await run_job(service.batcher.run(read))
    found = [
        Suggestion.model_construct(
            movie_id=movie.movie_id, title=movie.title or movie.movie_id, year=movie.year
        )
        for movie in done.value
    ]
    return json_response(generation, Suggestions.model_construct(suggestions=found))


@router.get(
    "/facets",
    operation_id="getFacets",
    summary="What there is to filter by",
    response_model=Facets,
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def get_facets(service: Service) -> Response:
    """Count the movies of each genre, and say from when to when the years and ratings are."""
    generation = service.generation()
    return json_response(generation, Facets.of(generation.searcher.facts))


async def _search(request: Request, service: QueryService, wanted: SearchRequest) -> Response:
    generation = service.generation()
    work = _work(generation, wanted)
    done = await run_job(service.batcher.encode(generation.encoder, work.texts, work.finish))
    took = serialization.took(done, request.scope["began"])
    body = serialization.search_answer(
        generation.snapshot, done.value, took, explain=wanted.explain
    )
    return timed_response(generation, body, took)


def _work(generation: Generation, wanted: SearchRequest, where: str = "") -> Job[SearchPage]:
    """A search as work.

    Args:
        generation: To be searched.
        wanted: The search.
        where: Begins the names of its fields in what is said of them.
    """

    def finish(vectors: Vectors) -> SearchPage:
        try:
            return generation.searcher.search(wanted.search(vectors))
        except UnknownMovie as unknown:
            name = "like" if unknown.movie_id in wanted.like else "unlike"
            place = getattr(wanted, name).index(unknown.movie_id)
            told = FieldError(
                field=f"{where}{name}.{place}", message="The index does not have this film"
            )
            raise Problem(Problems.INVALID_REQUEST, errors=[told]) from unknown

    return Job(wanted.texts(), finish)


async def run_job(job: Awaitable[T]) -> T:
    """Wait for the work thread.

    Raises:
        Problem: it was refused or came too late.
    """
    try:
        return await job
    except (Overloaded, Closed) as error:
        raise Problem(Problems.OVERLOADED) from error
    except QueueTimeout as error:
        raise Problem(Problems.SEARCH_TIMEOUT) from error


def json_response(generation: Generation, answer: BaseModel | Body) -> Response:
    """An answer from one generation; what is not set in a model is left out."""
    return Response(
        answer.model_dump_json(exclude_unset=True)
        if isinstance(answer, BaseModel)
        else orjson.dumps(answer),
        media_type="application/json",
        headers={"X-Snapshot-ID": generation.snapshot_id},
    )


def timed_response(generation: Generation, answer: Body, took: Body) -> Response:
    """``json_response``, with the times as a header that browsers show."""
    response = json_response(generation, answer)
    response.headers["Server-Timing"] = (
        f"encode;dur={took['encode']}, search;dur={took['search']}, total;dur={took['total']}"
    )
    return response
