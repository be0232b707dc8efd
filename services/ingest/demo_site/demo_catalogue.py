"""The bundled catalogue: movies and reviews written for this project, read from TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class CatalogueInvalid(ValueError):
    """Raised when a file of the catalogue is damaged; the message names the file and the field."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class DemoReview(_Entry):
    """A viewer's review; ``rating`` from 1 to 10."""

    author: Annotated[str, Field(min_length=1)]
    rating: Annotated[int, Field(ge=1, le=10)]
    date: date
    title: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]


class DemoMovie(_Entry):
    """A movie and its reviews."""

    movie_id: Annotated[str, Field(pattern=r"^tt\d{7,8}$")]
    title: Annotated[str, Field(min_length=1)]
    year: Annotated[int, Field(ge=1888, le=2100)]
    genres: Annotated[tuple[str, ...], Field(min_length=1)]
    director: Annotated[str, Field(min_length=1)]
    country: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    reviews: Annotated[tuple[DemoReview, ...], Field(min_length=1)]

    @property
    def mean_rating(self) -> float:
        """The mean rating of its reviews, rounded to one decimal."""
        return round(sum(review.rating for review in self.reviews) / len(self.reviews), 1)


class _File(_Entry):
    movies: tuple[DemoMovie, ...]


DemoCatalogue = tuple[DemoMovie, ...]


def load_catalogue() -> DemoCatalogue:
    """Load all movies, sorted by year and title.

    Raises:
        CatalogueInvalid: a file is damaged, or two movies have the same id.
    """
    folder = files("services.ingest.demo_site") / "catalogue"
    movies: list[DemoMovie] = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            movies.extend(_read(file.name, file.read_text(encoding="utf-8")))
    if len({movie.movie_id for movie in movies}) != len(movies):
        raise CatalogueInvalid("two movies of the catalogue have the same id")
    return tuple(sorted(movies, key=lambda movie: (movie.year, movie.title)))


def _read(name: str, text: str) -> Iterable[DemoMovie]:
    try:
        return _File.model_validate(tomllib.loads(text)).movies
    except tomllib.TOMLDecodeError as error:
        raise CatalogueInvalid(f"{name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CatalogueInvalid(f"{name}: {field}: {first['msg']}") from error
