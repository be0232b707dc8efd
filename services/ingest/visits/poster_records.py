"""Records which posters a source names and which of them were fetched, in the visits file.

A picture is fetched once: while its address stays the same, later crawls do not ask for it again,
until it is ``REFRESH_AFTER_S`` old. An address that failed is tried once in each run, the one that
waits longest first. The address of a movie's poster is recorded when the movie is sent, so that it
is also known when the movie's page has not changed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Final

from services.ingest.visits.visits_file import transaction

REFRESH_AFTER_S: Final = 150 * 86_400.0
"""Five months: TMDB's terms allow six without asking again."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS posters (movie TEXT PRIMARY KEY, url TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (
  url TEXT PRIMARY KEY,
  sha256 TEXT,              -- of the picture as it was sent; NULL when it never was
  fetched_at REAL,
  failed_run TEXT NOT NULL, -- the last run that could not have it, and has said so
  tried_at REAL NOT NULL
) WITHOUT ROWID
"""
_OF_RUN = "SELECT item FROM sent UNION SELECT item FROM kept"


class PosterRecords:
    """The posters of one source; every method may raise ``sqlite3.Error``.

    Args:
        connection: The opened visits file; the tables are created when they are missing.
        run_id: The run that crawls.
    """

    def __init__(self, connection: sqlite3.Connection, run_id: str) -> None:
        self._db = connection
        self._run_id = run_id
        for statement in SCHEMA.split(";\n"):
            self._db.execute(statement)

    def note(self, urls: Mapping[str, str | None]) -> None:
        """Record the address of movies' posters.

        Args:
            urls: Ledger id of a movie to the address; None when the source names none.
        """
        with transaction(self._db):
            for movie, url in urls.items():
                if url is None:
                    self._db.execute("DELETE FROM posters WHERE movie = ?", (movie,))
                else:
                    self._db.execute("INSERT OR REPLACE INTO posters VALUES (?, ?)", (movie, url))

    def wanted(self) -> list[str]:
        """The addresses of pictures that this run has to fetch, in the order of fetching."""
        rows = self._db.execute(
            "SELECT posters.url FROM posters LEFT JOIN pictures USING (url)"  # noqa: S608
            f" WHERE movie IN ({_OF_RUN}) AND (sha256 IS NULL OR fetched_at < ?)"
            " AND coalesce(failed_run, '') != ?"
            " GROUP BY posters.url ORDER BY coalesce(max(tried_at), 0), min(movie)",
            (time.time() - REFRESH_AFTER_S, self._run_id),
        )
        return [url for (url,) in rows]

    def tried(self, url: str) -> None:
        """Note that a picture is about to be decoded; if that ends the process, others go first."""
        self._db.execute(
            "INSERT INTO pictures VALUES (?, NULL, NULL, '', ?) ON CONFLICT (url)"
            " DO UPDATE SET tried_at = excluded.tried_at",
            (url, time.time()),
        )

    def failed(self, urls: Iterable[str]) -> None:
        """Note that this run has counted pictures as unread; it does not ask for them again."""
        with transaction(self._db):
            for url in urls:
                self.tried(url)
                self._db.execute(
                    "UPDATE pictures SET failed_run = ? WHERE url = ?", (self._run_id, url)
                )

    def stored(self, url: str, sha256: str) -> None:
        """Note that the stream has confirmed a picture."""
        self._db.execute(
            "UPDATE pictures SET sha256 = ?, fetched_at = ? WHERE url = ?",
            (sha256, time.time(), url),
        )

    def forget_gone(self) -> None:
        """Forget what only movies name that this run, which was complete, has not seen."""
        with transaction(self._db):
            self._db.execute(f"DELETE FROM posters WHERE movie NOT IN ({_OF_RUN})")  # noqa: S608
            self._db.execute("DELETE FROM pictures WHERE url NOT IN (SELECT url FROM posters)")
