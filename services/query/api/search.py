"""Routes of searches: ``POST /search``, ``GET /search`` for links, and batches of searches.

Also two routes that help to write a search: suggestions of titles, and the values to filter by.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.query.api import serialization
from services.query.api.caching import SnapshotRoute
from services.query.api.requests import (
    BatchRequest,
    SearchParameters,
    SearchRequest,
    SuggestParameters,
)
from services.query.api.schemas import (
    BatchResponse,
    Facets,
    NameSuggestion,
    SearchResponse,
    Suggestion,
    Suggestions,
)
from services.query.api.serialization import JsonObject
from services.query.components import QueryService, Service
from services.query.http.problems import (
    BODY_PROBLEMS,
    FieldError,
    Problem,
    Problems,
    documented,
)
from services.query.serving.batching import Closed, Overloaded, QueueTimeout
from services.query.serving.computing import Job
from services.query.serving.generation import Generation
from shared.encoder import Vectors
from shared.retrieval.searcher import SearchPage, UnknownMovie
from shared.retrieval.suggestions import SuggestedName
from shared.snapshot.files.catalogue import CatalogueMovie
from shared.snapshot.storage.poster_files import path_of

router = APIRouter(route_class=SnapshotRoute, tags=["search"])

T = TypeVar("T")

SEARCH_PROBLEMS = (
    Problems.MALFORMED_QUERY_STRING,
    Problems.INVALID_REQUEST,
    Problems.NOT_READY,
    Problems.OVERLOADED,
    Problems.SEARCH_TIMEOUT,
)
"""How an operation can fail that runs a job on the work thread."""


@router.post(
    "/search",
    operation_id="search",
    summary="Search movies",
    response_model=SearchResponse,
    responses=documented(*BODY_PROBLEMS, *SEARCH_PROBLEMS),
)
async def post_search(request: Request, service: Service, search: SearchRequest) -> Response:
    """Rank the movies by their reviews; each hit has the passages that match the query."""
    return await _search(request, service, search)


@router.get(
    "/search",
    operation_id="searchByLink",
    summary="Search movies by a link",
    response_model=SearchResponse,
    responses=documented(*SEARCH_PROBLEMS),
)
async def get_search(
    request: Request, service: Service, parameters: Annotated[SearchParameters, Query()]
) -> Response:
    """Rank the movies by their reviews, as `POST /search` does, with the query in the URL."""
    return await _search(request, service, parameters.request())


@router.post(
    "/search/batch",
    operation_id="searchBatch",
    summary="Run several searches",
    response_model=BatchResponse,
    responses=documented(*BODY_PROBLEMS, *SEARCH_PROBLEMS),
)
async def post_batch(request: Request, service: Service, batch: BatchRequest) -> Response:
    """Answer up to 64 searches from one snapshot; if one of them fails, none is answered.

    Each search takes one place in the queue, as if it had been sent alone, and counts as one for
    the rate of its client.
    """
    service.admission.charge(request.scope, len(batch.searches) - 1)
    generation = service.generation()
    jobs = [
        _batch_job(generation, search, f"searches.{n}.") for n, search in enumerate(batch.searches)
    ]
    results = await run_job(service.batcher.encode_all(generation.encoder, jobs))
    times_ms = [serialization.times_ms(result, request.scope["began"]) for result in results]
    bodies = [
        {**result.value, "took_ms": took_ms}
        for result, took_ms in zip(results, times_ms, strict=True)
    ]
    took_ms = {
        "encode": max(each["encode"] for each in times_ms),
        "search": round(sum(each["search"] for each in times_ms), 3),
        "total": max(each["total"] for each in times_ms),
    }
    return timed_response(generation, {"results": bodies}, took_ms)


@router.get(
    "/suggest",
    operation_id="suggest",
    summary="Suggest titles and names",
    response_model=Suggestions,
    responses=documented(*SEARCH_PROBLEMS),
)
async def suggest(service: Service, parameters: Annotated[SuggestParameters, Query()]) -> Response:
    """Complete a title, a person's name or a genre, from any of its words; slips are forgiven."""
    generation = service.generation()
    searcher = generation.searcher

    def read() -> tuple[list[CatalogueMovie], list[SuggestedName]]:
        rows = searcher.titles.suggest(parameters.q, parameters.limit)
        names = searcher.names.suggest(parameters.q, parameters.names)
        return generation.snapshot.catalogue.movies(rows), names

    result = await run_job(service.batcher.run(read))
    movies, names = result.value
    suggestions = [
        Suggestion.model_construct(
            movie_id=movie.movie_id,
            title=movie.title or movie.movie_id,
            year=movie.year,
            poster=path_of(movie.poster),
        )
        for movie in movies
    ]
    named = [NameSuggestion.model_construct(**name._asdict()) for name in names]
    return json_response(
        generation, Suggestions.model_construct(suggestions=suggestions, names=named)
    )


