"""Catalogues on disk: rows of a file of movies and a file of reviews to items, in flat memory.

Known columns, the first that a row has:

=========== =========================================================
movies      ``movie_id`` or ``imdb_id``; ``movie_title`` or ``title``; ``movie_desc`` or
            ``description``; ``year``; ``genres``; ``directors`` or ``director``; ``rating``;
            ``url``
reviews     ``movie_id`` or ``imdb_id``; ``user_review`` or ``text`` or ``review``; ``review_id``;
            ``user_review_permalink`` or ``url``; ``rating``; ``movie`` (its title);
            ``title`` (of the review); ``author``; ``published`` or ``date``; ``language``;
            ``spoiler``
=========== =========================================================

A source's ``columns`` names others: a field that it maps is read from that column and no other.
A field that both files have may be mapped for one of them: in the file without that column the
known ones hold.

Keeping only some reviews of each movie takes two passes: ids and ratings first, then the texts of
the rows that were picked, so the file may be in any order.
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

__all__ = ["DatasetInvalid", "check_files", "read_movies", "read_reviews"]

Columns = Mapping[Target, str]  # from our name of a field to the file's

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


def check_files(movies: Path, reviews: Path, columns: Columns) -> None:
    """See that both files are there and begin as they should, before anything is read.

    Raises:
        DatasetInvalid: one is missing or broken, or lacks a column.
    """
    found: set[str] = set()
    for path, fields in ((movies, _of_movies(columns)), (reviews, _of_reviews(columns))):
        names = first_columns(path)
        why = fields.check(names)
        if why is not None:
            raise DatasetInvalid(f"{path}: {why}")
        found.update(names)
    if has_header(movies) and has_header(reviews):  # a row of jsonl need not have every key
        for field, name in columns.items():
            if name not in found:
                raise DatasetInvalid(
                    f"{movies}: has no column {name} (columns.{field}), nor has {reviews}"
                )


def read_movies(path: Path, source: str, columns: Columns | None = None) -> Iterator[MovieItem]:
    """The movies of a file, in its order.

    Raises:
        DatasetInvalid: the file is missing, broken, or has no column of ids.
    """
    fields = _of_movies(columns or {})
    for row in read_rows(path, fields.check):
        own = fields.text(row, "movie_id")
        if own is None:
            continue
        yield MovieItem(
            movie_id=movie_id(source, own),
            title=fields.text(row, "title"),
            year=fields.year(row, "year"),
            genres=fields.names(row, "genres"),
            directors=fields.names(row, "directors"),
            description=fields.text(row, "description"),
            rating=fields.number(row, "rating"),
            url=fields.text(row, "url"),
        )


def read_reviews(
    path: Path, source: str, *, per_movie: int = 0, columns: Columns | None = None
) -> Iterator[tuple[ReviewItem, str | None]]:
    """The reviews of a file, in its order, each with its movie's title where the row has it.

    Args:
        path: The file.
        source: The source's name, for ids.
        per_movie: Keep this many of each movie (``sampling.pick``); 0 keeps all.
        columns: The file's names for our fields, where they are not the known ones.

    Raises:
        DatasetInvalid: the file is missing, broken, or lacks a column that it must have.
    """
    fields = _of_reviews(columns or {})
    kept = _picked(path, per_movie, fields) if per_movie else None
    for at, row in enumerate(read_rows(path, fields.check)):
        own = fields.text(row, "movie_id")
        if own is None or (kept is not None and at not in kept):
            continue
        yield (
            ReviewItem(
                movie_id=movie_id(source, own),
                text=fields.text(row, "text") or "",
                own_id=fields.text(row, "review_id"),
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


def _picked(path: Path, per_movie: int, fields: _Fields) -> set[int]:
    """Numbers of the rows to keep. Memory: two numbers a row, no text."""
    places: dict[str, list[int]] = defaultdict(list)
    ratings: dict[str, list[float | None]] = defaultdict(list)
    only = fields.columns_of("movie_id", "rating")
    for at, row in enumerate(read_rows(path, fields.check, only=only)):
        own = fields.text(row, "movie_id")
        if own is not None:
            places[own].append(at)
            ratings[own].append(fields.number(row, "rating"))
    return {places[own][chosen] for own in places for chosen in pick(ratings[own], per_movie)}


def _of_movies(columns: Columns) -> _Fields:
    return _Fields(MOVIE_COLUMNS, columns, required=("movie_id",), elsewhere=REVIEW_COLUMNS)


def _of_reviews(columns: Columns) -> _Fields:
    return _Fields(REVIEW_COLUMNS, columns, required=("movie_id", "text"), elsewhere=MOVIE_COLUMNS)


class _Fields:
    """Our fields in the rows of one file.

    Args:
        known: The columns that a field is read from, the first that a row has.
        columns: The source's own names.
        required: Fields without which no row makes an item.
        elsewhere: The other file's fields, which share ``columns``.
    """

    def __init__(
        self,
        known: Mapping[Target, tuple[str, ...]],
        columns: Columns,
        *,
        required: Sequence[Target],
        elsewhere: Collection[Target],
    ) -> None:
        self._mapped = {field: columns[field] for field in known if field in columns}
        self._known = {
            field: () if field in self._mapped and field not in elsewhere else names
            for field, names in known.items()
        }
        self._required = required

    def columns_of(self, *fields: Target) -> set[str]:
        """Every column that one of the fields may be read from."""
        return {name for field in fields for name in self._names(field)}

    def check(self, columns: Collection[str]) -> str | None:
        """What is missing of a file's columns, or None."""
        for field in self._required:
            names = self._names(field)
            if not set(names) & set(columns):
                asked = f" (columns.{field})" if field in self._mapped else ""
                return f"has no column {' or '.join(names)}{asked}"
        return None

    def _names(self, field: Target) -> tuple[str, ...]:
        own = self._mapped.get(field)
        return self._known[field] if own is None else (own, *self._known[field])

    def _value(self, row: Row, field: Target) -> Any:
        own = self._mapped.get(field)
        names = self._known[field] if own is None or own not in row else (own,)
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

    def year(self, row: Row, field: Target) -> int | None:
        """A field as a year; it may be a whole date."""
        match = _YEAR.match(self.text(row, field) or "")
        return int(match.group(1)) if match else None

    def names(self, row: Row, field: Target) -> tuple[str, ...]:
        """A field as several names, listed or parted by ``|`` or a comma."""
        value = self._value(row, field)
        if isinstance(value, str):
            value = value.split("|" if "|" in value else ",")
        if not isinstance(value, (list, tuple)):
            return ()
        return tuple(str(part).strip() for part in value if part is not None and str(part).strip())

    def truth(self, row: Row, field: Target) -> bool | None:
        """A field as yes or no."""
        value = self._value(row, field)
        if isinstance(value, str):
            return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
        return bool(value) if isinstance(value, (bool, int)) else None
