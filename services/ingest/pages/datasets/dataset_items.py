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

A source's ``columns`` maps fields to other columns: a mapped field is read from that column only.
A field that both files have may be mapped for one of them: in a file without that column it is read
from the known columns.

Keeping only some reviews of each movie takes two passes: the first reads ids and ratings, the
second the texts of the picked rows, so that the file may be in any order.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.ingest.pages.datasets.dataset_rows import (
    DatasetInvalid,
    Row,
    first_columns,
    has_header,
    read_rows,
)
from services.ingest.pages.identifiers import movie_id
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.sources.sources import Target
from shared.record import MAX_RUNTIME_MINUTES, MAX_VOTES

__all__ = ["DatasetInvalid", "check_files", "read_movies", "read_reviews"]

Columns = Mapping[Target, str]  # field to column of the file

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
_YEAR = re.compile(r"\s*(\d{4})(?:\.0*)?(?!\d)")


def check_files(movies: Path, reviews: Path | None, columns: Columns) -> None:
    """Check that the files exist and have the required columns, before they are read.

    Args:
        movies: The file of movies.
        reviews: The file of reviews; None when the source has none.
        columns: The source's columns, where they are not the known ones.

    Raises:
        DatasetInvalid: a file is missing or damaged, or lacks a column.
    """
    existing: set[str] = set()
    files = [(movies, _movie_fields(columns))]
    if reviews is not None:
        files.append((reviews, _review_fields(columns)))
    for path, fields in files:
        names = first_columns(path)
        problem = fields.check(names)
        if problem is not None:
            raise DatasetInvalid(f"{path}: {problem}")
        existing.update(names)
    if all(has_header(path) for path, _ in files):  # a row of jsonl need not have every key
        for field, name in columns.items():
            if name not in existing:
                other = f", nor has {reviews}" if reviews is not None else ""
                raise DatasetInvalid(f"{movies}: has no column {name} (columns.{field}){other}")


def read_movies(path: Path, source: str, columns: Columns | None = None) -> Iterator[MovieItem]:
    """Read the movies of a file in their order.

    Args:
        path: The file.
        source: The name of the source, for ids.
        columns: The source's columns, where they are not the known ones.

    Raises:
        DatasetInvalid: the file is missing or damaged, or has no column of ids.
    """
    fields = _movie_fields(columns or {})
    for row in read_rows(path, fields.check):
        external_id = fields.text(row, "movie_id")
        if external_id is None:
            continue
        yield MovieItem(
            movie_id=movie_id(source, external_id),
            title=fields.text(row, "title"),
            year=fields.year(row, "year"),
            genres=fields.names(row, "genres"),
            directors=fields.names(row, "directors"),
            description=fields.text(row, "description"),
            rating=fields.number(row, "rating"),
            url=fields.text(row, "url"),
            original_title=fields.text(row, "original_title"),
            people=fields.names(row, "people"),
            countries=fields.names(row, "countries"),
            languages=fields.names(row, "languages"),
            keywords=fields.names(row, "keywords"),
            runtime_minutes=fields.whole(row, "runtime_minutes", most=MAX_RUNTIME_MINUTES),
            votes=fields.whole(row, "votes", most=MAX_VOTES),
            poster_url=fields.text(row, "poster_url"),
        )


def read_reviews(
    path: Path, source: str, *, per_movie: int = 0, columns: Columns | None = None
) -> Iterator[tuple[ReviewItem, str | None]]:
    """Read the reviews of a file in their order.

    Args:
        path: The file.
        source: The name of the source, for ids.
        per_movie: Number of reviews to keep per movie (``sampling.pick``); 0 keeps all.
        columns: The source's columns, where they are not the known ones.

    Yields:
        Each review, and the title of its movie if the row has it.

    Raises:
        DatasetInvalid: the file is missing or damaged, or lacks a required column.
    """
    fields = _review_fields(columns or {})
    picked = _picked_rows(path, per_movie, fields) if per_movie else None
    for at, row in enumerate(read_rows(path, fields.check)):
        external_id = fields.text(row, "movie_id")
        if external_id is None or (picked is not None and at not in picked):
            continue
        yield (
            ReviewItem(
                movie_id=movie_id(source, external_id),
                text=fields.text(row, "text") or "",
                external_id=fields.text(row, "review_id"),
                rating=fields.number(row, "rating"),
                title=fields.text(row, "title"),
                author=fields.text(row, "author"),
                published=fields.text(row, "published"),
                url=fields.text(row, "url"),
                language=fields.text(row, "language"),
                spoiler=fields.truth(row, "spoiler"),
            ),
            fields.text(row, "movie"),
        )


