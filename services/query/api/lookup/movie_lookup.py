"""``POST /movies/lookup``: the movies of a list that was kept elsewhere, such as an export."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from services.query.api import serialization
from services.query.api.caching import SnapshotRoute
from services.query.api.examples import MOVIE
from services.query.api.request_parts import RequestBody, Year
from services.query.api.schemas import Movie
from services.query.api.search import SEARCH_PROBLEMS, json_response, run_job
from services.query.api.serialization import JsonObject
from services.query.components import Service
from services.query.http.field_errors import field_error
from services.query.http.problems import BODY_PROBLEMS, documented
from services.query.serving.generation import Generation
from shared.record import MAX_TITLE_CHARS, MovieId
from shared.snapshot.files.catalogue import CatalogueMovie

MAX_WANTED = 200

_REQUEST: JsonDict = {
    "movies": [{"id": "tt0075148"}, {"title": "Rocky", "year": 1976}, {"title": "No Such Movie"}]
}
_RESPONSE: JsonDict = {"movies": [MOVIE, MOVIE, None]}

router = APIRouter(route_class=SnapshotRoute, tags=["movies"])


class KnownMovie(RequestBody):
    """What is known of a movie: its id, or its title, if possible with the year."""

    id: Annotated[
        MovieId | None, Field(description="Its id, or the one that it had before; asked first.")
    ] = None
    title: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_TITLE_CHARS,
            description="The whole title, in any case and with or without accents, punctuation "
            "and a leading article.",
        ),
    ] = None
    year: Annotated[
        Year | None,
        Field(
            description="At most one year off, as sources differ. Without a year, a title names a "
            "movie only if no other movie has it."
        ),
    ] = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.id is None and self.title is None:
            raise field_error("title", "Required unless id is given")
        return self


class LookupRequest(RequestBody):
    """Movies to find."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REQUEST]})

    movies: Annotated[list[KnownMovie], Field(min_length=1, max_length=MAX_WANTED)]


class LookupResponse(BaseModel):
    """The movies that were found."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RESPONSE]})

    movies: Annotated[
        list[Movie | None],
        Field(description="For each movie of the request, in its order; null: not found."),
    ]


@router.post(
    "/movies/lookup",
    operation_id="lookUpMovies",
    summary="Look up movies by id or title",
    response_model=LookupResponse,
    responses=documented(*BODY_PROBLEMS, *SEARCH_PROBLEMS),
)
async def post_lookup(_: Request, service: Service, wanted: LookupRequest) -> Response:
    """Find up to 200 movies, each by its id, or else by its title and year."""
    generation = service.generation()

    def read() -> JsonObject:
        found = [_find(generation, known) for known in wanted.movies]
        bodies = [
            None if movie is None else serialization.movie_body(generation.snapshot, movie)
            for movie in found
        ]
        return {"movies": bodies}

    result = await run_job(service.batcher.run(read))
    return json_response(generation, result.value)


def _find(generation: Generation, known: KnownMovie) -> CatalogueMovie | None:
    catalogue = generation.snapshot.catalogue
    movie = catalogue.movie(known.id) if known.id is not None else None
    if movie is None and known.title is not None:
        rows = generation.searcher.titles.whole(known.title, known.year)
        movie = next(iter(catalogue.movies(rows[:1])), None)
    return movie
