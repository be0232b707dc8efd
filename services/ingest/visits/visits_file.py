"""The visits file of a source: its schema, and how it is opened, checked and quarantined."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.ingest.visits.page_reading import left_out_pages
from shared.telemetry import get_logger

FILE = "visits.sqlite"
FORMAT = 1
BUSY_TIMEOUT_S = 30.0

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE visits (
  n INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,      -- key of the first page, as asked for or as redirected to
  is_alias INTEGER NOT NULL,     -- the same visit as another row, under another URL
  run_id TEXT NOT NULL,          -- '' when it is of no use but for drift
  is_kept INTEGER NOT NULL,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  pages INTEGER NOT NULL,
  content BLOB NOT NULL,         -- compressed JSON: see visit_rows; zlib's checksum guards it
  depth INTEGER NOT NULL,
  fetched_at REAL NOT NULL,
  digest TEXT NOT NULL,
  movies INTEGER NOT NULL, untitled INTEGER NOT NULL,
  reviews INTEGER NOT NULL, textless INTEGER NOT NULL,
  known_reviews INTEGER NOT NULL DEFAULT 0,  -- as of the last baseline that had it
  known_digest TEXT NOT NULL DEFAULT ''
);
CREATE INDEX visits_of_run ON visits (run_id);
CREATE TABLE held (item TEXT PRIMARY KEY, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sent (item TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE kept (item TEXT PRIMARY KEY) WITHOUT ROWID;
"""


def finished_pages(folder: Path, run_id: str) -> int:
    """The number of page sequences that a run need not fetch again, read or left out.

    Those that were read count as none when the file cannot be read.

    Args:
        folder: The source's folder.
        run_id: The run.
    """
    path = folder / FILE
    left_out = left_out_pages(folder, run_id)
    if not path.is_file():
        return left_out
    with suppress(sqlite3.Error):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            [count] = db.execute(
                "SELECT count(*) FROM visits WHERE run_id = ?", (run_id,)
            ).fetchone()
            return int(count) + left_out
        finally:
            db.close()
    return left_out


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error means a damaged file, and not a full disk or missing permissions."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.DatabaseError) and (code is None or code & 0xFF in _DAMAGED)


def connect(path: Path | str) -> sqlite3.Connection:
    """Open the file and check it; create it when it is missing.

    Raises:
        sqlite3.Error: it cannot be opened; ``is_damage`` distinguishes the reasons.
    """
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        # Safe when the process is killed; when the machine crashes, the latest visits may be lost.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        fault = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            raise sqlite3.DatabaseError(fault)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            with transaction(db):
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")
        elif version != FORMAT:
            raise sqlite3.DatabaseError(f"the format is {version}, expected {FORMAT}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def quarantine(path: Path, reason: str) -> None:
    """Rename a damaged file, so that a new one can be created.

    Args:
        path: The file.
        reason: What is wrong with it, for the log.
    """
    quarantined = path.with_name(f"{path.name}.damaged")
    get_logger().warning(
        "damaged visits file quarantined, crawling the whole source",
        file=str(quarantined),
        reason=reason,
    )
    path.replace(quarantined)
    for suffix in ("-wal", "-shm"):  # SQLite would apply them to the new file
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit the statements of the body together; roll all of them back when it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