def _picked_rows(path: Path, per_movie: int, fields: _Fields) -> set[int]:
    """The numbers of the rows to keep. Takes memory for two numbers per row, and for no text."""
    rows: dict[str, list[int]] = defaultdict(list)
    ratings: dict[str, list[float | None]] = defaultdict(list)
    only = fields.columns_of("movie_id", "rating")
    for at, row in enumerate(read_rows(path, fields.check, only=only)):
        movie = fields.text(row, "movie_id")
        if movie is not None:
            rows[movie].append(at)
            ratings[movie].append(fields.number(row, "rating"))
    return {rows[movie][chosen] for movie in rows for chosen in pick(ratings[movie], per_movie)}


def _movie_fields(columns: Columns) -> _Fields:
    return _Fields(MOVIE_COLUMNS, columns, required=("movie_id",), other_file=REVIEW_COLUMNS)


def _review_fields(columns: Columns) -> _Fields:
    return _Fields(REVIEW_COLUMNS, columns, required=("movie_id", "text"), other_file=MOVIE_COLUMNS)


class _Fields:
    """Reads fields from the rows of one file.

    Args:
        known: Field to its known columns.
        columns: The source's columns.
        required: The fields that an item must have.
        other_file: The fields of the other file, which shares ``columns``.
    """

    def __init__(
        self,
        known: Mapping[Target, tuple[str, ...]],
        columns: Columns,
        *,
        required: Sequence[Target],
        other_file: Collection[Target],
    ) -> None:
        self._mapped = {field: columns[field] for field in known if field in columns}
        self._known = {
            field: () if field in self._mapped and field not in other_file else names
            for field, names in known.items()
        }
        self._required = required

    def columns_of(self, *fields: Target) -> set[str]:
        """All columns from which one of the fields may be read."""
        return {name for field in fields for name in self._names(field)}

    def check(self, columns: Collection[str]) -> str | None:
        """Describe the required column that a file lacks; None when it has all of them."""
        for field in self._required:
            names = self._names(field)
            if not set(names) & set(columns):
                setting = f" (columns.{field})" if field in self._mapped else ""
                return f"has no column {' or '.join(names)}{setting}"
        return None

    def _names(self, field: Target) -> tuple[str, ...]:
        mapped = self._mapped.get(field)
        return self._known[field] if mapped is None else (mapped, *self._known[field])

    def _value(self, row: Row, field: Target) -> Any:
        mapped = self._mapped.get(field)
        names = self._known[field] if mapped is None or mapped not in row else (mapped,)
        for name in names:
            value = row.get(name)
            if value is not None and value != "":
                return value
        return None

    def text(self, row: Row, field: Target) -> str | None:
        """A field as text."""
        value = self._value(row, field)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        return str(value)

    def number(self, row: Row, field: Target) -> float | None:
        """A field as a finite number."""
        value = self._value(row, field)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def whole(self, row: Row, field: Target, *, most: int) -> int | None:
        """A field as a whole number from 1 to ``most``; 0 stands for unknown in many files."""
        number = self.number(row, field)
        return round(number) if number is not None and 1 <= number <= most else None

    def year(self, row: Row, field: Target) -> int | None:
        """A field as a year; the value may be a date."""
        match = _YEAR.match(self.text(row, field) or "")
        return int(match.group(1)) if match else None

    def names(self, row: Row, field: Target) -> tuple[str, ...]:
        """A field as several names: a list, or a text with ``|`` or commas."""
        value = self._value(row, field)
        if isinstance(value, str):
            value = value.split("|" if "|" in value else ",")
        if not isinstance(value, (list, tuple)):
            return ()
        return tuple(str(part).strip() for part in value if part is not None and str(part).strip())

    def truth(self, row: Row, field: Target) -> bool | None:
        """A field as a boolean."""
        value = self._value(row, field)
        if isinstance(value, str):
            return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
        return bool(value) if isinstance(value, (bool, int)) else None
