"""The movies of the snapshot being served, and what is like them."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.query.api import serialization
from services.query.api.requests import PageParameters, SimilarParameters
from services.query.api.schemas import (
    Movie,
    MovieDetail,
    MoviePage,
    Review,
    SimilarResponse,
)
from services.query.api.search import TURN, json_response, run_job, timed_response
from services.query.api.serialization import Reason
from services.query.components import Service
from services.query.http.problems import FieldError, Problem, Problems, documented
from services.query.http.strict_route import StrictRoute
from shared.retrieval.query import SearchPage

router = APIRouter(route_class=StrictRoute, tags=["movies"])

MovieIdPath = Annotated[str, Path(description="The movie's id.", examples=["tt0075148"])]


@router.get(
    "/movies",
    operation_id="listMovies",
    summary="All movies, page by page",
    response_model=MoviePage,
    responses=documented(*TURN),
)
async def list_movies(service: Service, page: Annotated[PageParameters, Query()]) -> Response:
    """List the movies in the order of their ids.

    A cursor names a place in that order, so it stays good when another snapshot is
    served meanwhile.
    """
    generation = service.generation()
    after = _read_cursor(page.cursor) if page.cursor is not None else ""
    catalogue = generation.snapshot.catalogue
    done = await run_job(service.batcher.run(lambda: catalogue.movies_after(after, page.limit + 1)))
    movies = done.value[: page.limit]
    more = len(done.value) > page.limit
    return json_response(
        generation,
        MoviePage(
            movies=[Movie.of(movie, generation.snapshot) for movie in movies],
            next_cursor=_cursor(movies[-1].movie_id) if more else None,
        ),
    )


@router.get(
    "/movies/{movie_id}",
    operation_id="getMovie",
    summary="One movie with its reviews",
    response_model=MovieDetail,
    responses=documented(
        Problems.UNKNOWN_MOVIE, *(kind for kind in TURN if kind is not Problems.INVALID_REQUEST)
    ),
)
async def get_movie(service: Service, movie_id: MovieIdPath) -> Response:
    """Show a movie and what its viewers wrote."""
    generation = service.generation()
    catalogue = generation.snapshot.catalogue

    def read() -> MovieDetail | None:
        movie = catalogue.movie(movie_id)
        if movie is None:
            return None
        reviews = [Review.of(review) for review in catalogue.reviews_of(movie.row)]
        facts = dict(Movie.of(movie, generation.snapshot))
        return MovieDetail.model_construct(**facts, reviews=reviews)

    done = await run_job(service.batcher.run(read))
    if done.value is None:
        raise Problem(Problems.UNKNOWN_MOVIE)
    return json_response(generation, done.value)


@router.get(
    "/movies/{movie_id}/similar",
    operation_id="similarMovies",
    summary="Movies whose viewers say alike",
    response_model=SimilarResponse,
    responses=documented(Problems.UNKNOWN_MOVIE, *TURN),
)
async def similar_movies(
    request: Request,
    service: Service,
    movie_id: MovieIdPath,
    wanted: Annotated[SimilarParameters, Query()],
) -> Response:
    """Rank the other movies by the cosine of their vectors with this movie's, and say why."""
    generation = service.generation()
    searcher = generation.searcher

    def rank() -> tuple[SearchPage, list[Reason | None]]:
        movie = generation.snapshot.catalogue.movie(movie_id)
        if movie is None:
            raise Problem(Problems.UNKNOWN_MOVIE)
        found = searcher.similar(
            movie_id, k=wanted.k, evidence=wanted.evidence, diversity=wanted.diversity
        )
        return found, [searcher.shared_evidence(movie, hit.movie) for hit in found.hits]

    done = await run_job(service.batcher.run(rank))
    found, reasons = done.value
    took = serialization.took(done, request.scope["began"])
    body = serialization.similar_answer(generation.snapshot, found, reasons, took)
    return timed_response(generation, body, took)


def _cursor(movie_id: str) -> str:
    return urlsafe_b64encode(movie_id.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        told = FieldError(field="cursor", message="Not a next_cursor of this list")
        raise Problem(Problems.INVALID_REQUEST, errors=[told]) from error
