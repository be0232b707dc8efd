"""The database engine: SQLite with durable writes and a busy timeout, or PostgreSQL as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool
from sqlmodel import create_engine

from services.embedder.database.schema import lock_schema, prepare_schema

BUSY_TIMEOUT_MS = 30_000

_NOTICE_LOSS = {
    "connect_timeout": 10,  # seconds, like the next ones
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
"""So that a server that no longer answers is noticed, and every statement ends."""

RETRYABLE = (OperationalError, IntegrityError)
"""Raised when the database is locked, full or unavailable, or a race was lost.

Nothing is wrong with the data that was being stored, so the same transaction may be tried again.
"""


def open_engine(url: str) -> Engine:
    """Connect, and create the tables or upgrade them.

    Args:
        url: SQLAlchemy URL of the database.

    Raises:
        services.embedder.database.schema.SchemaIncompatible: The existing tables are not of this
            program, or cannot be upgraded; nothing has changed.
        sqlalchemy.exc.DBAPIError: The database cannot be reached or written.
        OSError: The folder of the SQLite file cannot be created.
    """
    sqlite = url.startswith("sqlite")
    options: dict[str, Any] = (
        {"poolclass": NullPool, "connect_args": {"check_same_thread": False}}
        if sqlite
        else {"pool_pre_ping": True, "connect_args": _NOTICE_LOSS}
    )
    engine = create_engine(url, **options)
    if sqlite:
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with writing(engine) as connection:
            lock_schema(connection)
            prepare_schema(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open one write transaction; SQLite locks at its start, so that it cannot fail halfway."""
    with engine.connect() as plain:
        connection = plain.execution_options(immediate=True)
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open one read transaction, in which every statement sees the same state."""
    with engine.connect() as plain:
        level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else None
        connection = plain.execution_options(isolation_level=level) if level else plain
        with connection.begin():
            yield connection


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins the transactions, in _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
