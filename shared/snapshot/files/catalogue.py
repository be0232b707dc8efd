"""The catalogue of a snapshot: movies, reviews and passages in one read-only SQLite file.

Rows are numbered as the vectors are: movie ``row`` n is row n of the index, and the passages of a
movie are the rows ``passage_start`` to ``passage_start + passage_count`` of ``passages.npy``. A
passage is two offsets into its review's text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import orjson
from cachetools import LRUCache

from shared.record import MOVIE_FIELDS, REVIEW_FACTS, MovieRecord, RecordField, ReviewFacts
from shared.snapshot.files.facts import CatalogueFacts
from shared.snapshot.storage.verify import SnapshotCorrupt

_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL", bool: "INTEGER", tuple: "TEXT"}


def _declared(record: Iterable[RecordField]) -> str:
    """The columns of a record; a list is JSON text, and empty by default."""
    return ", ".join(f"{field.name} {column_type(field)}" for field in record)


def column_type(field: RecordField) -> str:
    """The SQL type and default of the column that holds a field."""
    default = " NOT NULL DEFAULT '[]'" if field.type is tuple else ""
    return _SQL_TYPES[field.type] + default


MOVIE_FACTS = MOVIE_FIELDS[1:]  # without the id
_SCHEMA = f"""
CREATE TABLE movies (
  row INTEGER PRIMARY KEY, movie_id TEXT NOT NULL UNIQUE, {_declared(MOVIE_FACTS)},
  review_count INTEGER NOT NULL, passage_start INTEGER NOT NULL, passage_count INTEGER NOT NULL,
  poster TEXT
);
CREATE TABLE reviews (
  row INTEGER PRIMARY KEY, review_id TEXT NOT NULL UNIQUE, movie INTEGER NOT NULL,
  text TEXT NOT NULL, {_declared(REVIEW_FACTS)}
);
CREATE INDEX reviews_of_movie ON reviews (movie);
CREATE TABLE passages (
  row INTEGER PRIMARY KEY, review INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL
);
"""
FORMER_IDS_SCHEMA = """
CREATE TABLE IF NOT EXISTS former_ids (
  former_id TEXT NOT NULL, movie_id TEXT NOT NULL, PRIMARY KEY (former_id, movie_id)
) WITHOUT ROWID;
"""
"""Ids under which earlier versions knew movies; a movie may be gone, and come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueMovie(MovieRecord):
    """A movie of a snapshot.

    Attributes:
        row: Its row in the vector index.
        review_count: How many reviews of it the snapshot has.
        passage_start: The row of its first passage.
        passage_count: How many passages it has.
        poster: The sha256 of its poster beside the snapshots; None without one.
    """

    row: int
    review_count: int
    passage_start: int
    passage_count: int
    poster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueReview(ReviewFacts):
    """A review with its whole text; ``movie`` is its movie's row."""

    row: int
    review_id: str
    movie: int
    text: str


class CataloguePassage(NamedTuple):
    """A passage: part of a review. A tuple, because a search makes many."""

    row: int
    review_id: str
    text: str
    rating: float | None
    url: str | None
    spoiler: bool | None


