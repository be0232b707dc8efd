"""The tools: what a model may ask, answered by the same queue and searcher as the HTTP API."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from services.query.api.movies import movie_answer, similar_answer
from services.query.api.requests import SimilarParameters
from services.query.api.schemas import Facets
from services.query.api.search import search_answer
from services.query.api.serialization import JsonObject
from services.query.assistants.tool_schemas import (
    FoundMovie,
    GetMovieArguments,
    MoviesFound,
    NoArguments,
    Quote,
    SearchMoviesArguments,
    SimilarMoviesArguments,
    ToolCatalogue,
    ToolMovie,
    ViewerReview,
)
from services.query.components import QueryService
from services.query.http.problems import Problem

_MOST_REVIEW_CHARS = 1200


class ToolFailure(Exception):
    """A tool has no result; the message says why, and what to change."""


@dataclass(frozen=True, slots=True)
class ToolKind:
    """One tool: its description, and the models of its arguments and its result."""

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    result: type[BaseModel]


KINDS = (
    ToolKind(
        "search_movies", "Search movies",
        "Find movies by what viewers say about them. Give the person's wish in their own words. "
        "Each movie has `fit` (0 to 1, the share of such results that a person would accept: below "
        "0.3 say that nothing fits well) and `evidence`, passages to quote.",
        SearchMoviesArguments, MoviesFound,
    ),
    ToolKind(
        "get_movie", "Get a movie",
        "All facts of a movie, with some of its reviews, without marked spoilers.",
        GetMovieArguments, ToolMovie,
    ),
    ToolKind(
        "similar_movies", "Find similar movies",
        "Movies about which viewers say similar things.",
        SimilarMoviesArguments, MoviesFound,
    ),
    ToolKind(
        "catalogue", "Describe the catalogue",
        "How many movies there are, of which genres and years, and in which language reviews are.",
        NoArguments, ToolCatalogue,
    ),
)  # fmt: skip


class Tools:
    """The tools over one service.

    Example::

        found = await Tools(service).call("search_movies", {"query": "slow heist in the rain"})
        found.model_dump()["movies"][0]["evidence"]
    """

    def __init__(self, service: QueryService) -> None:
        self._service = service
        self._calls: dict[str, Callable[[Any], Awaitable[BaseModel]]] = {
            "search_movies": self._search,
            "get_movie": self._movie,
            "similar_movies": self._similar,
            "catalogue": self._catalogue,
        }

    async def call(self, name: str, arguments: JsonObject) -> BaseModel:
        """Run a tool.

        Raises:
            ToolFailure: there is no such tool, an argument is wrong, or the service cannot answer.
        """
        kind = next((kind for kind in KINDS if kind.name == name), None)
        if kind is None:
            raise ToolFailure("Unknown tool; there are: " + ", ".join(kind.name for kind in KINDS))
        try:
            return await self._calls[name](kind.arguments.model_validate(arguments))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            raise ToolFailure("; ".join(map(_sentence, details))) from error
        except Problem as problem:
            errors = [f"{each.field}: {each.message}" for each in problem.errors or ()]
            raise ToolFailure("; ".join([problem.kind.title, *errors, problem.detail])) from problem

    async def _search(self, arguments: SearchMoviesArguments) -> MoviesFound:
        body = await search_answer(
            self._service, self._service.generation(), arguments.request(), time.perf_counter()
        )
        return _found(body)

    async def _similar(self, arguments: SimilarMoviesArguments) -> MoviesFound:
        body = await similar_answer(
            self._service,
            self._service.generation(),
            arguments.movie_id,
            SimilarParameters(k=arguments.k, evidence=2),
            time.perf_counter(),
        )
        return _found(body)

    async def _movie(self, arguments: GetMovieArguments) -> ToolMovie:
        body = await movie_answer(
            self._service, self._service.generation(), arguments.movie_id, spoilers="hide"
        )
        shown = [review for review in body["reviews"] if not review["hidden"]]
        reviews = [
            ViewerReview(
                text=review["text"][:_MOST_REVIEW_CHARS],
                rating=review["rating"],
                author=review["author"],
                url=review["url"],
            )
            for review in shown[: arguments.reviews]
        ]
        return ToolMovie.model_validate({**body, "reviews": reviews})

    async def _catalogue(self, _: NoArguments) -> ToolCatalogue:
        generation = self._service.generation()
        manifest = generation.snapshot.manifest
        facets = Facets.of(generation.searcher.facts)
        return ToolCatalogue(
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
            language=manifest.language,
            updated_at=str(manifest.created_at),
            genres=facets.genres,
            years=facets.year,
            ratings=facets.rating,
        )


def _found(body: JsonObject) -> MoviesFound:
    return MoviesFound(
        matched=body["matched"],
        understood=_understood(body.get("interpretation")),
        movies=[
            FoundMovie.model_validate(
                {
                    **hit["movie"],
                    "fit": hit["fit"],
                    "evidence": [Quote.model_validate(each) for each in hit["evidence"]],
                }
            )
            for hit in body["hits"]
        ],
    )


def _understood(interpretation: JsonObject | None) -> str | None:
    """What was read from the query, as one line."""
    if interpretation is None:
        return None
    parts = [f"{name}: {conditions}" for name, conditions in interpretation["filters"].items()]
    parts += [f"{name}: {interpretation[name]}" for name in ("avoid", "like", "titles", "relaxed")
              if interpretation[name]]  # fmt: skip
    return "; ".join(parts) or None


def _sentence(detail: Any) -> str:
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])