@router.get(
    "/facets",
    operation_id="getFacets",
    summary="Get the values to filter by",
    response_model=Facets,
    responses=documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_READY),
)
async def get_facets(service: Service) -> Response:
    """Return the number of movies of each genre, and the ranges of the years and ratings."""
    generation = service.generation()
    return json_response(generation, Facets.of(generation.searcher.facts))


async def _search(request: Request, service: QueryService, search: SearchRequest) -> Response:
    generation = service.generation()
    body = await search_answer(service, generation, search, request.scope["began"])
    return timed_response(generation, body, body["took_ms"])


async def search_answer(
    service: QueryService, generation: Generation, search: SearchRequest, began: float
) -> JsonObject:
    """Run a search, and make its ``SearchResponse``.

    Args:
        service: The service, whose queue it waits in.
        generation: The generation to search.
        search: The validated search.
        began: When the request arrived, in seconds of ``time.perf_counter``.

    Raises:
        Problem: an id is unknown, the queue was full, or the job waited too long.
    """
    job = _search_job(generation, search)
    result = await run_job(service.batcher.submit(generation.encoder, job))
    took_ms = serialization.times_ms(result, began)
    return serialization.search_body(
        generation.snapshot, result.value, took_ms, explain=search.explain
    )


def _batch_job(generation: Generation, search: SearchRequest, field_prefix: str) -> Job[JsonObject]:
    """Make the job of a search of a batch, whose hits are serialized on the work thread.

    The hits of a whole batch would take much memory as objects.
    """
    job = _search_job(generation, search, field_prefix)

    def finish(vectors: Vectors) -> JsonObject:
        page = job.finish(vectors)
        body = serialization.search_body(generation.snapshot, page, {}, explain=search.explain)
        return {**body, "hits": orjson.Fragment(orjson.dumps(body["hits"]))}

    return Job((), finish, job.prepare)


def _search_job(
    generation: Generation, search: SearchRequest, field_prefix: str = ""
) -> Job[SearchPage]:
    """Make the job of a search. Its text is understood on the work thread, because it takes long.

    Args:
        generation: The generation to search.
        search: The validated search request.
        field_prefix: Prefix of the field names in errors, such as ``searches.1.``.
    """
    query = search.to_query()

    def prepare() -> Sequence[str]:
        nonlocal query
        if search.interpret:
            query = generation.searcher.interpreted(query)
        return query.texts()

    def finish(vectors: Vectors) -> SearchPage:
        try:
            return generation.searcher.search(query.with_vectors(vectors))
        except UnknownMovie as unknown:
            name = next(
                name
                for name in ("like", "unlike", "titles")
                if unknown.movie_id in (getattr(search, name) or ())
            )
            place = getattr(search, name).index(unknown.movie_id)
            invalid = FieldError(field=f"{field_prefix}{name}.{place}", message="Unknown movie id")
            raise Problem(Problems.INVALID_REQUEST, errors=[invalid]) from unknown

    return Job((), finish, prepare)


async def run_job(job: Awaitable[T]) -> T:
    """Wait for the result of a job.

    Raises:
        Problem: the queue was full, the job waited too long, or the service is shutting down.
    """
    try:
        return await job
    except (Overloaded, Closed) as error:
        raise Problem(Problems.OVERLOADED) from error
    except QueueTimeout as error:
        raise Problem(Problems.SEARCH_TIMEOUT) from error


def json_response(generation: Generation, body: BaseModel | JsonObject) -> Response:
    """Make a response from one generation; unset fields of a model are left out."""
    return Response(
        body.model_dump_json(exclude_unset=True)
        if isinstance(body, BaseModel)
        else orjson.dumps(body),
        media_type="application/json",
        headers={"X-Snapshot-ID": generation.snapshot_id},
    )


def timed_response(generation: Generation, body: JsonObject, took_ms: JsonObject) -> Response:
    """Make a ``json_response`` with a Server-Timing header, which browsers show."""
    response = json_response(generation, body)
    response.headers["Server-Timing"] = (
        f"encode;dur={took_ms['encode']}, search;dur={took_ms['search']}, "
        f"total;dur={took_ms['total']}"
    )
    return response