class CatalogueWriter:
    """Writes a catalogue file; use as a context manager.

    Args:
        path: The file.
        schema: What makes its tables; None when it has them.
    """

    def __init__(self, path: Path, *, schema: str | None = _SCHEMA) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        # The file is fsynced as a whole before it is published; a journal would only cost time.
        self._connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        if schema is not None:
            self._connection.executescript(schema)
        self._connection.executescript(FORMER_IDS_SCHEMA)
        self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
        self._connection.close()

    def add_movie(self, movie: CatalogueMovie) -> None:
        """Add a movie."""
        _insert(self._connection, "movies", _MOVIE_COLUMNS, movie)

    def add_review(self, review: CatalogueReview) -> None:
        """Add a review."""
        _insert(self._connection, "reviews", _REVIEW_COLUMNS, review)

    def add_former_ids(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add ids that movies had before, as ``(former id, movie id)``."""
        self._connection.executemany("INSERT OR IGNORE INTO former_ids VALUES (?,?)", pairs)

    def add_passages(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        """Add passages as ``(row, review row, start, end)``."""
        self._connection.executemany("INSERT INTO passages VALUES (?,?,?,?)", rows)


_MOVIE_COLUMNS = tuple(field.name for field in fields(CatalogueMovie))
_REVIEW_COLUMNS = tuple(field.name for field in fields(CatalogueReview))
_LISTS = tuple(
    at for at, field in enumerate(MOVIE_FIELDS) if field.type is tuple
)  # places in a row of a movie
_FACT_LISTS = tuple(
    CatalogueFacts._fields.index(field.name)
    for field in MOVIE_FIELDS
    if field.type is tuple and field.name in CatalogueFacts._fields
)


def _insert(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], row: object
) -> None:
    values = [getattr(row, name) for name in columns]
    connection.execute(
        f"INSERT INTO {table} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})",  # noqa: S608
        [orjson.dumps(value).decode() if isinstance(value, tuple) else value for value in values],
    )


_CACHE_BYTES = 4_000_000
"""Size of the movies that are cached; the pages of results often have the same ones."""
_MOVIE_BYTES, _CHAR_BYTES = 1_000, 4
"""Size of a movie without its texts, and of a character."""


class Catalogue:
    """A catalogue open for reading; not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Open a verified file. It never changes, so SQLite takes no locks on it.

        Raises:
            SnapshotCorrupt: it is not a catalogue.
        """
        self._name = path.name
        self._cache: LRUCache[int, CatalogueMovie] = LRUCache(_CACHE_BYTES, getsizeof=_size_bytes)
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self._movie_columns = _selected(
                self._connection, "movies", _MOVIE_COLUMNS, MOVIE_FIELDS
            )
            self._review_columns = _selected(
                self._connection, "reviews", _REVIEW_COLUMNS, REVIEW_FACTS
            )
            is_marked = "spoiler" in self._review_columns.split(", ")
            self._spoiler = "r.spoiler" if is_marked else "NULL"
            self._facts = _selected(
                self._connection, "movies", CatalogueFacts._fields, MOVIE_FIELDS
            )
            self._connection.execute("SELECT row FROM movies LIMIT 1").fetchall()
            tables = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
            self._has_former_ids = ("former_ids",) in tables and bool(
                self._connection.execute("SELECT 1 FROM former_ids LIMIT 1").fetchall()
            )
        except sqlite3.Error as error:
            raise SnapshotCorrupt(f"{path.name}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def counts(self) -> tuple[int, int, int]:
        """The numbers of movies, reviews and passages."""
        movies, reviews, passages = self._connection.execute(
            "SELECT (SELECT count(*) FROM movies), (SELECT count(*) FROM reviews),"
            " (SELECT count(*) FROM passages)"
        ).fetchone()
        return movies, reviews, passages

    def movie(self, movie_id: str) -> CatalogueMovie | None:
        """The movie with this id, or else the only one that had it before; None when none has."""
        query = f"SELECT {self._movie_columns} FROM movies WHERE movie_id = ?"  # noqa: S608
        row = self._connection.execute(query, (movie_id,)).fetchone()
        if row is None and len(named := self.named_since(movie_id)) == 1:
            row = self._connection.execute(query, named).fetchone()
        return _movie(row) if row else None

    def named_since(self, former_id: str) -> list[str]:
        """The ids that the movies with a former id have now; several when they were parted."""
        if not self._has_former_ids:
            return []
        selected = self._connection.execute(
            "SELECT movie_id FROM former_ids WHERE former_id = ? ORDER BY movie_id", (former_id,)
        )
        return [movie_id for (movie_id,) in selected]

    def movies(self, rows: Sequence[int]) -> list[CatalogueMovie]:
        """The movies with these rows, in this order."""
        movies = {row: movie for row in rows if (movie := self._cache.get(row)) is not None}
        missing = [row for row in rows if row not in movies]
        if missing:
            marks = ",".join("?" * len(missing))
            selected = self._connection.execute(
                f"SELECT {self._movie_columns} FROM movies WHERE row IN ({marks})",  # noqa: S608
                missing,
            )
            for movie in map(_movie, selected):
                movies[movie.row] = movie
                with suppress(ValueError):  # it is larger than the whole cache
                    self._cache[movie.row] = movie
        return [movies[row] for row in rows]

    def movies_after(self, movie_id: str, limit: int) -> list[CatalogueMovie]:
        """Up to ``limit`` movies whose ids follow ``movie_id``, sorted by id."""
        selected = self._connection.execute(
            f"SELECT {self._movie_columns} FROM movies WHERE movie_id > ?"  # noqa: S608
            " ORDER BY movie_id LIMIT ?",
            (movie_id, limit),
        )
        return [_movie(row) for row in selected]

    def reviews_of(self, movie_row: int) -> list[CatalogueReview]:
        """All reviews of a movie."""
        selected = self._connection.execute(
            f"SELECT {self._review_columns} FROM reviews WHERE movie = ? ORDER BY row",  # noqa: S608
            (movie_row,),
        )
        return [_review(row) for row in selected]

    def reviews_after(
        self,
        movie_row: int,
        review_id: str,
        limit: int,
        *,
        least_rating: float | None = None,
        most_rating: float | None = None,
    ) -> list[CatalogueReview]:
        """Up to ``limit`` reviews of a movie that follow ``review_id``, sorted by id.

        Args:
            movie_row: The movie.
            review_id: A review of it, which may be gone; empty for the beginning.
            limit: How many at most.
            least_rating: Leave out reviews with a lower rating of 10, or with none.
            most_rating: Leave out reviews with a higher one, or with none.
        """
        # A movie's reviews are in the order of their ids. To find the place of one that is gone,
        # all of them are looked at.
        place = (
            "coalesce((SELECT row FROM reviews WHERE review_id = :after AND movie = :movie),"
            " (SELECT max(row) FROM reviews WHERE movie = :movie AND review_id < :after), -1)"
        )
        rated = ""
        if least_rating is not None:
            rated += " AND rating >= :least"
        if most_rating is not None:
            rated += " AND rating <= :most"
        selected = self._connection.execute(
            f"SELECT {self._review_columns} FROM reviews"  # noqa: S608
            f" WHERE movie = :movie AND row > {place if review_id else -1}{rated}"
            " ORDER BY row LIMIT :limit",
            {
                "movie": movie_row, "after": review_id, "limit": limit,
                "least": least_rating, "most": most_rating,
            },
        )  # fmt: skip
        return [_review(row) for row in selected]

    def most_passages(self) -> int:
        """The largest number of passages that a movie has."""
        [most] = self._connection.execute("SELECT max(passage_count) FROM movies").fetchone()
        return int(most or 0)

    def sampled_reviews(self, most: int, chars: int) -> list[str]:
        """The beginnings of reviews from all over the catalogue.

        Args:
            most: Largest number of reviews returned.
            chars: How many characters of each.
        """
        [count] = self._connection.execute(
            "SELECT coalesce(max(row), -1) + 1 FROM reviews"
        ).fetchone()
        rows = range(0, count, max(1, -(-count // most)))
        marks = ",".join("?" * len(rows))
        selected = self._connection.execute(
            f"SELECT substr(text, 1, ?) FROM reviews WHERE row IN ({marks})",  # noqa: S608
            [chars, *rows],
        )
        return [text for (text,) in selected]

    def passages(self, rows: Sequence[int]) -> list[CataloguePassage]:
        """The passages with these rows, in this order."""
        marks = ",".join("?" * len(rows))
        selected = self._connection.execute(
            "SELECT p.row, r.review_id, substr(r.text, p.start + 1, p.end - p.start), r.rating,"  # noqa: S608
            f" r.url, {self._spoiler} FROM passages p JOIN reviews r ON r.row = p.review"
            f" WHERE p.row IN ({marks})",
            list(rows),
        )
        by_row = {row[0]: row for row in selected}
        return [_passage(by_row[row]) for row in rows]

    def all_facts(self) -> list[CatalogueFacts]:
        """The facts of every movie, by row."""
        rows = self._connection.execute(f"SELECT {self._facts} FROM movies ORDER BY row")  # noqa: S608
        facts = []
        for row in rows:
            values = list(row)
            for at in _FACT_LISTS:
                values[at] = tuple(orjson.loads(values[at])) if values[at] != "[]" else ()
            facts.append(CatalogueFacts._make(values))
        return facts

    def rows_of(self, movie_ids: Sequence[str]) -> list[int]:
        """The rows of the movies with these ids, or that had them before; others are left out."""
        movie_ids = [
            named[0] if len(named := self.named_since(movie_id)) == 1 else movie_id
            for movie_id in movie_ids
        ]
        marks = ",".join("?" * len(movie_ids))
        selected = self._connection.execute(
            f"SELECT row FROM movies WHERE movie_id IN ({marks})",  # noqa: S608
            movie_ids,
        )
        return [row for (row,) in selected]

    def movie_ids(self) -> list[str]:
        """The id of every movie, by row."""
        return [
            row[0] for row in self._connection.execute("SELECT movie_id FROM movies ORDER BY row")
        ]

    def posters(self) -> set[str]:
        """The names of all posters."""
        columns = {row[1] for row in self._connection.execute("PRAGMA table_info(movies)")}
        if "poster" not in columns:  # a snapshot of an earlier version
            return set()
        named = "SELECT DISTINCT poster FROM movies WHERE poster IS NOT NULL"
        return {poster for (poster,) in self._connection.execute(named)}

    def passage_ranges(self) -> list[tuple[int, int]]:
        """``(passage_start, passage_count)`` of every movie, by row."""
        return self._connection.execute(
            "SELECT passage_start, passage_count FROM movies ORDER BY row"
        ).fetchall()


def _size_bytes(movie: CatalogueMovie) -> int:
    """An upper bound of a movie's size in memory."""
    facts = (getattr(movie, field.name) for field in MOVIE_FIELDS)
    chars = sum(
        len(fact) if isinstance(fact, str) else sum(map(len, fact))
        for fact in facts
        if isinstance(fact, str | tuple)
    )
    return _MOVIE_BYTES + _CHAR_BYTES * chars


def _movie(row: Sequence[Any]) -> CatalogueMovie:
    values = list(row)
    for at in _LISTS:
        values[at] = tuple(orjson.loads(values[at])) if values[at] != "[]" else ()
    return CatalogueMovie(**dict(zip(_MOVIE_COLUMNS, values, strict=True)))


def _passage(row: Sequence[Any]) -> CataloguePassage:
    passage = CataloguePassage._make(row)
    return passage if passage.spoiler is None else passage._replace(spoiler=bool(passage.spoiler))


def _review(row: Sequence[Any]) -> CatalogueReview:
    review = dict(zip(_REVIEW_COLUMNS, row, strict=True))
    if review["spoiler"] is not None:
        review["spoiler"] = bool(review["spoiler"])
    return CatalogueReview(**review)


def _selected(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    record: Iterable[RecordField],
) -> str:
    """The columns of a table, as SQL selects them.

    A snapshot of an earlier version lacks the facts that were added to the record since: they are
    unknown.
    """
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    lists = {field.name for field in record if field.type is tuple}
    return ", ".join(
        name if name in present else f"'[]' AS {name}" if name in lists else f"NULL AS {name}"
        for name in columns
    )
