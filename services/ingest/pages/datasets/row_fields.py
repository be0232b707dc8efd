"""Reads the fields of a row: each from the first of its columns that has a value. Pure.

A value that cannot be read costs its field, never the row, and is listed as unread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from services.ingest.pages.datasets.column_paths import values_at
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.days import day, year
from services.ingest.pages.values.name_lists import names
from services.ingest.pages.values.numbers import count, minutes, truth
from services.ingest.pages.values.ratings import FILE_SCALE, rating
from services.ingest.pages.values.texts import NULLS, ValueUnread, identifier, is_missing, text

_T = TypeVar("_T")


class RowFields:
    """Reads rows of one table.

    Args:
        columns: Field to the columns from which it may be read.
        nulls: Further texts that stand for no value.
        rating_scale: The best rating.
        separator: What stands between names in a text.
        unread: Receives what could not be read.
    """

    def __init__(
        self,
        columns: Mapping[str, tuple[str, ...]],
        unread: Callable[[Unread], None],
        *,
        nulls: Collection[str] = (),
        rating_scale: float | None = None,
        separator: str | None = None,
    ) -> None:
        self.columns = columns
        self._unread = unread
        self._nulls = NULLS | frozenset(nulls)
        self._best = rating_scale or FILE_SCALE
        self._separator = separator

    def values(self, row: NumberedRow, field: str) -> list[Any]:
        """What each column of a field has; None where it has no value."""
        found = [values_at(row.values, column) for column in self.columns.get(field, ())]
        return [None if is_missing(value, self._nulls) else value for value in found]

    def value(self, row: NumberedRow, field: str) -> Any:
        """The first value of a field; None when there is none."""
        return next((value for value in self.values(row, field) if value is not None), None)

    def text(self, row: NumberedRow, field: str) -> str | None:
        """A field as text."""
        return self._read(row, field, lambda value: text(value, self._nulls))

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
        return (
            self._read(
                row, field, lambda value: names(value, self._nulls, separator=self._separator)
            )
            or ()
        )

    def _read(self, row: NumberedRow, field: str, read: Callable[[Any], _T | None]) -> _T | None:
        value = self.value(row, field)
        if value is None:
            return None
        try:
            return read(value)
        except ValueUnread as error:
            self._unread(Unread("value", f"{row.where} {field}", error.why, error.excerpt))
            return None
