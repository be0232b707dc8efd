"""Keeps the rows of a lookup in a temporary database on disk: IMDb's ratings are 1.5 million."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence


class DiskStore:
    """Keeps rows in a file that nobody else sees and that is gone with the process."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE found (key TEXT, said TEXT, times INTEGER, "
            "PRIMARY KEY (key, said)) WITHOUT ROWID"
        )

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keep rows, each with its key."""
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO found VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1", rows
        )
        self._database.execute("COMMIT")

    def of(self, key: str, most: int) -> Sequence[str]:
        """The different rows of a key, the most frequent first, at most ``most``."""
        found = self._database.execute(
            "SELECT said FROM found WHERE key = ? ORDER BY times DESC, said LIMIT ?", (key, most)
        )
        return [said for (said,) in found]
