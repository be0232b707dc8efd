"""Reads the fields of a row: each from the first of its columns that has a value. Pure.

A value that cannot be read costs its field, never the row, and is listed as unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from services.ingest.pages.datasets.column_paths import is_path, normalised, values_at
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.days import day, year
from services.ingest.pages.values.name_lists import names
from services.ingest.pages.values.numbers import count, minutes, truth
from services.ingest.pages.values.ratings import FILE_SCALE, rating
from services.ingest.pages.values.texts import NULLS, ValueUnread, identifier, is_missing, text
from services.ingest.sources.dataset_tables import MovieTable, ReviewTable

_T = TypeVar("_T")


class RowFields:
    """Reads rows of one table.

    Args:
        table: The options of the table.
        columns: Field to the columns from which it may be read.
        unread: Receives what could not be read.
    """

    def __init__(
        self,
        table: MovieTable | ReviewTable,
        columns: Mapping[str, tuple[str, ...]],
        unread: Callable[[Unread], None],
    ) -> None:
        self.table = table
        self.columns = columns
        self._unread = unread
        self._nulls = NULLS | frozenset(table.nulls)
        self._best = table.rating_scale or FILE_SCALE
        self._separator = table.separator
        # A heading is looked up as it is; only other names are worth the work for a path.
        self._columns = {
            field: tuple((name, normalised(name), is_path(name)) for name in found)
            for field, found in columns.items()
        }
        self._find = {str(field): re.compile(find) for field, find in table.find.items()}
        self._prefix = {str(field): prefix for field, prefix in table.prefix.items()}

    def silent(self) -> RowFields:
        """The same fields, for a pass over rows that are read again."""
        return RowFields(self.table, self.columns, _ignore)

    def columns_of(self, *fields: str) -> set[str]:
        """All columns from which some fields may be read."""
        return {name for field in fields for name in self.columns.get(field, ())}

    def found(self, row: NumberedRow, field: str, column: str) -> Any:
        """The value of one of a field's columns, or what the field's expression finds in it.

        Raises:
            ValueUnread: the expression needs a text, and there is none.
        """
        value = values_at(row.values, column)
        if is_missing(value, self._nulls):
            return None
        return self._searched(field, value) if field in self._find else value

    def value(self, row: NumberedRow, field: str) -> Any:
        """The first value of a field; None when there is none."""
        values = row.values
        for column, heading, leads_further in self._columns.get(field, ()):
            if heading in values:
                found = values[heading]
            elif leads_further:
                found = values_at(values, column)
            else:
                continue
            if not is_missing(found, self._nulls):
                return found
        return None

    def text(self, row: NumberedRow, field: str) -> str | None:
        """A field as text."""
        found = self._read(row, field, lambda value: text(value, self._nulls))
        return self._prefix[field] + found if found and field in self._prefix else found

    def identifier(self, row: NumberedRow, field: str) -> str | None:
        """A field as an id."""
        return self._read(row, field, lambda value: identifier(value, self._nulls))

    def rating(self, row: NumberedRow, field: str) -> float | None:
        """A field as a rating from 0 to 10."""
        return self._read(
            row, field, lambda value: rating(value, best=self._best, nulls=self._nulls)
        )

    def year(self, row: NumberedRow, field: str) -> int | None:
        """A field as a year."""
        return self._read(row, field, lambda value: year(value, self._nulls))

    def day(self, row: NumberedRow, field: str) -> str | None:
        """A field as a day, ``YYYY-MM-DD``."""
        return self._read(row, field, lambda value: day(value, self._nulls))

    def minutes(self, row: NumberedRow, field: str) -> int | None:
        """A field as a running time."""
        return self._read(row, field, lambda value: minutes(value, self._nulls))

    def count(self, row: NumberedRow, field: str) -> int | None:
        """A field as a number of votes; 0 stands for unknown in many files."""
        return self._read(row, field, lambda value: count(value, self._nulls)) or None

    def truth(self, row: NumberedRow, field: str) -> bool | None:
        """A field as a yes or a no."""
        return self._read(row, field, lambda value: truth(value, self._nulls))

    def names(self, row: NumberedRow, field: str) -> tuple[str, ...]:
        """A field as several names."""
        find = self._find.get(field)

        def read(value: Any) -> tuple[str, ...]:
            if find is None:
                return names(value, self._nulls, separator=self._separator)
            said = text(value, self._nulls) or ""
            return names([_found(match) for match in find.finditer(said)], self._nulls)

        return self._read(row, field, read, is_found=True) or ()

    def _read(
        self,
        row: NumberedRow,
        field: str,
        read: Callable[[Any], _T | None],
        *,
        is_found: bool = False,
    ) -> _T | None:
        value = self.value(row, field)
        if value is None:
            return None
        try:
            if not is_found and field in self._find:
                value = self._searched(field, value)
            return read(value) if value is not None else None
        except ValueUnread as error:
            self.note(row, field, error)
            return None

    def _searched(self, field: str, value: Any) -> str | None:
        match = self._find[field].search(text(value, self._nulls) or "")
        return _found(match) or None if match is not None else None

    def note(self, row: NumberedRow, field: str, error: ValueUnread) -> None:
        """List a value of a row as unread."""
        self._unread(Unread("value", f"{row.where} {field}", error.why, error.excerpt))


def _ignore(_: Unread) -> None:
    """A row that is read again was noted before."""


def _found(match: re.Match[str]) -> str:
    """What an expression found: its first group, or all of it when it has no groups."""
    return (match.group(1) if match.re.groups else match.group()) or ""
