"""A catalogue as a changed copy of another: only the rows of movies that change are written."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson

from shared.snapshot.files.catalogue import CatalogueWriter


class CatalogueEditor(CatalogueWriter):
    """Changes a copy of a catalogue; use as a context manager. Rows of movies must end up dense."""

    def __init__(self, path: Path, *, base: Path) -> None:
        """Copy a verified file and open the copy for writing.

        Args:
            path: Where the copy is to be.
            base: The file.
        """
        shutil.copyfile(base, path)
        super().__init__(path, schema=None)
        self._next_review = self._number("SELECT coalesce(max(row), -1) + 1 FROM reviews")

    def movie_ids(self) -> list[str]:
        """The id of every movie, by row."""
        found = self._connection.execute("SELECT movie_id FROM movies ORDER BY row")
        return [movie_id for (movie_id,) in found]

    def next_review(self) -> int:
        """The row of a review that is added."""
        self._next_review += 1
        return self._next_review - 1

    def take_out(self, row: int) -> tuple[int, int]:
        """Delete a movie with its reviews and passages.

        Returns:
            Its first passage and the number of them: rows that are free now, as the movie's is.
        """
        place: tuple[int, int] = self._connection.execute(
            "DELETE FROM movies WHERE row = ? RETURNING passage_start, passage_count", (row,)
        ).fetchone()
        start, count = place
        self._connection.execute("DELETE FROM reviews WHERE movie = ?", (row,))
        self._connection.execute(
            "DELETE FROM passages WHERE row >= ? AND row < ?", (start, start + count)
        )
        return place

    def move(self, row: int, to: int) -> None:
        """Give a movie another row, which must be free."""
        self._connection.execute("UPDATE movies SET row = ? WHERE row = ?", (to, row))
        self._connection.execute("UPDATE reviews SET movie = ? WHERE movie = ?", (to, row))

    def texts(self, row: int) -> list[str]:
        """What the lexical index takes of a movie: its reviews, and its directors' names."""
        directors = self._connection.execute(
            "SELECT directors FROM movies WHERE row = ?", (row,)
        ).fetchone()[0]
        reviews = self._connection.execute(
            "SELECT text FROM reviews WHERE movie = ? ORDER BY row", (row,)
        )
        return [*(text for (text,) in reviews), *orjson.loads(directors)]

    def counts(self) -> tuple[int, int, int]:
        """Numbers of movies, reviews and passages."""
        found: tuple[int, int, int] = self._connection.execute(
            "SELECT count(*), coalesce(sum(review_count), 0), coalesce(sum(passage_count), 0)"
            " FROM movies"
        ).fetchone()
        return found

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])
