"""The source of a dataset on disk: its tables, described by options or by a preset."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from services.ingest.sources.base_source import BaseSource, StrictBool
from services.ingest.sources.dataset_tables import ColumnName, MovieTable, ReviewTable, Target
from services.ingest.sources.preset_options import presets, with_preset

TAGS: Final = ("a path", "a table", "tables")
"""Parts of the places of errors that are no keys of the file."""


def _kind(value: object) -> str | None:
    if isinstance(value, (str, Path)):
        return "a path"
    if isinstance(value, (list, tuple)):
        return "tables"
    return "a table" if isinstance(value, (Mapping, MovieTable, ReviewTable)) else None


_NO_TABLE: Final = "must be a path, or a table of options such as [sources.NAME.movies]"
Movies = Annotated[
    Annotated[Path, Tag("a path")] | Annotated[MovieTable, Tag("a table")],
    Discriminator(_kind, custom_error_type="no_table", custom_error_message=_NO_TABLE),
]
Reviews = Annotated[
    Annotated[Path, Tag("a path")]
    | Annotated[ReviewTable, Tag("a table")]
    | Annotated[tuple[ReviewTable, ...], Tag("tables"), Field(min_length=1, max_length=20)],
    Discriminator(_kind, custom_error_type="no_table", custom_error_message=_NO_TABLE),
]


class DatasetSource(BaseSource):
    """A catalogue on disk: a table of movies, of reviews, or both."""

    spider: Literal["dataset"]
    preset: Annotated[
        str | None, Field(description="Name of the data set whose files these are.")
    ] = None
    folder: Annotated[
        Path | None, Field(description="Folder of the files; default: that of `sources.toml`.")
    ] = None
    movies: Annotated[Movies | None, Field(description="File with one row per movie.")] = None
    reviews: Annotated[
        Reviews | None,
        Field(description="File with one row per review; without it the movies have no reviews."),
    ] = None
    columns: Annotated[
        Mapping[Target, ColumnName],
        Field(description="Field to column, for columns with other than the known names."),
    ] = {}
    rating_scale: Annotated[
        float,
        Field(gt=0, le=1_000, description="The best rating of the files, if they do not say so."),
    ] = 10.0
    encoding: Annotated[
        str | None,
        Field(max_length=40, description="The encoding of the files; default: UTF-8."),
    ] = None
    nulls: Annotated[
        tuple[str, ...],
        Field(
            max_length=50,
            description="Further texts that stand for no value, such as `(no genres listed)`.",
        ),
    ] = ()
    join_movies: Annotated[
        StrictBool,
        Field(description="Whether movies without a shared id are joined by title and year."),
    ] = False

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, source: Any) -> Any:
        return with_preset(source) if isinstance(source, Mapping) else source

    @field_validator("preset", mode="after")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in presets():
            close = difflib.get_close_matches(name, presets(), n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(presets())}"
            raise ValueError(f"unknown preset; {hint}")
        return name

    @field_validator("movies", "reviews", mode="after")
    @classmethod
    def _from_folder(cls, table: Any, info: ValidationInfo) -> Any:
        if not isinstance(table, Path):
            return table
        return Path((info.context or {}).get("folder", Path.cwd()), table.expanduser())

    @model_validator(mode="after")
    def _has_tables(self) -> Self:
        if self.movies is None and self.reviews is None:
            raise ValueError("needs movies or reviews, or a preset")
        return self

    @cached_property
    def movie_table(self) -> MovieTable | None:
        """The table of movies, with the options of the whole source."""
        if self.movies is None:
            return None
        given = self.movies
        table = given if isinstance(given, MovieTable) else MovieTable(path=(given,))
        return table.model_copy(update=self._options_for(table))

    @cached_property
    def review_tables(self) -> tuple[ReviewTable, ...]:
        """The tables of reviews, with the options of the whole source."""
        if self.reviews is None:
            return ()
        given = self.reviews
        if isinstance(given, Path):
            given = ReviewTable(path=(given,))
        tables = given if isinstance(given, tuple) else (given,)
        return tuple(table.model_copy(update=self._options_for(table)) for table in tables)

    @property
    def files(self) -> str:
        """The paths of the table of reviews, or else of movies, for people."""
        tables = self.review_tables or ((self.movie_table,) if self.movie_table else ())
        return ", ".join(str(path) for table in tables for path in table.path)

    def _options_for(self, table: MovieTable | ReviewTable) -> dict[str, Any]:
        """The options of the whole source that a table does not have itself."""
        shared = {
            "rating_scale": self.rating_scale,
            "encoding": self.encoding,
            "nulls": self.nulls,
        }
        return {key: value for key, value in shared.items() if not getattr(table, key)}
