"""Tries a dataset: its first rows as they would be stored, and what is not understood of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from services.ingest.pages.datasets.column_paths import beginnings
from services.ingest.pages.datasets.dataset_items import Dataset, OpenTable
from services.ingest.pages.items import MovieItem, to_movie, to_review
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import DatasetSource
from shared.record import MOVIE_FIELDS, REVIEW_FACTS

_MOVIE: Final = tuple(one.name for one in MOVIE_FIELDS)
_REVIEW: Final = tuple(one.name for one in REVIEW_FACTS)


@dataclass(slots=True)
class FieldTrial:
    """How often a field has no value, and how often its value cannot be read."""

    name: str
    empty: int
    unread: int


@dataclass(slots=True)
class TableTrial:
    """The first rows of the movies or of the reviews.

    Attributes:
        records: What would be stored.
        fields: Each field of these records.
        unused: The columns from which no field is read, as they are written.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    fields: list[FieldTrial] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class DatasetTrial:
    """What the first rows of a dataset become.

    Attributes:
        movies: Those of the table of movies, and those that only reviews name.
        reviews: The reviews.
        unread: What could not be read, with its place.
    """

    movies: TableTrial
    reviews: TableTrial
    unread: list[Unread]


def try_dataset(source: DatasetSource, rows: int) -> DatasetTrial:
    """Read the first rows of each table of a source.

    Args:
        source: The source.
        rows: The number of rows of each table.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """
    unread: list[Unread] = []
    dataset = Dataset(source, unread.append, most_rows=rows)
    movies, reviews = TableTrial(), TableTrial()
    known: set[str] = set()

    def add(movie: MovieItem) -> None:
        if movie.movie_id not in known:
            known.add(movie.movie_id)
            try:
                movies.records.append(_record(to_movie(movie, unread)))
            except ValidationError as error:
                unread.append(_invalid(f"movie {movie.movie_id}", error))

    for movie in dataset.movies():
        add(movie)
    unread_of_movies = _unread_values(unread)
    for number, reviewed in enumerate(dataset.reviews(), 1):
        add(reviewed.movie())
        try:
            reviews.records.append(_record(to_review(reviewed.review, source.name, unread)))
        except ValidationError as error:
            where = f"review {number}, of movie {reviewed.review.movie_id}"
            unread.append(_invalid(where, error))
    unread_of_reviews = _unread_values(unread) - unread_of_movies
    movies.fields = _fields(_MOVIE, movies.records, unread_of_movies)
    reviews.fields = _fields(_REVIEW, reviews.records, unread_of_reviews)
    if dataset.movie_table is not None:
        movies.unused = _unused(dataset.movie_table)
    reviews.unused = sorted({name for table in dataset.review_tables for name in _unused(table)})
    return DatasetTrial(movies, reviews, unread)


def _record(record: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(record).items() if value not in (None, (), [])}


def _invalid(where: str, error: ValidationError) -> Unread:
    first = error.errors(include_url=False)[0]
    return Unread("row", where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _unread_values(unread: list[Unread]) -> Counter[str]:
    return Counter(one.where.rpartition(" ")[2] for one in unread if one.kind == "value")


def _fields(
    names: tuple[str, ...], records: list[dict[str, Any]], unread: Mapping[str, int]
) -> list[FieldTrial]:
    return [
        FieldTrial(name, sum(name not in record for record in records), unread.get(name, 0))
        for name in names
    ]


def _unused(table: OpenTable) -> list[str]:
    """The columns from which no field is read."""
    options = table.table
    read = [name for names in table.fields.columns.values() for name in names]
    read += [*options.only, *options.required, *([options.rows] if options.rows else [])]
    read += [column for lookup in options.lookups.values() for column in lookup.on]
    read += [*options.lookups, getattr(options, "join", None) or ""]
    used = {one for column in read for one in beginnings(column)}
    headings = table.reader.headings()
    return sorted(written for heading, written in headings.items() if heading not in used)
