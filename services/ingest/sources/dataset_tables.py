"""The tables of a dataset as ``sources.toml`` describes them: where they are, how to read them.

A preset is nothing but these options (``services/ingest/sources/presets``), so that the files of a
stranger need no code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

MovieTarget = Literal[
    "movie_id", "title", "description", "year", "genres", "directors", "rating", "url",
    "original_title", "people", "countries", "languages", "keywords", "runtime_minutes", "votes",
    "poster_url",
]  # fmt: skip
ReviewTarget = Literal[
    "movie_id", "text", "review_id", "rating", "title", "author", "published", "url", "language",
    "spoiler", "movie", "movie_year",
]  # fmt: skip
Target = Literal[MovieTarget, ReviewTarget]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
Columns = Annotated[
    tuple[ColumnName, ...],
    Field(min_length=1, max_length=8, description="The first that a row has is used."),
]
IdSpace = Literal["source", "imdb", "tmdb", "movielens", "letterboxd", "amazon", "title"]
Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "lines", "texts"]


def _several(value: object) -> object:
    return (value,) if isinstance(value, (str, Path)) else value


class TableFiles(BaseModel):
    """The files of a table, and how they are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[
        tuple[Path, ...],
        Field(
            min_length=1,
            max_length=1_000,
            description="A file, a glob, a folder of part files, or a list of these.",
        ),
    ]
    format: Annotated[
        Format | None, Field(description="The format; default: what the content suggests.")
    ] = None
    delimiter: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="What stands between fields of csv."),
    ] = None
    quoting: Annotated[
        bool, Field(strict=True, description="Whether quotation marks enclose fields of csv.")
    ] = True
    escape: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="What takes the meaning from the next mark."),
    ] = None
    encoding: Annotated[
        str | None, Field(max_length=40, description="The encoding; default: UTF-8.")
    ] = None
    nulls: Annotated[
        tuple[str, ...],
        Field(
            max_length=50,
            description="Further texts that stand for no value, such as `(no genres listed)`.",
        ),
    ] = ()
    only: Annotated[
        Mapping[ColumnName, str],
        Field(description="Column to the value that it must have in the rows that are read."),
    ] = {}
    pattern: Annotated[
        str | None,
        Field(
            max_length=200,
            description="For a folder of texts: a regular expression for the names of its files, "
            "whose named groups are columns.",
        ),
    ] = None

    @field_validator("path", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return _several(value)

    @field_validator("path", mode="after")
    @classmethod
    def _from_folder(cls, paths: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        folder = (info.context or {}).get("folder", Path.cwd())
        return tuple(Path(folder, path.expanduser()) for path in paths)

    @field_validator("pattern", mode="after")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return pattern


class Lookup(TableFiles):
    """Another table whose rows belong to the rows of this one, such as a crosswalk of ids.

    Its columns are named after the table: ``links.imdbId``; with ``many``, ``tags[*].tag``.
    """

    key: Annotated[ColumnName, Field(description="The column of the other table.")]
    on: Annotated[ColumnName, Field(description="The column of this table that has its values.")]
    many: Annotated[
        bool, Field(strict=True, description="Whether several of its rows belong to one row.")
    ] = False


class _Table(TableFiles):
    rows: Annotated[
        str | None,
        Field(
            max_length=200,
            description="For documents that hold a list of rows: the path to that list.",
        ),
    ] = None
    ids: Annotated[
        tuple[IdSpace, ...],
        Field(
            max_length=8,
            description="Whose ids the columns of `movie_id` hold, one for each of them.",
        ),
    ] = ()
    rating_scale: Annotated[
        float | None,
        Field(gt=0, le=1_000, description="The best rating; default: 10."),
    ] = None
    separator: Annotated[
        str | None,
        Field(min_length=1, max_length=3, description="What stands between names in a text."),
    ] = None
    lookups: Annotated[
        Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Lookup],
        Field(max_length=8, description="Other tables by name, whose rows belong to these rows."),
    ] = {}

    @field_validator("ids", mode="before")
    @classmethod
    def _one_or_more_spaces(cls, value: object) -> object:
        return _several(value)

    @field_validator("columns", mode="before", check_fields=False)
    @classmethod
    def _one_or_more_columns(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {field: _several(names) for field, names in value.items()}

    @model_validator(mode="after")
    def _ids_match(self) -> Self:
        columns: Mapping[str, tuple[str, ...]] = getattr(self, "columns", {})
        named = len(columns.get("movie_id", ("",)))
        if len(self.ids) not in {0, 1, named}:
            raise ValueError(f"ids: {len(self.ids)} for {named} columns of movie_id")
        return self


class MovieTable(_Table):
    """A table of movies."""

    columns: Annotated[
        Mapping[MovieTarget, Columns],
        Field(description="Field to column, for columns with other than the known names."),
    ] = {}


class ReviewTable(_Table):
    """A table of reviews."""

    columns: Annotated[
        Mapping[ReviewTarget, Columns],
        Field(description="Field to column, for columns with other than the known names."),
    ] = {}


def known_targets() -> tuple[str, ...]:
    """The fields that columns can be mapped to."""
    targets: list[Any] = [*get_args(MovieTarget), *get_args(ReviewTarget)]
    return tuple(dict.fromkeys(targets))
