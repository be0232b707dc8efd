"""The database engine: SQLite made durable and patient, or PostgreSQL as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool
from sqlmodel import create_engine

from services.embedder.database.schema import prepare_schema

BUSY_TIMEOUT_MS = 30_000

RETRYABLE = (OperationalError, IntegrityError)
"""Locked, full, away, or lost a race: nothing is wrong with what was being stored."""


def open_engine(url: str) -> Engine:
    """Connect, and make the tables or bring them up to date.

    Raises:
        services.embedder.database.schema.SchemaIncompatible: the tables there are not ours, or
        cannot be
            brought up to date; nothing has changed.
        sqlalchemy.exc.DBAPIError: the database cannot be reached or written.
        OSError: the folder of the SQLite file cannot be made.
    """
    sqlite = url.startswith("sqlite")
    options: dict[str, Any] = (
        {"poolclass": NullPool, "connect_args": {"check_same_thread": False}}
        if sqlite
        else {"pool_pre_ping": True}
    )
    engine = create_engine(url, **options)
    if sqlite:
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with writing(engine) as connection:
            prepare_schema(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction; SQLite takes its lock at once, so that it cannot fail halfway."""
    with engine.connect() as plain:
        connection = plain.execution_options(immediate=True)
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One read transaction: every statement sees the same state."""
    with engine.connect() as plain:
        level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else None
        connection = plain.execution_options(isolation_level=level) if level else plain
        with connection.begin():
            yield connection


def is_full(error: DBAPIError) -> bool:
    """Whether the disk under the database is full."""
    return "full" in str(error.orig).lower() or "space" in str(error.orig).lower()


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions, see below
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
