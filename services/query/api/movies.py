"""Routes of the movies: list them, show one, find similar ones."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.query.api import serialization
from services.query.api.requests import MovieParameters, PageParameters, SimilarParameters
from services.query.api.schemas import (
    MovieDetail,
    MoviePage,
    SimilarResponse,
)
from services.query.api.search import SEARCH_PROBLEMS, json_response, run_job, timed_response
from services.query.api.serialization import JsonObject, SharedEvidence
from services.query.components import Service
from services.query.http.problems import FieldError, Problem, Problems, documented
from services.query.http.routing import StrictRoute
from shared.retrieval.query import SearchPage

router = APIRouter(route_class=StrictRoute, tags=["movies"])

MovieIdPath = Annotated[str, Path(description="The movie's id.", examples=["tt0075148"])]


@router.get(
    "/movies",
    operation_id="listMovies",
    summary="List all movies",
    response_model=MoviePage,
    responses=documented(*SEARCH_PROBLEMS),
)
async def list_movies(service: Service, page: Annotated[PageParameters, Query()]) -> Response:
    """List the movies page by page, in the order of their ids.

    A cursor stays valid when another snapshot is served in the meantime: it names a place in that
    order.
    """
    generation = service.generation()
    after = _read_cursor(page.cursor) if page.cursor is not None else ""
    catalogue = generation.snapshot.catalogue
    result = await run_job(
        service.batcher.run(lambda: catalogue.movies_after(after, page.limit + 1))
    )
    movies = result.value[: page.limit]
    has_more = len(result.value) > page.limit
    return json_response(
        generation,
        {
            "movies": [serialization.movie_body(generation.snapshot, movie) for movie in movies],
            "next_cursor": _cursor(movies[-1].movie_id) if has_more else None,
        },
    )


@router.get(
    "/movies/{movie_id}",
    operation_id="getMovie",
    summary="Get a movie with its reviews",
    response_model=MovieDetail,
    responses=documented(Problems.UNKNOWN_MOVIE, *SEARCH_PROBLEMS),
)
async def get_movie(
    service: Service, movie_id: MovieIdPath, parameters: Annotated[MovieParameters, Query()]
) -> Response:
    """Return a movie and all of its reviews; marked spoilers are `hidden` by default."""
    generation = service.generation()
    catalogue = generation.snapshot.catalogue

    def read() -> JsonObject | None:
        movie = catalogue.movie(movie_id)
        if movie is None:
            return None
        reviews = [
            serialization.review_body(review, spoilers=parameters.spoilers)
            for review in catalogue.reviews_of(movie.row)
        ]
        return {**serialization.movie_body(generation.snapshot, movie), "reviews": reviews}

    result = await run_job(service.batcher.run(read))
    if result.value is None:
        raise Problem(Problems.UNKNOWN_MOVIE)
    return json_response(generation, result.value)


@router.get(
    "/movies/{movie_id}/similar",
    operation_id="similarMovies",
    summary="Find similar movies",
    response_model=SimilarResponse,
    responses=documented(Problems.UNKNOWN_MOVIE, *SEARCH_PROBLEMS),
)
async def similar_movies(
    request: Request,
    service: Service,
    movie_id: MovieIdPath,
    parameters: Annotated[SimilarParameters, Query()],
) -> Response:
    """Rank the other movies by the cosine similarity of their pooled vectors to this movie's.

    Each hit has a reason: the two most similar passages that agree, one of each movie's reviews.
    Movies without reviews have no vector: they are similar to none.
    """
    generation = service.generation()
    searcher = generation.searcher

    def rank() -> tuple[SearchPage, list[SharedEvidence | None]]:
        movie = generation.snapshot.catalogue.movie(movie_id)
        if movie is None:
            raise Problem(Problems.UNKNOWN_MOVIE)
        page = searcher.similar(
            movie_id,
            k=parameters.k,
            evidence=parameters.evidence,
            spoilers=parameters.spoilers,
            diversity=parameters.diversity,
        )
        return page, [
            searcher.shared_evidence(movie, hit.movie, spoilers=parameters.spoilers)
            for hit in page.hits
        ]

    result = await run_job(service.batcher.run(rank))
    page, reasons = result.value
    took_ms = serialization.times_ms(result, request.scope["began"])
    body = serialization.similar_body(generation.snapshot, page, reasons, took_ms)
    return timed_response(generation, body, took_ms)


def _cursor(movie_id: str) -> str:
    return urlsafe_b64encode(movie_id.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        invalid = FieldError(field="cursor", message="Must be a next_cursor of this list")
        raise Problem(Problems.INVALID_REQUEST, errors=[invalid]) from error
