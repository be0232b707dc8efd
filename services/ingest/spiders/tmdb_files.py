"""Reads the files of a TMDB source: the operator's key, and lists of movies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.ingest.pages.identifiers import imdb_movie_id
from shared.telemetry import get_logger

MAX_TOKEN_CHARS = 4096
MAX_LINE_CHARS = 1000
_ID_COLUMNS = ("movie_id", "imdb_id", "tmdb_id")
_API_KEY = re.compile(r"[0-9a-f]{32}")
_TMDB_ID = re.compile(r"(?:tmdb:)?([1-9]\d{0,9})")


class TmdbFileInvalid(ValueError):
    """Raised for a file of the source that cannot be used; the message does not quote it."""


@dataclass(frozen=True, slots=True)
class MovieRef:
    """A movie to read: its IMDb id, or else its number at TMDB."""

    imdb_id: str | None = None
    tmdb_id: int | None = None


def read_token(path: Path) -> str:
    """The API Read Access Token in a file.

    The shorter API key would have to be part of every URL, and so be in logs and in the visits.

    Raises:
        TmdbFileInvalid: the file cannot be read, or holds something else.
    """
    try:
        token = path.read_bytes()[: MAX_TOKEN_CHARS + 2].decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise TmdbFileInvalid(f"key_file {path} cannot be read: {reason}") from None
    if _API_KEY.fullmatch(token):
        raise TmdbFileInvalid(
            f"key_file {path} has the API key; it must have the API Read Access Token, which "
            "TMDB shows below the key"
        )
    if not token or len(token) > MAX_TOKEN_CHARS or not token.isprintable() or " " in token:
        raise TmdbFileInvalid(f"key_file {path} must have the API Read Access Token in one line")
    return token


def read_ids(path: Path) -> Iterator[MovieRef]:
    """The movies that a file lists; ids that are neither IMDb's nor TMDB's are left out.

    A text has an id in each line: ``tt0111161``, or ``tmdb:278`` or ``278`` for a number at TMDB.
    A parquet file, such as ``movies.parquet`` of ``movie-search export``, has them in the columns
    ``movie_id``, ``imdb_id`` or ``tmdb_id``; only in the last one a bare number is TMDB's.

    Raises:
        TmdbFileInvalid: the file cannot be read, or has none of the columns.
    """
    left_out = 0
    for value, is_tmdb in _values(path):
        ref = _ref(value, is_tmdb=is_tmdb)
        if ref is not None:
            yield ref
        else:
            left_out += 1
    if left_out:
        get_logger().warning("ids of other catalogues left out", file=str(path), count=left_out)


def _ref(value: Any, *, is_tmdb: bool) -> MovieRef | None:
    said = str(value).strip()
    imdb_id = imdb_movie_id(said)
    if imdb_id is not None:
        return MovieRef(imdb_id=imdb_id)
    match = _TMDB_ID.fullmatch(said)
    if match is None or not (is_tmdb or said.startswith("tmdb:")):
        return None
    return MovieRef(tmdb_id=int(match.group(1)))


def _values(path: Path) -> Iterator[tuple[Any, bool]]:
    """The ids as the file has them, and whether a bare number among them is TMDB's."""
    try:
        if path.name.endswith(".parquet"):
            yield from _of_parquet(path)
        else:
            with path.open(encoding="utf-8") as lines:
                while line := lines.readline(MAX_LINE_CHARS):
                    if line.strip() and not line.lstrip().startswith("#"):
                        yield line, True
    except OSError as error:
        raise TmdbFileInvalid(f"ids_from {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, pa.ArrowException) as error:
        raise TmdbFileInvalid(f"ids_from {path} cannot be read: {error}") from None


def _of_parquet(path: Path) -> Iterable[tuple[Any, bool]]:
    with pq.ParquetFile(path) as file:
        column = next((name for name in _ID_COLUMNS if name in file.schema_arrow.names), None)
        if column is None:
            names = ", ".join(_ID_COLUMNS)
            raise TmdbFileInvalid(f"ids_from {path} has none of the columns {names}")
        for batch in file.iter_batches(columns=[column]):
            for value in batch.column(0).to_pylist():
                if value is not None:
                    yield value, column == "tmdb_id"
