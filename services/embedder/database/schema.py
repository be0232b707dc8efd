"""Upgrades the database of an earlier version: additions only, in one transaction.

1. The existing tables are compared with the models. A difference that only a change or a deletion
   could remove is refused before anything is written.
2. Missing tables, columns and indexes are added; a new column of an existing table must be nullable
   or have a default in the database.
3. Rows that an earlier version did not keep are derived from those that it did.

There are no numbered migrations: the difference between the database and the models is added,
whichever version wrote the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Inspector, Table, func, inspect, literal, null, select
from sqlalchemy.schema import CreateColumn
from sqlmodel import SQLModel

from services.embedder.database.models import MOVIES_NAMED, RevisionRow
from services.embedder.database.movie_store import fill_told_facts
from shared.delivery.messages import ledger_id
from shared.telemetry import get_logger

_SCHEMA_LOCK = 0x6D6F766965


class SchemaIncompatible(RuntimeError):
    """Raised when the database needs more than additions; the message says what is wrong."""


def lock_schema(connection: Connection) -> None:
    """Wait for others that prepare the schema, until the transaction ends.

    Several embedders may open an empty database at once. SQLite locks the whole database when the
    transaction begins.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))


def prepare_schema(connection: Connection) -> None:
    """Create the tables, or add what those of an earlier version lack.

    Raises:
        SchemaIncompatible: The database needs more than additions; nothing has changed.
    """
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    tables = SQLModel.metadata.sorted_tables
    missing = {
        table.name: _missing_columns(inspector, table) for table in tables if table.name in present
    }
    SQLModel.metadata.create_all(connection)
    for name, columns in missing.items():
        table = SQLModel.metadata.tables[name]
        for column in columns:
            _add_column(connection, table, column)
        known = {index["name"] for index in inspector.get_indexes(name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in known:
                index.create(connection)
    added = {f"{name}.{column.name}" for name, columns in missing.items() for column in columns}
    new = {table.name for table in tables} - present
    if present & set(missing) and (added or new):
        get_logger().info("database schema upgraded", added=sorted(added | new))
    if "source_items" in new:
        _fill_source_items(connection)
    if "movies" in new:
        steps = SQLModel.metadata.tables["upgrade_steps"]
        connection.execute(steps.insert().values(name=MOVIES_NAMED))
    elif "told_facts" in new:
        fill_told_facts(connection)
    revision = SQLModel.metadata.tables["revision"]
    if connection.execute(revision.select()).first() is None:
        connection.execute(revision.insert().values(**RevisionRow().model_dump()))


def _missing_columns(inspector: Inspector, table: Table) -> list[Column[Any]]:
    """Return the columns that the table in the database lacks.

    Raises:
        SchemaIncompatible: The table differs in more than missing columns that can be added.
    """
    existing = {column["name"]: column for column in inspector.get_columns(table.name)}
    keys: Sequence[str] = inspector.get_pk_constraint(table.name)["constrained_columns"]
    expected_keys = [column.name for column in table.primary_key.columns]
    if list(keys) != expected_keys:
        raise SchemaIncompatible(
            f"the database's table {table.name} has the key ({', '.join(keys) or 'none'}) and not "
            f"({', '.join(expected_keys)}): it is not a database of this program"
        )
    for name, described in existing.items():
        if name not in table.columns and _is_required(described):
            raise SchemaIncompatible(
                f"the database's table {table.name} requires a column {name} that this version "
                "does not know: it was written by a later version, use that version"
            )
    missing = [column for column in table.columns if column.name not in existing]
    for column in missing:
        if not column.nullable and column.server_default is None:
            raise SchemaIncompatible(
                f"the database's table {table.name} has no column {column.name}, and it cannot be "
                "added: use an earlier version, or a new database and crawl again"
            )
    return missing


def _is_required(column: Mapping[str, Any]) -> bool:
    return (
        not column["nullable"]
        and column.get("default") is None
        and column.get("autoincrement") is not True
    )


def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    preparer = connection.dialect.identifier_preparer
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(
        f"ALTER TABLE {preparer.format_table(table)} ADD COLUMN {definition}"
    )


def _fill_source_items(connection: Connection) -> None:
    """Derive the rows from ``movies`` and ``reviews``, which know the source of the last change."""
    tables = SQLModel.metadata.tables
    for kind, table in (("movie", tables["movies"]), ("review", tables["reviews"])):
        known = select(
            table.c.source,
            literal(ledger_id(kind, "")) + table.c[f"{kind}_id"],
            null(),
        )
        connection.execute(
            tables["source_items"].insert().from_select(["source", "item", "added_by"], known)
        )
