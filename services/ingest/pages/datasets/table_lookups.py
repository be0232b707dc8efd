"""Other tables whose rows belong to the rows of a table, such as a crosswalk of ids.

Their columns in use are kept in a store: in memory for a trial, and on disk for a crawl
(``services.ingest.spiders.lookup_store``), whose memory use does not grow with them either.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any, Final, Protocol

from services.ingest.pages.datasets.column_paths import has_column, normalised, values_at
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.table_files import OpenedFiles
from services.ingest.pages.datasets.table_rows import NumberedRow
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import NULLS, ValueUnread, excerpt, identifier
from services.ingest.sources.dataset_tables import Lookup

MOST_ENTRIES: Final = 200
"""Rows of one lookup that belong to one row."""


def key_of(values: Mapping[str, Any], columns: Iterable[str]) -> str | None:
    """The values by which rows of two tables are joined; None where one is missing.

    Numbers are the same in every notation: ``0114700``, ``114700`` and ``114700.0``.
    """
    parts = []
    for column in columns:
        try:
            part = identifier(values_at(values, column), NULLS)
        except ValueUnread:
            return None
        if part is None:
            return None
        parts.append(part.lstrip("0") or "0" if part.isdecimal() else part)
    return "\x1f".join(parts)


class LookupStore(Protocol):
    """Keeps the rows of a lookup by their keys."""

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keep rows, each with its key."""

    def of(self, key: str, most: int) -> Sequence[str]:
        """The different rows of a key, the most frequent first, at most ``most``."""


class MemoryStore:
    """Keeps rows in memory."""

    def __init__(self) -> None:
        self._rows: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keep rows, each with its key."""
        for key, said in rows:
            self._rows[key][said] += 1

    def of(self, key: str, most: int) -> Sequence[str]:
        """The different rows of a key, the most frequent first, at most ``most``."""
        found = self._rows.get(key, Counter())
        return sorted(found, key=lambda said: (-found[said], said))[:most]


class LookedUp:
    """The rows of a lookup by their keys.

    Args:
        name: The name of the lookup.
        lookup: Its options.
        columns: Normalised headings of its columns in use.
        note: Receives the rows that cannot be read, as values that the other table lacks.
        store: Keeps the rows.
        wanted: The keys that are needed; None for all.
        most_rows: The most rows to read; None for all.

    Raises:
        DatasetInvalid: the table is missing or has no column of the key.
    """

    def __init__(
        self,
        name: str,
        lookup: Lookup,
        columns: AbstractSet[str],
        note: Callable[[Unread], None],
        store: LookupStore,
        *,
        wanted: AbstractSet[str] | None = None,
        most_rows: int | None = None,
    ) -> None:
        self.name = normalised(name)
        self._lookup = lookup
        self._store = store
        try:
            files = OpenedFiles(lookup)
        except DatasetInvalid:
            if not lookup.optional:
                raise
            return
        headings = files.headings()
        for column in lookup.key:
            if not has_column(frozenset(headings), column):
                raise DatasetInvalid(
                    f"{files.paths[0]}: has no column {column} (lookups.{name}.key)"
                )
        rows = self._rows(files, columns, note, wanted, most_rows)
        self._store.add(rows)

    def _rows(
        self,
        files: OpenedFiles,
        columns: AbstractSet[str],
        note: Callable[[Unread], None],
        wanted: AbstractSet[str] | None,
        most_rows: int | None,
    ) -> Iterator[tuple[str, str]]:
        lookup = self._lookup
        needed = {*columns, *lookup.key}
        missing = set(wanted) if wanted is not None and not lookup.many else None
        for number, row in enumerate(files.rows(needed)):
            if most_rows is not None and number >= most_rows:
                return
            if isinstance(row, Unread):
                note(Unread("value", row.where, row.why, row.excerpt))
                continue
            key = key_of(row.values, lookup.key)
            if key is None or (wanted is not None and key not in wanted):
                continue
            said = {column: row.values[column] for column in columns if column in row.values}
            yield key, json.dumps(said, default=_plain, sort_keys=True)
            if missing is not None:
                missing.discard(key)
                if not missing:
                    return

    @staticmethod
    def keys_of(lookup: Lookup, rows: Iterable[NumberedRow]) -> AbstractSet[str]:
        """The keys of the rows of a lookup that belong to some rows."""
        keys = (key_of(row.values, lookup.on) for row in rows)
        return {key for key in keys if key is not None}

    def of(self, row: NumberedRow) -> Any:
        """The values that belong to a row; a list with ``many``, the most frequent first."""
        key = key_of(row.values, self._lookup.on)
        if key is None:
            return None
        most = MOST_ENTRIES if self._lookup.many else 1
        found = [json.loads(said) for said in self._store.of(key, most)]
        if self._lookup.many:
            return found or None
        return found[0] if found else None


def _plain(value: Any) -> Any:
    """A value of parquet as JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return excerpt(value)
