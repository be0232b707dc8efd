"""Turns the rows of a file of movies and a file of reviews into items, in constant memory.

Known columns, of which the first one that a row has is used:

=========== =========================================================
movies      ``movie_id`` or ``imdb_id``; ``movie_title`` or ``title``; ``movie_desc`` or
            ``description``; ``year``; ``genres``; ``directors`` or ``director``; ``rating``;
            ``url``; ``original_title``; ``people`` or ``cast`` or ``actors``; ``countries`` or
            ``country``; ``languages``; ``keywords``; ``runtime_minutes`` or ``runtime``;
            ``votes`` or ``vote_count``; ``poster_url``
reviews     ``movie_id`` or ``imdb_id``; ``user_review`` or ``text`` or ``review``; ``review_id``;
            ``user_review_permalink`` or ``url``; ``rating``; ``movie`` (its title);
            ``title`` (of the review); ``author``; ``published`` or ``date``; ``language``;
            ``spoiler``
=========== =========================================================

A source's ``columns`` maps fields to other columns, or to paths into nested values
(``column_paths``): a mapped field is read from that column only. A field that both files have may
be mapped for one of them: in a file without that column it is read from the known columns. Headings
are compared without case, blanks, underscores and hyphens.

A value that cannot be read costs its field, a row that cannot be read costs the row, and both are
passed to ``note``: nothing is lost silently.

Keeping only some reviews of each movie takes two passes: the first reads ids and ratings, the
second the texts of the picked rows, so that the file may be in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from services.ingest.pages.datasets.column_paths import has_column, values_at
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.dataset_rows import Headings, Note, headings_of, read_rows
from services.ingest.pages.datasets.review_ids import ROWS_COMPARED, are_within_movies
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.identifiers import movie_id
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.days import day, year
from services.ingest.pages.values.name_lists import names
from services.ingest.pages.values.numbers import count, minutes, truth
from services.ingest.pages.values.ratings import FILE_SCALE, rating
from services.ingest.pages.values.texts import (
    NULLS,
    ValueUnread,
    excerpt,
    identifier,
    is_missing,
    text,
)
from services.ingest.pages.values.written_titles import parted_title
from services.ingest.sources.sources import Target

__all__ = ["DatasetInvalid", "FileReading", "check_files", "read_movies", "read_reviews"]

Columns = Mapping[Target, str]  # field to column of the file
_T = TypeVar("_T")


def _ignore(_: Unread) -> None:
    """A pass over a file that is read again says nothing."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """How the values of a source are read.

    Attributes:
        columns: Field to column, where they are not the known ones.
        rating_scale: The best rating.
        encoding: The encoding of the files; None for UTF-8.
        nulls: Further texts that stand for no value.
        note: Receives what could not be read.
    """

    columns: Columns
    rating_scale: float = FILE_SCALE
    encoding: str | None = None
    nulls: frozenset[str] = frozenset()
    note: Note = _ignore


PLAIN = FileReading({})

_MOVIE_ID = ("movie_id", "imdb_id")
MOVIE_COLUMNS: Mapping[Target, tuple[str, ...]] = {
    "movie_id": _MOVIE_ID,
    "title": ("movie_title", "title"),
    "description": ("movie_desc", "description"),
    "year": ("year",),
    "genres": ("genres",),
    "directors": ("directors", "director"),
    "rating": ("rating",),
    "url": ("url",),
    "original_title": ("original_title",),
    "people": ("people", "cast", "actors"),
    "countries": ("countries", "country"),
    "languages": ("languages",),
    "keywords": ("keywords",),
    "runtime_minutes": ("runtime_minutes", "runtime"),
    "votes": ("votes", "vote_count"),
    "poster_url": ("poster_url",),
}
REVIEW_COLUMNS: Mapping[Target, tuple[str, ...]] = {
    "movie_id": _MOVIE_ID,
    "text": ("user_review", "text", "review"),
    "review_id": ("review_id",),
    "rating": ("rating",),
    "title": ("title",),
    "author": ("author",),
    "published": ("published", "date"),
    "url": ("user_review_permalink", "url"),
    "language": ("language",),
    "spoiler": ("spoiler",),
    "movie": ("movie",),
}
_MOST_LISTED = 30


def check_files(movies: Path, reviews: Path | None, reading: FileReading) -> None:
    """Check that the files exist and have the required columns, before they are read.

    Args:
        movies: The file of movies.
        reviews: The file of reviews; None when the source has none.
        reading: How the values are read.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """
    found: list[Headings] = []
    files = [(movies, _movie_fields(reading))]
    if reviews is not None:
        files.append((reviews, _review_fields(reading)))
    for path, fields in files:
        headings = headings_of(path, encoding=reading.encoding)
        problem = fields.check(headings.written)
        if problem is not None:
            written = ", ".join(sorted(set(headings.written.values()))[:_MOST_LISTED])
            raise DatasetInvalid(f"{path}: {problem}; it has {written}")
        found.append(headings)
    if not all(headings.are_all for headings in found):
        return  # a row need not have every key
    for field, name in reading.columns.items():
        if not any(has_column(frozenset(headings.written), name) for headings in found):
            other = f", nor has {reviews}" if reviews is not None else ""
            raise DatasetInvalid(f"{movies}: has no column {name} (columns.{field}){other}")


def read_movies(path: Path, source: str, reading: FileReading = PLAIN) -> Iterator[MovieItem]:
    """Read the movies of a file in their order.

    Args:
        path: The file.
        source: The name of the source, for ids.
        reading: How the values are read.

    Raises:
        DatasetInvalid: the file is missing, or cannot be opened.
    """
    fields = _movie_fields(reading)
    for row in read_rows(path, reading.note, encoding=reading.encoding, only=fields.all_columns):
        external_id = fields.identifier(row, "movie_id")
        if external_id is None:
            reading.note(Unread("row", row.where, "names no movie", _shown(row)))
            continue
        title = fields.text(row, "title")
        parted = parted_title(title) if title is not None else None
        released = fields.year(row, "year")
        if parted is not None and released is not None and parted.year not in {None, released}:
            parted = None  # the brackets belong to the title
        if parted is not None:
            title, released = parted.title, released or parted.year
        yield MovieItem(
            movie_id=movie_id(source, external_id),
            title=title,
            year=released,
            genres=fields.names(row, "genres"),
            directors=fields.names(row, "directors"),
            description=fields.text(row, "description"),
            rating=fields.rating(row, "rating"),
            url=fields.text(row, "url"),
            original_title=fields.text(row, "original_title")
            or (parted.other if parted is not None else None),
            people=fields.names(row, "people"),
            countries=fields.names(row, "countries"),
            languages=fields.names(row, "languages"),
            keywords=fields.names(row, "keywords"),
            runtime_minutes=fields.read(row, "runtime_minutes", minutes),
            votes=fields.read(row, "votes", count) or None,
            poster_url=fields.text(row, "poster_url"),
        )


def read_reviews(
    path: Path, source: str, *, per_movie: int = 0, reading: FileReading = PLAIN
) -> Iterator[tuple[ReviewItem, str | None]]:
    """Read the reviews of a file in their order.

    Args:
        path: The file.
        source: The name of the source, for ids.
        per_movie: Number of reviews to keep per movie (``sampling.pick``); 0 keeps all.
        reading: How the values are read.

    Yields:
        Each review, and the title of its movie if the row has it.

    Raises:
        DatasetInvalid: the file is missing, or cannot be opened.
    """
    fields = _review_fields(reading)
    picked = _picked_rows(path, per_movie, reading) if per_movie else None
    is_prefixed = are_within_movies(islice(_ids(path, reading), ROWS_COMPARED))
    rows = read_rows(path, reading.note, encoding=reading.encoding, only=fields.all_columns)
    for at, row in enumerate(rows):
        external_id = fields.identifier(row, "movie_id")
        if external_id is None:
            reading.note(Unread("row", row.where, "names no movie", _shown(row)))
            continue
        if picked is not None and at not in picked:
            continue
        movie = movie_id(source, external_id)
        own_id = fields.identifier(row, "review_id")
        yield (
            ReviewItem(
                movie_id=movie,
                text=fields.text(row, "text") or "",
                external_id=f"{movie}:{own_id}" if own_id and is_prefixed else own_id,
                rating=fields.rating(row, "rating"),
                title=fields.text(row, "title"),
                author=fields.text(row, "author"),
                published=fields.day(row, "published"),
                url=fields.text(row, "url"),
                language=fields.text(row, "language"),
                spoiler=fields.read(row, "spoiler", truth),
            ),
            fields.text(row, "movie"),
        )


def _ids(path: Path, reading: FileReading) -> Iterator[tuple[str, str]]:
    """The ids of the movie and of the review, of each row that has both."""
    fields = _review_fields(_silent(reading))
    only = fields.columns_of("movie_id", "review_id")
    for row in read_rows(path, _ignore, encoding=reading.encoding, only=only):
        movie, review = fields.identifier(row, "movie_id"), fields.identifier(row, "review_id")
        if movie is not None and review is not None:
            yield movie, review


def _picked_rows(path: Path, per_movie: int, reading: FileReading) -> set[int]:
    """The numbers of the rows to keep. Takes memory for two numbers per row, and for no text."""
    fields = _review_fields(_silent(reading))
    rows: dict[str, list[int]] = defaultdict(list)
    ratings: dict[str, list[float | None]] = defaultdict(list)
    only = fields.columns_of("movie_id", "rating")
    for at, row in enumerate(read_rows(path, _ignore, encoding=reading.encoding, only=only)):
        movie = fields.identifier(row, "movie_id")
        if movie is not None:
            rows[movie].append(at)
            ratings[movie].append(fields.rating(row, "rating"))
    return {rows[movie][chosen] for movie in rows for chosen in pick(ratings[movie], per_movie)}


def _silent(reading: FileReading) -> FileReading:
    return FileReading(
        reading.columns, reading.rating_scale, reading.encoding, reading.nulls, _ignore
    )


def _shown(row: NumberedRow) -> str:
    return excerpt(" | ".join(str(value) for value in row.values.values()))


def _movie_fields(reading: FileReading) -> _Fields:
    return _Fields(MOVIE_COLUMNS, reading, required=("movie_id",), other_file=REVIEW_COLUMNS)


def _review_fields(reading: FileReading) -> _Fields:
    return _Fields(REVIEW_COLUMNS, reading, required=("movie_id", "text"), other_file=MOVIE_COLUMNS)


class _Fields:
    """Reads fields from the rows of one file.

    Args:
        known: Field to its known columns.
        reading: How the values are read.
        required: The fields that an item must have.
        other_file: The fields of the other file, which shares ``columns``.
    """

    def __init__(
        self,
        known: Mapping[Target, tuple[str, ...]],
        reading: FileReading,
        *,
        required: Sequence[Target],
        other_file: Collection[Target],
    ) -> None:
        columns = reading.columns
        self._mapped = {field: columns[field] for field in known if field in columns}
        self._known = {
            field: () if field in self._mapped and field not in other_file else names
            for field, names in known.items()
        }
        self._required = required
        self._reading = reading
        self._nulls = NULLS | reading.nulls
        self.all_columns = self.columns_of(*known)

    def columns_of(self, *fields: Target) -> set[str]:
        """All columns from which one of the fields may be read."""
        return {name for field in fields for name in self._names(field)}

    def check(self, headings: Mapping[str, str]) -> str | None:
        """Describe the required column that a file lacks; None when it has all of them."""
        known = frozenset(headings)
        for field in self._required:
            names = self._names(field)
            if not any(has_column(known, name) for name in names):
                setting = f" (columns.{field})" if field in self._mapped else ""
                return f"has no column {' or '.join(names)}{setting}"
        return None

    def _names(self, field: Target) -> tuple[str, ...]:
        mapped = self._mapped.get(field)
        return self._known[field] if mapped is None else (mapped, *self._known[field])

    def _value(self, row: NumberedRow, field: Target) -> Any:
        mapped = self._mapped.get(field)
        is_mapped = mapped is not None and has_column(frozenset(row.values), mapped)
        names = (mapped,) if is_mapped and mapped is not None else self._known[field]
        for name in names:
            value = values_at(row.values, name)
            if not is_missing(value, self._nulls):
                return value
        return None

    def text(self, row: NumberedRow, field: Target) -> str | None:
        """A field as text."""
        return self.read(row, field, lambda value: text(value, self._nulls))

    def identifier(self, row: NumberedRow, field: Target) -> str | None:
        """A field as an id."""
        return self.read(row, field, lambda value: identifier(value, self._nulls))

    def rating(self, row: NumberedRow, field: Target) -> float | None:
        """A field as a rating from 0 to 10."""
        best = self._reading.rating_scale
        return self.read(row, field, lambda value: rating(value, best=best, nulls=self._nulls))

    def year(self, row: NumberedRow, field: Target) -> int | None:
        """A field as a year."""
        return self.read(row, field, lambda value: year(value, self._nulls))

    def day(self, row: NumberedRow, field: Target) -> str | None:
        """A field as a day, ``YYYY-MM-DD``."""
        return self.read(row, field, lambda value: day(value, self._nulls))

    def names(self, row: NumberedRow, field: Target) -> tuple[str, ...]:
        """A field as several names."""
        return self.read(row, field, lambda value: names(value, self._nulls)) or ()

    def read(
        self, row: NumberedRow, field: Target, reader: Callable[[Any], _T | None]
    ) -> _T | None:
        """A field, or None after noting that it cannot be read."""
        value = self._value(row, field)
        if value is None:
            return None
        try:
            return reader(value)
        except ValueUnread as error:
            self._reading.note(Unread("value", f"{row.where} {field}", error.why, error.excerpt))
            return None
