"""Reads the files of a table one after the other, as their options say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.ingest.pages.datasets.column_paths import beginnings, normalised, values_at
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.dataset_files import FileForm, find_files, read_form
from services.ingest.pages.datasets.table_rows import NumberedRow, read_file, read_headings
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import NULLS, is_missing
from services.ingest.sources.dataset_tables import TableFiles

_ROWS_LOOKED_AT: Final = 200  # of files whose rows have their own keys


class OpenedFiles:
    """The files of a table.

    Args:
        table: Their options.
        list_path: For documents that hold a list of rows, the path to that list.

    Raises:
        DatasetInvalid: a file is missing, or cannot be opened.
    """

    def __init__(self, table: TableFiles, list_path: str | None = None) -> None:
        self._table = table
        self._list_path = list_path
        self._pattern = (
            re.compile(f"(?:^|.*/)(?:{table.pattern})", re.DOTALL) if table.pattern else None
        )
        self._only = [
            (column, {value.strip().casefold() for value in values})
            for column, values in table.only.items()
        ]
        self._nulls = NULLS | frozenset(table.nulls)
        self.paths = find_files(table.path)
        self._forms: dict[Path, FileForm] = {}
        first = self._form(self.paths[0])
        if first.format != "texts":  # of which there may be a hundred thousand
            for path in self.paths:
                self._form(path)
        self._headings: dict[str, str] | None = None
        self.are_all = first.format not in {"json", "jsonl"} and list_path is None
        """Whether ``headings`` has all columns; rows of JSON may have further keys."""

    def headings(self) -> dict[str, str]:
        """Normalised heading of each column of the first file to the heading as it is written.

        Of a file whose rows have keys of their own, those of its first rows.

        Raises:
            DatasetInvalid: the file cannot be read.
        """
        if self._headings is None:
            self._headings = self._read_headings()
        return self._headings

    def rows(self, columns: Iterable[str] | None = None) -> Iterator[NumberedRow | Unread]:
        """The rows in their order, also those that cannot be read.

        Args:
            columns: The columns to read, if not all; only parquet makes use of it.
        """
        needed = None
        if columns is not None:
            both = [*columns, *self._table.only, *self._table.required]
            both += [self._list_path] if self._list_path else []
            needed = {one for column in both for one in beginnings(column)}
        for path in self.paths:
            for row in self._rows_of(path, needed):
                if isinstance(row, Unread) or self._is_one(row.values):
                    yield row

    def _is_one(self, row: Mapping[str, Any]) -> bool:
        """Whether ``only`` and ``required`` allow a row."""
        return all(_has_one(row, column, values) for column, values in self._only) and not any(
            is_missing(values_at(row, column), self._nulls) for column in self._table.required
        )

    def _read_headings(self) -> dict[str, str]:
        path = self.paths[0]
        form = self._form(path)
        groups = [*self._pattern.groupindex] if self._pattern else []
        named = {normalised(group): group for group in groups}
        if self._list_path is None:
            written = read_headings(path, form, quoting=self._table.quoting)
            if written is not None:
                return {normalised(one): one for one in written if one.strip()} | named
        found: dict[str, str] = {}
        why = ""
        for number, row in enumerate(self._rows_of(path, None)):
            if number >= _ROWS_LOOKED_AT:
                break
            if isinstance(row, NumberedRow):
                found.update({key: key for key in row.values})
            elif not why:
                why = f"; the first, {row.where}: {row.why}"
        if not found and self._list_path is None:
            raise DatasetInvalid(f"{path}: has no rows that can be read{why}")
        return found | named

    def _rows_of(self, path: Path, needed: set[str] | None) -> Iterator[NumberedRow | Unread]:
        table = self._table
        named: dict[str, str] = {}
        if self._pattern is not None:
            match = self._pattern.fullmatch(path.as_posix())
            if match is None:
                yield Unread("row", str(path), f"the path does not match {table.pattern}")
                return
            groups = match.groupdict()
            named = {normalised(key): value for key, value in groups.items() if value is not None}
        rows = read_file(
            path, self._form(path), quoting=table.quoting, escape=table.escape, only=needed
        )
        if self._list_path is not None:
            rows = _expanded(rows, self._list_path)
        if not named:
            yield from rows
            return
        for row in rows:
            if isinstance(row, NumberedRow):
                yield NumberedRow(row.where, {**row.values, **named})
            else:
                yield row

    def _form(self, path: Path) -> FileForm:
        table = self._table
        if path not in self._forms:
            form = read_form(
                path, format=table.format, encoding=table.encoding, delimiter=table.delimiter
            )
            if form.format == "texts":
                return form
            self._forms[path] = form
        return self._forms[path]


def _expanded(rows: Iterable[NumberedRow | Unread], path: str) -> Iterator[NumberedRow | Unread]:
    """The entries of the list that each document holds, with the document as a value."""
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


def _has_one(row: Mapping[str, Any], column: str, values: set[str]) -> bool:
    found = values_at(row, column)
    return found is not None and str(found).strip().casefold() in values
