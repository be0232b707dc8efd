"""Reads a table: its files one after the other, with the rows of other tables that belong to them.

A table is described by options (``services.ingest.sources.dataset_tables``). Memory use does not
grow with the table, only with the tables that are looked up: of those, the columns in use are kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.ingest.pages.datasets.column_paths import (
    has_column,
    normalised,
    parse_path,
    values_at,
)
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.dataset_files import FileForm, find_files, read_form
from services.ingest.pages.datasets.table_rows import NumberedRow, read_file, read_headings
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import NULLS, ValueUnread, identifier
from services.ingest.sources.dataset_tables import Lookup, MovieTable, ReviewTable, TableFiles

_ROWS_CHECKED: Final = 200  # of files whose rows have their own keys
_MOST_ENTRIES: Final = 200  # of a lookup with many rows


class TableReader:
    """A table that is ready to be read.

    Args:
        table: Its options.
        columns: All columns from which fields may be read, as headings or paths.
        name: What the table is called in messages.

    Raises:
        DatasetInvalid: a file is missing, or cannot be opened.
    """

    def __init__(self, table: MovieTable | ReviewTable, columns: Iterable[str], name: str) -> None:
        self.table = table
        self.name = name
        self._columns = tuple(dict.fromkeys([*columns, *table.only]))
        self._files = _opened(table)
        self._lookups: dict[str, Mapping[str, Any]] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the table."""
        return tuple(path for path, _ in self._files)

    def headings(self) -> dict[str, str]:
        """Normalised headings of the first file, and how they are written.

        Of a file whose rows have keys of their own, those of its first rows.

        Raises:
            DatasetInvalid: the file cannot be read.
        """
        path, form = self._files[0]
        written = read_headings(path, form, quoting=self.table.quoting)
        if written is not None:
            found = {normalised(heading): heading for heading in written if heading.strip()}
        else:
            found = {}
            for row in _first(self._rows_of(path, form), _ROWS_CHECKED):
                found.update({key: key for key in row.values})
        return found | {name: name for name in self.table.lookups}

    def has(self, column: str, headings: Mapping[str, str]) -> bool:
        """Whether the table has the column in which a path begins."""
        return has_column(frozenset(headings), column)

    def rows(self) -> Iterator[NumberedRow | Unread]:
        """The rows in their order, also those that cannot be read.

        Raises:
            DatasetInvalid: a table that is looked up cannot be read.
        """
        for name, lookup in self.table.lookups.items():
            if name not in self._lookups:
                self._lookups[name] = _read_lookup(name, lookup, self._columns)
        only = [(column, value.casefold()) for column, value in self.table.only.items()]
        for path, form in self._files:
            for row in self._rows_of(path, form):
                if isinstance(row, Unread):
                    yield row
                    continue
                known = self._with_lookups(row)
                if all(_is_value(known.values, column, value) for column, value in only):
                    yield known

    def _rows_of(self, path: Path, form: FileForm) -> Iterator[NumberedRow | Unread]:
        table = self.table
        needed = {normalised(column) for column in self._columns}
        needed |= {parse_path(column)[0].key for column in self._columns}
        needed |= {normalised(lookup.on) for lookup in table.lookups.values()}
        rows = read_file(
            path,
            form,
            quoting=table.quoting,
            escape=table.escape,
            only=needed,
            pattern=re.compile(table.pattern) if table.pattern is not None else None,
        )
        return rows if table.rows is None else _expanded(rows, table.rows)

    def _with_lookups(self, row: NumberedRow) -> NumberedRow:
        if not self._lookups:
            return row
        more: dict[str, Any] = {}
        for name, lookup in self.table.lookups.items():
            key = _key(values_at(row.values, lookup.on))
            found = self._lookups[name].get(key) if key is not None else None
            if found is not None:
                more[normalised(name)] = found
        return NumberedRow(row.where, {**row.values, **more}) if more else row


def _opened(files: TableFiles) -> list[tuple[Path, FileForm]]:
    return [
        (
            path,
            read_form(
                path,
                format=files.format,
                encoding=files.encoding,
                delimiter=files.delimiter,
            ),
        )
        for path in find_files(files.path)
    ]


def _read_lookup(name: str, lookup: Lookup, columns: Iterable[str]) -> Mapping[str, Any]:
    """The rows of a table by the values of its key; each with the columns in use."""
    prefixes = (f"{name}.", f"{name}[")
    used = {
        parse_path(column)[1].key
        for column in columns
        if column.startswith(prefixes) and len(parse_path(column)) > 1
    }
    single: dict[str, Any] = {}
    many: dict[str, list[Any]] = defaultdict(list)
    for path, form in _opened(lookup):
        headings = read_headings(path, form, quoting=lookup.quoting)
        if headings is not None and not has_column(
            frozenset(map(normalised, headings)), lookup.key
        ):
            raise DatasetInvalid(f"{path}: has no column {lookup.key} (lookups.{name}.key)")
        rows = read_file(
            path, form, quoting=lookup.quoting, escape=lookup.escape,
            only={*used, normalised(lookup.key)},
        )  # fmt: skip
        for row in rows:
            if isinstance(row, Unread):
                continue  # it enriches rows, and is none of them
            key = _key(values_at(row.values, lookup.key))
            if key is None:
                continue
            values = {column: row.values[column] for column in used if column in row.values}
            if not lookup.many:
                single.setdefault(key, values)
            elif len(many[key]) < _MOST_ENTRIES and values not in many[key]:
                many[key].append(values)
    return many if lookup.many else single


def _expanded(rows: Iterable[NumberedRow | Unread], path: str) -> Iterator[NumberedRow | Unread]:
    """The entries of the list that each document holds, with the document's own values."""
    for row in rows:
        if isinstance(row, Unread):
            yield row
            continue
        entries = values_at(row.values, path)
        if not isinstance(entries, list):
            yield Unread("row", row.where, f"no list at {path}")
            continue
        above = {key: value for key, value in row.values.items() if value is not entries}
        for number, entry in enumerate(entries, 1):
            where = f"{row.where}, {path} {number}"
            if isinstance(entry, Mapping):
                inner = {normalised(str(key)): value for key, value in entry.items()}
                yield NumberedRow(where, {"document": above, **inner})
            else:
                yield Unread("row", where, "not an object")


def _is_value(row: Mapping[str, Any], column: str, value: str) -> bool:
    found = values_at(row, column)
    return found is not None and str(found).strip().casefold() == value


def _key(value: Any) -> str | None:
    """A value by which rows of two tables are joined; numbers are one in every notation."""
    try:
        found = identifier(value, NULLS)
    except ValueUnread:
        return None
    return found.lstrip("0") or "0" if found is not None and found.isdecimal() else found


def _first(rows: Iterable[NumberedRow | Unread], most: int) -> Iterator[NumberedRow]:
    for number, row in enumerate(rows):
        if number >= most:
            return
        if isinstance(row, NumberedRow):
            yield row
