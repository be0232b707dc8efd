"""The files of a collection with less in them than the original ones have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_DESCRIPTIONS = ("movie_desc", "description")
_IMDB_ID = re.compile(r"tt\d+")


def write_titled(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write the movies that have a title, and their reviews.

    Args:
        files: The parquet files ``movies`` and ``reviews``.
        folder: Where to write files of the same names.

    Returns:
        The new files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    movies = pq.read_table(files["movies"])
    movies = movies.filter(pc.is_valid(movies["title"]))
    reviews = pq.read_table(files["reviews"])
    reviews = reviews.filter(pc.is_in(reviews["movie_id"], value_set=movies["movie_id"]))
    written = {}
    for name, table in (("movies", movies), ("reviews", reviews)):
        written[name] = folder / f"{name}.parquet"
        pq.write_table(table, written[name])
    return written


def write_without_descriptions(movies: Path, movie_ids: AbstractSet[str], written: Path) -> bool:
    """Write movies, of which some lack their description.

    Args:
        movies: A parquet file of movies.
        movie_ids: The ids of those that are to have no description.
        written: The file to write.

    Returns:
        Whether any of them has one; otherwise nothing is written.
    """
    table = pq.read_table(movies)
    silent = _without_descriptions(table, movie_ids)
    if silent.equals(table):
        return False
    pq.write_table(silent, written)
    return True


def _without_descriptions(movies: pa.Table, movie_ids: AbstractSet[str]) -> pa.Table:
    named = pa.array([_movie_id(value) in movie_ids for value in movies["movie_id"].to_pylist()])
    for column in _DESCRIPTIONS:
        if column in movies.column_names:
            place = movies.column_names.index(column)
            nothing = pa.scalar(None, movies.schema.types[place])
            kept = pc.if_else(named, nothing, movies[column])
            movies = movies.set_column(place, movies.schema.field(place), kept)
    return movies


def _movie_id(value: str) -> str:
    """The id of a movie, which a file may have as the path of its page (``/title/tt…/``)."""
    match = _IMDB_ID.search(value)
    return value if match is None else match[0]
