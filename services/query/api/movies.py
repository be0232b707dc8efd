"""Routes of the movies: list them, show one, find similar ones."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.query.api import serialization
from services.query.api.caching import SnapshotRoute
from services.query.api.requests import (
    MovieParameters,
    PageParameters,
    ReviewsParameters,
    SimilarParameters,
)
from services.query.api.schemas import (
    MovieDetail,
    MoviePage,
    MovieReviews,
    SimilarResponse,
)
from services.query.api.search import SEARCH_PROBLEMS, json_response, run_job, timed_response
from services.query.api.serialization import JsonObject, SharedEvidence
from services.query.components import QueryService, Service
from services.query.http.problems import FieldError, Problem, Problems, documented
from services.query.serving.generation import Generation
from shared.retrieval.query import SearchPage, Spoilers
from shared.snapshot.files.catalogue import Catalogue, CatalogueReview

router = APIRouter(route_class=SnapshotRoute, tags=["movies"])

FIRST_REVIEWS = 100
"""Reviews in the answer of a movie; a popular one has thousands."""

MovieIdPath = Annotated[
    str,
    Path(description="The movie's id, or the one that it had before.", examples=["tt0075148"]),
]


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
    """Return a movie and its first reviews; marked spoilers are `hidden` by default."""
    generation = service.generation()
    body = await movie_answer(service, generation, movie_id, spoilers=parameters.spoilers)
    return json_response(generation, body)


@router.get(
    "/movies/{movie_id}/reviews",
    operation_id="listReviews",
    summary="List the reviews of a movie",
    response_model=MovieReviews,
    responses=documented(Problems.UNKNOWN_MOVIE, *SEARCH_PROBLEMS),
)
async def list_reviews(
    service: Service, movie_id: MovieIdPath, parameters: Annotated[ReviewsParameters, Query()]
) -> Response:
    """List a movie's reviews page by page, in the order of their ids.

    A cursor stays valid when another snapshot is served in the meantime, also if its review is
    gone: it names a place in that order.
    """
    generation = service.generation()
    catalogue = generation.snapshot.catalogue
    after = _read_cursor(parameters.cursor) if parameters.cursor is not None else ""

    def read() -> JsonObject:
        movie = catalogue.movie(movie_id)
        if movie is None:
            raise _unknown(catalogue, movie_id)
        found = catalogue.reviews_after(
            movie.row,
            after,
            parameters.limit + 1,
            least_rating=parameters.min_rating,
            most_rating=parameters.max_rating,
        )
        reviews, cursor = _reviews_page(found, parameters.limit, parameters.spoilers)
        return {"reviews": reviews, "next_cursor": cursor}

    result = await run_job(service.batcher.run(read))
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
    body = await similar_answer(service, generation, movie_id, parameters, request.scope["began"])
    return timed_response(generation, body, body["took_ms"])


async def movie_answer(
    service: QueryService,
    generation: Generation,
    movie_id: str,
    *,
    spoilers: Spoilers,
    reviews: int = FIRST_REVIEWS,
) -> JsonObject:
    """Make a ``MovieDetail`` with so many reviews.

    Raises:
        Problem: the id is unknown, the queue was full, or the job waited too long.
    """
    catalogue = generation.snapshot.catalogue

    def read() -> JsonObject:
        movie = catalogue.movie(movie_id)
        if movie is None:
            raise _unknown(catalogue, movie_id)
        shown, cursor = _reviews_page(
            catalogue.reviews_after(movie.row, "", reviews + 1), reviews, spoilers
        )
        return {
            **serialization.movie_body(generation.snapshot, movie),
            "reviews": shown,
            "next_reviews": cursor,
        }

    return (await run_job(service.batcher.run(read))).value


async def similar_answer(
    service: QueryService,
    generation: Generation,
    movie_id: str,
    parameters: SimilarParameters,
    began: float,
) -> JsonObject:
    """Make a ``SimilarResponse``.

    Raises:
        Problem: the id is unknown, the queue was full, or the job waited too long.
    """
    searcher = generation.searcher

    def rank() -> tuple[SearchPage, list[SharedEvidence | None]]:
        movie = generation.snapshot.catalogue.movie(movie_id)
        if movie is None:
            raise _unknown(generation.snapshot.catalogue, movie_id)
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
    took_ms = serialization.times_ms(result, began)
    return serialization.similar_body(generation.snapshot, page, reasons, took_ms)


def _reviews_page(
    found: Sequence[CatalogueReview], limit: int, spoilers: Spoilers
) -> tuple[list[JsonObject], str | None]:
    """The first ``limit`` of the reviews, and the cursor of the next page if there are more."""
    shown = found[:limit]
    cursor = _cursor(shown[-1].review_id) if len(found) > limit else None
    return [serialization.review_body(review, spoilers=spoilers) for review in shown], cursor


def _unknown(catalogue: Catalogue, movie_id: str) -> Problem:
    """The answer for an unknown id; it names the movies that had it before, if they are several."""
    named = catalogue.named_since(movie_id)
    if len(named) < 2:
        return Problem(Problems.UNKNOWN_MOVIE)
    detail = f"Movies of several sources had this id before: {', '.join(named)}."
    return Problem(Problems.UNKNOWN_MOVIE, detail)


def _cursor(movie_id: str) -> str:
    return urlsafe_b64encode(movie_id.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        invalid = FieldError(field="cursor", message="Must be a next_cursor of this list")
        raise Problem(Problems.INVALID_REQUEST, errors=[invalid]) from error
