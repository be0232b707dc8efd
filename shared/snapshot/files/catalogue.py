"""The catalogue of a snapshot: movies, reviews and passages in one read-only SQLite file.

Rows are numbered as the vectors are: movie ``row`` n is row n of the index, and the passages of a
movie are the rows ``passage_start`` to ``passage_start + passage_count`` of ``passages.npy``. A
passage is two offsets into its review's text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

import orjson

from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.system.lru import BoundedCache

_SCHEMA = """
CREATE TABLE movies (
  row INTEGER PRIMARY KEY, movie_id TEXT NOT NULL UNIQUE, title TEXT, year INTEGER,
  genres TEXT NOT NULL, directors TEXT NOT NULL, description TEXT, rating REAL, url TEXT,
  review_count INTEGER NOT NULL, passage_start INTEGER NOT NULL, passage_count INTEGER NOT NULL
);
CREATE TABLE reviews (
  row INTEGER PRIMARY KEY, review_id TEXT NOT NULL UNIQUE, movie INTEGER NOT NULL,
  text TEXT NOT NULL, rating REAL, title TEXT, author TEXT, published TEXT, url TEXT, language TEXT
);
CREATE INDEX reviews_of_movie ON reviews (movie);
CREATE TABLE passages (
  row INTEGER PRIMARY KEY, review INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class CatalogueMovie:
    """A film, and where its passages lie."""

    row: int
    movie_id: str
    title: str | None
    year: int | None
    genres: tuple[str, ...]
    directors: tuple[str, ...]
    description: str | None
    rating: float | None
    url: str | None
    review_count: int
    passage_start: int
    passage_count: int


@dataclass(frozen=True, slots=True)
class CatalogueReview:
    """A review with its whole text."""

    row: int
    review_id: str
    movie: int
    text: str
    rating: float | None
    title: str | None
    author: str | None
    published: str | None
    url: str | None
    language: str | None


class CataloguePassage(NamedTuple):
    """A passage: part of a review. A tuple, because a search makes many."""

    row: int
    review_id: str
    text: str
    rating: float | None
    url: str | None


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
        self._connection.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
        self._connection.close()

    def add_movie(self, movie: CatalogueMovie) -> None:
        """Add a film."""
        self._connection.execute(
            "INSERT INTO movies VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                movie.row, movie.movie_id, movie.title, movie.year,
                orjson.dumps(movie.genres).decode(), orjson.dumps(movie.directors).decode(),
                movie.description, movie.rating, movie.url,
                movie.review_count, movie.passage_start, movie.passage_count,
            ),
        )  # fmt: skip

    def add_review(self, review: CatalogueReview) -> None:
        """Add a review."""
        self._connection.execute(
            "INSERT INTO reviews VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                review.row, review.review_id, review.movie, review.text, review.rating,
                review.title, review.author, review.published, review.url, review.language,
            ),
        )  # fmt: skip

    def add_passages(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        """Add passages as ``(row, review row, start, end)``."""
        self._connection.executemany("INSERT INTO passages VALUES (?,?,?,?)", rows)


_MOVIE_COLUMNS = (
    "row, movie_id, title, year, genres, directors, description, rating, url, review_count, "
    "passage_start, passage_count"
)
_REVIEW_COLUMNS = "row, review_id, movie, text, rating, title, author, published, url, language"


_RECENT_BYTES = 4_000_000  # of films that were read lately; pages of results repeat themselves
_MOVIE_BYTES, _CHAR_BYTES = 1_000, 4  # of a film without its texts, and of a character


class Catalogue:
    """A catalogue opened for reading; one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open a verified file. It never changes, so SQLite takes no locks on it.

        Raises:
            SnapshotCorrupt: it is not a catalogue.
        """
        self._name = path.name
        self._recent: BoundedCache[CatalogueMovie] = BoundedCache(_RECENT_BYTES)
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self._connection.execute("SELECT row FROM movies LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise SnapshotCorrupt(f"{path.name}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def counts(self) -> tuple[int, int, int]:
        """Numbers of movies, reviews and passages."""
        movies, reviews, passages = self._connection.execute(
            "SELECT (SELECT count(*) FROM movies), (SELECT count(*) FROM reviews),"
            " (SELECT count(*) FROM passages)"
        ).fetchone()
        return movies, reviews, passages

    def movie(self, movie_id: str) -> CatalogueMovie | None:
        """The film with this id."""
        found = self._connection.execute(
            f"SELECT {_MOVIE_COLUMNS} FROM movies WHERE movie_id = ?",  # noqa: S608
            (movie_id,),
        ).fetchone()
        return _movie(found) if found else None

    def movies(self, rows: Sequence[int]) -> list[CatalogueMovie]:
        """Films by row, in the order asked for."""
        known = {row: movie for row in rows if (movie := self._recent.get(row)) is not None}
        wanted = [row for row in rows if row not in known]
        if wanted:
            marks = ",".join("?" * len(wanted))
            found = self._connection.execute(
                f"SELECT {_MOVIE_COLUMNS} FROM movies WHERE row IN ({marks})",  # noqa: S608
                wanted,
            )
            for movie in map(_movie, found):
                known[movie.row] = movie
                self._recent.keep(movie.row, movie, _size_bytes(movie))
        return [known[row] for row in rows]

    def movies_after(self, movie_id: str, limit: int) -> list[CatalogueMovie]:
        """Films in the order of their ids, after ``movie_id`` ('' for the first)."""
        found = self._connection.execute(
            f"SELECT {_MOVIE_COLUMNS} FROM movies WHERE movie_id > ?"  # noqa: S608
            " ORDER BY movie_id LIMIT ?",
            (movie_id, limit),
        )
        return [_movie(row) for row in found]

    def reviews_of(self, movie_row: int) -> list[CatalogueReview]:
        """All reviews of a film."""
        found = self._connection.execute(
            f"SELECT {_REVIEW_COLUMNS} FROM reviews WHERE movie = ? ORDER BY row",  # noqa: S608
            (movie_row,),
        )
        return [CatalogueReview(*row) for row in found]

    def passages(self, rows: Sequence[int]) -> list[CataloguePassage]:
        """Passages by row, in the order asked for."""
        marks = ",".join("?" * len(rows))
        found = self._connection.execute(
            "SELECT p.row, r.review_id, substr(r.text, p.start + 1, p.end - p.start), r.rating,"  # noqa: S608
            f" r.url FROM passages p JOIN reviews r ON r.row = p.review WHERE p.row IN ({marks})",
            list(rows),
        )
        by_row = {row[0]: row for row in found}
        return [CataloguePassage._make(by_row[row]) for row in rows]

    def all_facts(
        self,
    ) -> list[tuple[str | None, int | None, float | None, tuple[str, ...], int]]:
        """Title, year, rating, genres and number of reviews of every film, by row."""
        rows = self._connection.execute(
            "SELECT title, year, rating, genres, review_count FROM movies ORDER BY row"
        )
        return [
            (title, year, rating, tuple(orjson.loads(genres)), reviews)
            for title, year, rating, genres, reviews in rows
        ]

    def movie_ids(self) -> list[str]:
        """The id of every film, by row."""
        return [
            row[0] for row in self._connection.execute("SELECT movie_id FROM movies ORDER BY row")
        ]

    def passage_ranges(self) -> list[tuple[int, int]]:
        """``(passage_start, passage_count)`` of every film, by row."""
        return self._connection.execute(
            "SELECT passage_start, passage_count FROM movies ORDER BY row"
        ).fetchall()


def _size_bytes(movie: CatalogueMovie) -> int:
    """At the most what a film takes in memory."""
    texts = (movie.movie_id, movie.title or "", movie.description or "", movie.url or "")
    chars = sum(map(len, (*texts, *movie.genres, *movie.directors)))
    return _MOVIE_BYTES + _CHAR_BYTES * chars


def _movie(row: tuple[object, ...]) -> CatalogueMovie:
    values = list(row)
    values[4] = tuple(orjson.loads(str(values[4])))
    values[5] = tuple(orjson.loads(str(values[5])))
    return CatalogueMovie(*values)  # type: ignore[arg-type]  # columns are declared in this order
