"""What several requests consist of: the base of a JSON body, and the filters of a search.

``services.query.api.requests`` has the requests. The JSON Schemas are part of the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.record import MAX_NAME_CHARS, MAX_RUNTIME_MINUTES, MAX_VOTES
from shared.retrieval.filters import EVERYTHING, MovieFilter, Range

MAX_NAMES = 20

Year = Annotated[int, Field(ge=0, le=9999)]
Score = Annotated[float, Field(ge=0, le=10)]
Minutes = Annotated[int, Field(ge=0, le=MAX_RUNTIME_MINUTES)]
Votes = Annotated[int, Field(ge=0, le=MAX_VOTES)]
Genres = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=MAX_NAMES)
]
Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]],
    Field(max_length=MAX_NAMES),
]


class RequestBody(BaseModel):
    """A JSON body."""

    # Strict, because JSON has types: "10" and true are not the number 10.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return itself: pydantic copies each default that is a model, and this one is frozen."""
        return self


class YearRange(RequestBody):
    """Years from `gte` to `lte`, inclusive."""

    gte: Year | None = None
    lte: Year | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


class RatingRange(RequestBody):
    """Ratings from `gte` to `lte`, inclusive."""

    gte: Score | None = None
    lte: Score | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


class RuntimeRange(RequestBody):
    """Minutes from `gte` to `lte`, inclusive."""

    gte: Minutes | None = None
    lte: Minutes | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


class VotesRange(RequestBody):
    """Numbers of votes from `gte` to `lte`, inclusive."""

    gte: Votes | None = None
    lte: Votes | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


def _check_order(gte: float | None, lte: float | None) -> None:
    if gte is not None and lte is not None and gte > lte:
        raise ValueError("gte must be less than or equal to lte")


class GenreFilter(RequestBody):
    """Genres, ignoring case and accents; `/facets` lists the known genres."""

    any: Annotated[Genres, Field(description="The movie must have at least one of these.")] = []
    all: Annotated[Genres, Field(description="The movie must have all of these.")] = []
    none: Annotated[Genres, Field(description="The movie must have none of these.")] = []


class NameFilter(RequestBody):
    """Whole names, ignoring case and accents."""

    any: Annotated[Names, Field(description="The movie must have at least one of these.")] = []


_NO_NAMES = NameFilter()


class Filters(RequestBody):
    """Conditions on movies. A movie without the value that a condition tests does not match."""

    year: YearRange = YearRange()
    genres: GenreFilter = GenreFilter()
    rating: RatingRange = RatingRange()
    directors: NameFilter = _NO_NAMES
    people: Annotated[NameFilter, Field(description="In the cast, or directors.")] = _NO_NAMES
    countries: NameFilter = _NO_NAMES
    languages: NameFilter = _NO_NAMES
    runtime: RuntimeRange = RuntimeRange()
    votes: Annotated[VotesRange, Field(description="How many votes `rating` counts.")] = (
        VotesRange()
    )

    def to_filter(self) -> MovieFilter:
        """Convert the conditions to the searcher's filter."""
        if self is NO_FILTERS:
            return EVERYTHING
        return MovieFilter(
            year=Range(self.year.gte, self.year.lte),
            rating=Range(self.rating.gte, self.rating.lte),
            genres_any=tuple(self.genres.any),
            genres_all=tuple(self.genres.all),
            genres_none=tuple(self.genres.none),
            directors_any=tuple(self.directors.any),
            people_any=tuple(self.people.any),
            countries_any=tuple(self.countries.any),
            languages_any=tuple(self.languages.any),
            runtime_minutes=Range(self.runtime.gte, self.runtime.lte),
            votes=Range(self.votes.gte, self.votes.lte),
        )


NO_FILTERS = Filters()
