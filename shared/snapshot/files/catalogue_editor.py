"""A catalogue as a changed copy of another: only the rows of changed movies are written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson

from shared.record import MOVIE_FIELDS, REVIEW_FACTS, MovieRecord
from shared.snapshot.files.catalogue import MOVIE_FACTS, CatalogueWriter, column_type


class CatalogueEditor(CatalogueWriter):
    """Changes a copy of a catalogue; use as a context manager. Rows of movies must end up dense."""

    def __init__(self, path: Path, *, base: Path) -> None:
        """Copy a verified file and open the copy for writing.

        Args:
            path: The copy.
            base: The file.
        """
        shutil.copyfile(base, path)
        super().__init__(path, schema=None)
        self._add_missing_columns()
        self._next_review = self._number("SELECT coalesce(max(row), -1) + 1 FROM reviews")

    def _add_missing_columns(self) -> None:
        """Give the copy of an earlier version's file the facts that were declared since."""
        for table, record in (("movies", MOVIE_FACTS), ("reviews", REVIEW_FACTS)):
            present = {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            for field in record:
                if field.name not in present:
                    self._connection.execute(
                        f"ALTER TABLE {table} ADD COLUMN {field.name} {column_type(field)}"
                    )
            if table == "movies" and "poster" not in present:
                self._connection.execute("ALTER TABLE movies ADD COLUMN poster TEXT")

    def movie_ids(self) -> list[str]:
        """The id of every movie, by row."""
        rows = self._connection.execute("SELECT movie_id FROM movies ORDER BY row")
        return [movie_id for (movie_id,) in rows]

    def take_review_rows(self, count: int) -> int:
        """Reserve rows for new reviews; returns the first of ``count`` consecutive ones."""
        first = self._next_review
        self._next_review += count
        return first

    def take_out(self, row: int) -> tuple[int, int]:
        """Delete a movie with its reviews and passages.

        Returns:
            Its first passage and the number of its passages, whose rows are free now.
        """
        free: tuple[int, int] = self._connection.execute(
            "DELETE FROM movies WHERE row = ? RETURNING passage_start, passage_count", (row,)
        ).fetchone()
        start, count = free
        self._connection.execute("DELETE FROM reviews WHERE movie = ?", (row,))
        self._connection.execute(
            "DELETE FROM passages WHERE row >= ? AND row < ?", (start, start + count)
        )
        return free

    def move(self, row: int, to: int) -> None:
        """Give a movie another row, which must be free."""
        self._connection.execute("UPDATE movies SET row = ? WHERE row = ?", (to, row))
        self._connection.execute("UPDATE reviews SET movie = ? WHERE movie = ?", (to, row))

    def facts(self, row: int) -> MovieRecord:
        """What is known of a movie."""
        names = ", ".join(field.name for field in MOVIE_FIELDS)
        values = self._connection.execute(
            f"SELECT {names} FROM movies WHERE row = ?",  # noqa: S608
            (row,),
        ).fetchone()
        facts: dict[str, Any] = {}
        for field, value in zip(MOVIE_FIELDS, values, strict=True):
            facts[field.name] = tuple(orjson.loads(value)) if field.type is tuple else value
        return MovieRecord(**facts)

    def texts(self, row: int) -> list[str]:
        """The texts of a movie's reviews."""
        reviews = self._connection.execute(
            "SELECT text FROM reviews WHERE movie = ? ORDER BY row", (row,)
        )
        return [text for (text,) in reviews]

    def counts(self) -> tuple[int, int, int]:
        """The numbers of movies, reviews and passages."""
        counts: tuple[int, int, int] = self._connection.execute(
            "SELECT count(*), coalesce(sum(review_count), 0), coalesce(sum(passage_count), 0)"
            " FROM movies"
        ).fetchone()
        return counts

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])
