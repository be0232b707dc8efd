"""A table that is ready to be read: its rows, with the rows of other tables that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from services.ingest.pages.datasets.column_paths import has_column, normalised, parse_path
from services.ingest.pages.datasets.table_files import OpenedFiles
from services.ingest.pages.datasets.table_lookups import LookedUp, LookupStore
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.unread import Unread
from services.ingest.sources.dataset_tables import MovieTable, ReviewTable

ROWS_LOOKED_UP: Final = 200_000
"""Rows of each lookup that a trial reads."""


class TableReader:
    """A table that is ready to be read, as often as needed.

    Args:
        table: Its options.
        columns: All columns from which fields may be read, as headings or paths.
        note: Receives the rows of lookups that cannot be read.
        make_store: Makes the store of each lookup.
        most_rows: For a trial, the most rows to read; None for all.

    Raises:
        DatasetInvalid: a file is missing, or cannot be opened.
    """

    def __init__(
        self,
        table: MovieTable | ReviewTable,
        columns: Collection[str],
        note: Callable[[Unread], None],
        make_store: Callable[[], LookupStore],
        most_rows: int | None = None,
    ) -> None:
        self.table = table
        self._columns = columns
        self._note = note
        self._make_store = make_store
        self._most_rows = most_rows
        self._files = OpenedFiles(table, table.rows)
        self._lookups: list[LookedUp] | None = None

    @property
    def path(self) -> Path:
        """The first file, for messages."""
        return self._files.paths[0]

    @property
    def has_all_headings(self) -> bool:
        """Whether ``headings`` has the columns of every row."""
        return self._files.are_all and len(self._files.paths) == 1

    def headings(self) -> dict[str, str]:
        """Normalised headings and how they are written, with the names of the lookups.

        Raises:
            DatasetInvalid: the file cannot be read.
        """
        return self._files.headings() | {normalised(name): name for name in self.table.lookups}

    def has(self, column: str) -> bool:
        """Whether the table has the column in which a path begins."""
        return has_column(frozenset(self.headings()), column)

    def rows(self, columns: Collection[str] | None = None) -> Iterator[NumberedRow | Unread]:
        """The rows in their order, also those that cannot be read.

        Args:
            columns: The columns that are needed this time; default: all.

        Raises:
            DatasetInvalid: a table that is looked up cannot be read.
        """
        needed = [*(self._columns if columns is None else columns)]
        needed += [column for lookup in self.table.lookups.values() for column in lookup.on]
        rows = islice(self._files.rows(needed), self._most_rows)
        if not self.table.lookups:
            yield from rows
            return
        if self._most_rows is not None:
            first = list(rows)
            self._look_up([row for row in first if isinstance(row, NumberedRow)])
            rows = islice(first, None)
        elif self._lookups is None:
            self._look_up(None)
        for row in rows:
            yield self._with_lookups(row) if isinstance(row, NumberedRow) else row

    def _look_up(self, only_for: Sequence[NumberedRow] | None) -> None:
        self._lookups = []
        for name, lookup in self.table.lookups.items():
            used = {
                steps[1].key
                for column in self._columns
                if column.startswith((f"{name}.", f"{name}["))
                and len(steps := parse_path(column)) > 1
            }
            wanted, most = None, None
            if only_for is not None:
                wanted, most = LookedUp.keys_of(lookup, only_for), ROWS_LOOKED_UP
            self._lookups.append(
                LookedUp(
                    name,
                    lookup,
                    used,
                    self._note,
                    self._make_store(),
                    wanted=wanted,
                    most_rows=most,
                )
            )

    def _with_lookups(self, row: NumberedRow) -> NumberedRow:
        more: dict[str, Any] = {}
        for lookup in self._lookups or ():
            found = lookup.of(row)
            if found is not None:
                more[lookup.name] = found
        return NumberedRow(row.where, {**row.values, **more}) if more else row
