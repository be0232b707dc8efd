"""Bringing a database of an earlier version up to date: additions only, in one transaction.

1. What is there is compared with the models. What only changing or deleting could mend is refused
   before anything is touched.
2. Missing tables, columns and indexes are added; a new column of an old table may be null or has a
   default in the database.
3. Rows that an earlier version did not keep are derived from those it did.

There are no numbered steps: whatever version wrote the database, the difference is what is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Inspector, Table, inspect, literal, null, select
from sqlalchemy.schema import CreateColumn
from sqlmodel import SQLModel

from services.embedder.database.models import RevisionRow
from shared.delivery.messages import ledger_id
from shared.telemetry import get_logger


class SchemaIncompatible(RuntimeError):
    """The database is not one that this version can add to; the message says what is wrong."""


def prepare_schema(connection: Connection) -> None:
    """Make the tables, or add what an earlier version's lack.

    Raises:
        SchemaIncompatible: it would take more than additions; nothing has changed.
    """
    found = inspect(connection)
    present = set(found.get_table_names())
    tables = SQLModel.metadata.sorted_tables
    missing = {
        table.name: _missing_columns(found, table) for table in tables if table.name in present
    }
    SQLModel.metadata.create_all(connection)
    for name, columns in missing.items():
        table = SQLModel.metadata.tables[name]
        for column in columns:
            _add_column(connection, table, column)
        known = {index["name"] for index in found.get_indexes(name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in known:
                index.create(connection)
    added = {f"{name}.{column.name}" for name, columns in missing.items() for column in columns}
    new = {table.name for table in tables} - present
    if present & set(missing) and (added or new):
        get_logger().info("database brought up to date", added=sorted(added | new))
    if "source_items" in new:
        _fill_source_items(connection)
    revision = SQLModel.metadata.tables["revision"]
    if connection.execute(revision.select()).first() is None:
        connection.execute(revision.insert().values(**RevisionRow().model_dump()))


def _missing_columns(found: Inspector, table: Table) -> list[Column[Any]]:
    """What the table in the database lacks.

    Raises:
        SchemaIncompatible: it differs in more than that.
    """
    there = {column["name"]: column for column in found.get_columns(table.name)}
    keys: Sequence[str] = found.get_pk_constraint(table.name)["constrained_columns"]
    ours = [column.name for column in table.primary_key.columns]
    if list(keys) != ours:
        raise SchemaIncompatible(
            f"the database's table {table.name} has the key ({', '.join(keys) or 'none'}) and not "
            f"({', '.join(ours)}): it is not a database of this program"
        )
    for name, described in there.items():
        if name not in table.columns and _is_required(described):
            raise SchemaIncompatible(
                f"the database's table {table.name} wants a column {name} that this version does "
                "not know: it was written by a later version, use that one"
            )
    lacking = [column for column in table.columns if column.name not in there]
    for column in lacking:
        if not column.nullable and column.server_default is None:
            raise SchemaIncompatible(
                f"the database's table {table.name} has no column {column.name}, and it cannot be "
                "added: use an earlier version, or a new database and crawl again"
            )
    return lacking


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
    """Until now each movie and review knew only the source that changed it last."""
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
