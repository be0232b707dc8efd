"""Catalogues on disk: rows of parquet, csv or jsonl files to items, in flat memory.

Known columns, the first that a file has:

=========== =========================================================
movies      ``movie_id``; ``movie_title`` or ``title``; ``movie_desc`` or ``description``; ``year``;
            ``genres``; ``directors`` or ``director``; ``rating``; ``url``
reviews     ``movie_id``; ``user_review`` or ``text`` or ``review``; ``review_id``;
            ``user_review_permalink`` or ``url``; ``rating``; ``movie`` (its title);
            ``title`` (of the review); ``author``; ``published`` or ``date``; ``language``;
            ``spoiler``
=========== =========================================================

A parquet file is read in record batches, the others row by row. Keeping only some reviews of each
movie takes two passes: ids and ratings first, then the texts of the rows that were picked, so
the file may be in any order.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.ingest.identifiers import movie_id
from services.ingest.items import MovieItem, ReviewItem
from services.ingest.sampling import pick

Row = Mapping[str, Any]

BATCH_ROWS = 500
_MAX_FIELD_CHARS = 10_000_000

_MOVIE_ID = ("movie_id", "imdb_id")
_TITLE = ("movie_title", "title")
_DESCRIPTION = ("movie_desc", "description")
_DIRECTORS = ("directors", "director")
_TEXT = ("user_review", "text", "review")
_PERMALINK = ("user_review_permalink", "url")
_PUBLISHED = ("published", "date")


class DatasetInvalid(ValueError):
    """A file of a dataset cannot be read as one; the message names the file and why."""


def read_movies(path: Path, source: str) -> Iterator[MovieItem]:
    """The movies of a file, in its order.

    Raises:
        DatasetInvalid: the file is missing, broken, or has no column of ids.
    """
    for row in _rows(path, required=(_MOVIE_ID,)):
        own = _text(row, *_MOVIE_ID)
        if own is None:
            continue
        yield MovieItem(
            movie_id=movie_id(source, own),
            title=_text(row, *_TITLE),
            year=_year(row),
            genres=_names(row, "genres"),
            directors=_names(row, *_DIRECTORS),
            description=_text(row, *_DESCRIPTION),
            rating=_number(row, "rating"),
            url=_text(row, "url"),
        )


def read_reviews(
    path: Path, source: str, *, per_movie: int = 0
) -> Iterator[tuple[ReviewItem, str | None]]:
    """The reviews of a file, in its order, each with its movie's title where the row has it.

    Args:
        path: The file.
        source: The source's name, for ids.
        per_movie: Keep this many of each movie (``sampling.pick``); 0 keeps all.

    Raises:
        DatasetInvalid: the file is missing, broken, or lacks a column that it must have.
    """
    required = (_MOVIE_ID, _TEXT)
    kept = _picked(path, per_movie, required) if per_movie else None
    for at, row in enumerate(_rows(path, required=required)):
        own = _text(row, *_MOVIE_ID)
        if own is None or (kept is not None and at not in kept):
            continue
        yield (
            ReviewItem(
                movie_id=movie_id(source, own),
                text=_text(row, *_TEXT) or "",
                own_id=_text(row, "review_id"),
                rating=_number(row, "rating"),
                title=_text(row, "title"),
                author=_text(row, "author"),
                published=_text(row, *_PUBLISHED),
                url=_text(row, *_PERMALINK),
                language=_text(row, "language"),
                spoiler=_truth(row, "spoiler"),
            ),
            _text(row, "movie"),
        )


def _picked(path: Path, per_movie: int, required: Sequence[Sequence[str]]) -> set[int]:
    """Numbers of the rows to keep. Memory: two numbers a row, no text."""
    places: dict[str, list[int]] = defaultdict(list)
    ratings: dict[str, list[float | None]] = defaultdict(list)
    for at, row in enumerate(_rows(path, required=required, columns=(*_MOVIE_ID, "rating"))):
        own = _text(row, *_MOVIE_ID)
        if own is not None:
            places[own].append(at)
            ratings[own].append(_number(row, "rating"))
    return {places[own][chosen] for own in places for chosen in pick(ratings[own], per_movie)}


def _rows(
    path: Path, *, required: Sequence[Sequence[str]], columns: Sequence[str] | None = None
) -> Iterator[Row]:
    """Rows of a file as mappings; ``columns`` narrows what a parquet file reads."""
    if not path.is_file():
        raise DatasetInvalid(f"{path}: no such file")
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path, required, columns)
        elif path.suffix == ".csv":
            yield from _csv(path, required)
        else:
            yield from _jsonl(path, required)
    except (pa.ArrowException, csv.Error, UnicodeDecodeError, OSError) as error:
        raise DatasetInvalid(f"{path}: cannot be read: {error}") from error


def _parquet(
    path: Path, required: Sequence[Sequence[str]], columns: Sequence[str] | None
) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _require(path, names, required)
        wanted = [name for name in names if columns is None or name in columns]
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
            yield from batch.to_pylist()


def _csv(path: Path, required: Sequence[Sequence[str]]) -> Iterator[Row]:
    csv.field_size_limit(_MAX_FIELD_CHARS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _require(path, reader.fieldnames or (), required)
        yield from reader


def _jsonl(path: Path, required: Sequence[Sequence[str]]) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DatasetInvalid(f"{path}: line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise DatasetInvalid(f"{path}: line {number}: not an object")
            if number == 1:
                _require(path, row, required)
            yield row


def _require(path: Path, names: Iterable[str], required: Sequence[Sequence[str]]) -> None:
    present = set(names)
    for alternatives in required:
        if present.isdisjoint(alternatives):
            raise DatasetInvalid(f"{path}: has no column {' or '.join(alternatives)}")


def _value(row: Row, *names: str) -> Any:
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def _text(row: Row, *names: str) -> str | None:
    value = _value(row, *names)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def _number(row: Row, name: str) -> float | None:
    value = _value(row, name)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _year(row: Row) -> int | None:
    number = _number(row, "year")
    return int(number) if number is not None else None


def _names(row: Row, *names: str) -> tuple[str, ...]:
    value = _value(row, *names)
    if isinstance(value, str):
        separator = "|" if "|" in value else ","
        value = value.split(separator)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(str(part).strip() for part in value if part is not None and str(part).strip())


def _truth(row: Row, name: str) -> bool | None:
    value = _value(row, name)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, (bool, int)) else None
