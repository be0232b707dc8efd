"""The arguments and the results of the tools; their JSON Schemas are what a model reads.

Smaller than those of the HTTP API, because a model pays for every word: results have what helps to
choose and to explain, and the rest is in ``get_movie``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.query.api.request_parts import NO_FILTERS, Filters
from services.query.api.requests import MAX_LIKED, QueryText, SearchRequest
from services.query.api.schemas import Fit, GenreCount, Ratings, Years
from shared.record import MovieId
from shared.retrieval.query import EvidenceKind

MOST_HITS = 20


class ToolArguments(BaseModel):
    """The arguments of a tool; unknown ones are refused, so that a slip is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


HitCount = Annotated[int, Field(ge=1, le=MOST_HITS, description="Number of movies to return.")]
ToolMovieId = Annotated[MovieId, Field(description="A movie_id of a result.")]


class SearchMoviesArguments(ToolArguments):
    """A search by a description, by movies to resemble, by filters, or by several of these."""

    query: Annotated[
        QueryText | None,
        Field(
            description="What the person feels like watching, in their words: mood, plot, setting, "
            "title, `like Heat but funny`, `90s`, `by Hitchcock`, `not scary`."
        ),
    ] = None
    avoid: Annotated[QueryText | None, Field(description="What the movie should not be about.")] = (
        None
    )
    like: Annotated[
        list[MovieId], Field(max_length=MAX_LIKED, description="movie_ids to resemble.")
    ] = []
    exclude: Annotated[
        list[MovieId],
        Field(max_length=500, description="movie_ids to leave out, such as those already seen."),
    ] = []
    filters: Annotated[
        Filters, Field(description="Exact conditions; only those that the person has named.")
    ] = NO_FILTERS
    min_fit: Annotated[
        float, Field(ge=0, le=1, description="Least fit of a result; 0.3 leaves out poor ones.")
    ] = 0.0
    k: HitCount = 5

    def request(self) -> SearchRequest:
        """Convert the arguments to a request.

        Raises:
            ValidationError: they do not go together.
        """
        return SearchRequest(
            query=self.query,
            avoid=self.avoid,
            like=self.like,
            exclude=self.exclude,
            filters=self.filters,
            min_fit=self.min_fit,
            k=self.k,
            evidence=2,
        )


class GetMovieArguments(ToolArguments):
    """A movie, and how many of its reviews."""

    movie_id: ToolMovieId
    reviews: Annotated[int, Field(ge=0, le=20, description="Number of reviews to return.")] = 5


class SimilarMoviesArguments(ToolArguments):
    """A movie, and how many similar ones."""

    movie_id: ToolMovieId
    k: HitCount = 5


class NoArguments(ToolArguments):
    """Nothing."""


class Quote(BaseModel):
    """A passage that says why the movie matches, word for word."""

    text: str
    kind: Annotated[EvidenceKind, Field(description="What it is a passage of.")]
    rating: Annotated[float | None, Field(description="The reviewer's rating of 10.")]
    url: Annotated[str | None, Field(description="The review at its source.")]


class FoundMovie(BaseModel):
    """A movie in a result, with its evidence."""

    movie_id: str
    title: str
    year: int | None
    genres: list[str]
    directors: list[str]
    rating: float | None
    runtime_minutes: int | None
    url: Annotated[str | None, Field(description="The movie at its source.")]
    fit: Fit
    evidence: list[Quote]


class MoviesFound(BaseModel):
    """Movies, best first."""

    matched: Annotated[int, Field(description="Number of movies in the whole ranking.")]
    understood: Annotated[
        str | None,
        Field(description="Constraints that were read from the query, and those dropped."),
    ] = None
    movies: list[FoundMovie]


class ViewerReview(BaseModel):
    """A review, cut after 1,200 characters. Marked spoilers are left out."""

    text: str
    rating: float | None
    author: str | None
    url: str | None


class ToolMovie(BaseModel):
    """All that is known of a movie."""

    movie_id: str
    title: str
    original_title: str | None
    year: int | None
    genres: list[str]
    directors: list[str]
    people: list[str]
    countries: list[str]
    languages: list[str]
    runtime_minutes: int | None
    rating: float | None
    votes: int | None
    description: str | None
    url: str | None
    review_count: int
    reviews: list[ViewerReview]


class ToolCatalogue(BaseModel):
    """What can be searched."""

    movies: int
    reviews: int
    language: Annotated[str, Field(description="Language of the reviews, as a code.")]
    updated_at: Annotated[str, Field(description="When what is searched was published.")]
    genres: list[GenreCount]
    years: Years | None
    ratings: Ratings | None
