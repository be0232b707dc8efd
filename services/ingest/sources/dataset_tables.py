"""The tables of a dataset as ``sources.toml`` describes them: where they are, how to read them.

A preset is nothing but these options (``services/ingest/sources/presets``), so that the files of a
stranger need no code. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

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
_T = TypeVar("_T")
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


def _several(value: object) -> object:
    return (value,) if isinstance(value, (str, Path)) else value


def _compiles(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return expression


Columns = Annotated[tuple[ColumnName, ...], Field(max_length=8), BeforeValidator(_several)]
"""One column or several, of which the first that a row has is used; none if it is not read."""
Expression = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_compiles)]
IdSpace = Literal["source", "imdb", "tmdb", "movielens", "letterboxd", "amazon", "title"]
Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "lines", "texts"]


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
        BeforeValidator(_several),
    ]
    format: Annotated[
        Format | None, Field(description="The format; default: what the content suggests.")
    ] = None
    delimiter: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="What stands between the fields of csv."),
    ] = None
    quoting: Annotated[
        bool, Field(strict=True, description="Whether quotation marks enclose fields of csv.")
    ] = True
    escape: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1,
            description="What takes the meaning from the next character of csv.",
        ),
    ] = None
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
    only: Annotated[
        Mapping[ColumnName, Annotated[tuple[str, ...], BeforeValidator(_several)]],
        Field(description="Column to the values of which it must have one in rows that are read."),
    ] = {}
    required: Annotated[
        tuple[ColumnName, ...],
        BeforeValidator(_several),
        Field(
            max_length=8,
            description="Columns without which a row is none: it is left out, and not unread. For "
            "data sets whose reviews may be ratings only.",
        ),
    ] = ()
    pattern: Annotated[
        Expression | None,
        Field(
            description="Regular expression for the end of each file's path; its named groups are "
            "columns."
        ),
    ] = None

    @field_validator("path", mode="after")
    @classmethod
    def _from_folder(cls, paths: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        folder = (info.context or {}).get("folder", Path.cwd())
        return tuple(Path(folder, path.expanduser()) for path in paths)


class Lookup(TableFiles):
    """Another table whose rows belong to the rows of this one, such as a crosswalk of ids.

    Its columns are named after the table: ``links.imdbId``; with ``many``, ``tags[*].tag``.
    """

    key: Annotated[Columns, Field(description="The columns of the other table.")]
    on: Annotated[
        Columns, Field(description="The columns of this table that have the values of `key`.")
    ]
    many: Annotated[
        bool, Field(strict=True, description="Whether several of its rows belong to one row.")
    ] = False
    optional: Annotated[
        bool, Field(strict=True, description="Whether its files may be missing.")
    ] = False

    @model_validator(mode="after")
    def _as_many_columns(self) -> Self:
        if not self.key or len(self.key) != len(self.on):
            raise ValueError("key and on must have equal numbers of columns")
        return self


class _Table(TableFiles):
    fields_known: ClassVar[tuple[Target, ...]] = ()

    columns: Annotated[
        Mapping[Target, Columns],
        Field(description="Field to column, for columns with other than the known names."),
    ] = {}
    rows: Annotated[
        ColumnName | None,
        Field(description="For documents that hold a list of rows: the path to that list."),
    ] = None
    ids: Annotated[
        tuple[IdSpace, ...],
        Field(
            max_length=8,
            description="Whose ids the columns of `movie_id` hold, one for each of them.",
        ),
        BeforeValidator(_several),
    ] = ()
    rating_scale: Annotated[
        float | None,
        Field(gt=0, le=1_000, description="The best rating of the files, if they do not say so."),
    ] = None
    separator: Annotated[
        str | None,
        Field(min_length=1, max_length=3, description="What stands between names in a text."),
    ] = None
    lookups: Annotated[
        Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")], Lookup],
        Field(max_length=8, description="Other tables by name, whose rows belong to these rows."),
    ] = {}
    find: Annotated[
        Mapping[Target, Expression],
        Field(
            description="Field to a regular expression: what its first group finds is the value; "
            "of names, all that it finds."
        ),
    ] = {}
    prefix: Annotated[
        Mapping[Target, Annotated[str, Field(max_length=200)]],
        Field(description="Field to what stands before its text, such as the address of a site."),
    ] = {}

    @field_validator("columns", "find", "prefix", mode="after")
    @classmethod
    def _are_known(cls, options: Mapping[Target, _T]) -> Mapping[Target, _T]:
        for field in options:
            if field not in cls.fields_known:
                raise ValueError(f"{field} is none of {', '.join(sorted(cls.fields_known))}")
        return options

    @model_validator(mode="after")
    def _ids_match(self) -> Self:
        if len(self.ids) > 1 and len(self.ids) != len(self.columns.get("movie_id", ())):
            raise ValueError("ids: name one for each column of columns.movie_id")
        return self


class MovieTable(_Table):
    """A table of movies."""

    fields_known: ClassVar[tuple[Target, ...]] = get_args(MovieTarget)


class ReviewTable(_Table):
    """A table of reviews."""

    fields_known: ClassVar[tuple[Target, ...]] = get_args(ReviewTarget)
    join: Annotated[
        ColumnName | None,
        Field(
            description="The column that names the movie as a column of the movies does, whose id "
            "the review then has."
        ),
    ] = None
    join_on: Annotated[
        ColumnName | None,
        Field(description="That column of the movies; default: the same name."),
    ] = None
