"""Reads the rows of a table that may be one file, a glob, or a folder of part files.

``dataset_files`` finds out how each file is written, ``table_rows`` reads its rows. A row that
cannot be read is passed to ``note`` and skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ingest.pages.datasets.column_paths import beginnings, normalised
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.dataset_files import FileForm, find_files, read_form
from services.ingest.pages.datasets.table_rows import NumberedRow, read_file, read_headings
from services.ingest.pages.unread import Unread

Note = Callable[[Unread], None]

_ROWS_LOOKED_AT: Final = 200  # of files whose rows have their own keys


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of a table.

    Attributes:
        written: Normalised heading to the heading as it is written.
        are_all: Whether there are no others; rows of JSON may have further keys.
    """

    written: Mapping[str, str]
    are_all: bool


def read_rows(
    path: Path, note: Note, *, encoding: str | None = None, only: Collection[str] | None = None
) -> Iterator[NumberedRow]:
    """Read the rows of a table in their order.

    Args:
        path: A file, a glob, or a folder of part files.
        note: Receives the rows that cannot be read.
        encoding: The encoding of the files; None for UTF-8, or what a byte order mark says.
        only: The columns or paths to read, if not all; only parquet makes use of it.

    Raises:
        DatasetInvalid: a file is missing, or cannot be opened.
    """
    needed = None if only is None else {one for column in only for one in beginnings(column)}
    for file, form in _opened(path, encoding):
        for row in read_file(file, form, only=needed):
            if isinstance(row, Unread):
                note(row)
            else:
                yield row


def headings_of(path: Path, *, encoding: str | None = None) -> Headings:
    """The columns of a table; of files whose rows have their own keys, those of the first rows.

    Raises:
        DatasetInvalid: a file is missing, or cannot be opened.
    """
    [(file, form), *_] = _opened(path, encoding)
    written = read_headings(file, form)
    if written is not None:
        return Headings({normalised(one): one for one in written if one.strip()}, are_all=True)
    found: dict[str, str] = {}
    why = ""
    for number, row in enumerate(read_file(file, form)):
        if number >= _ROWS_LOOKED_AT:
            break
        if isinstance(row, NumberedRow):
            found.update({key: key for key in row.values})
        elif not why:
            why = f"; the first, {row.where}: {row.why}"
    if not found:
        raise DatasetInvalid(f"{file}: has no rows that can be read{why}")
    return Headings(found, are_all=False)


def _opened(path: Path, encoding: str | None) -> list[tuple[Path, FileForm]]:
    return [(file, read_form(file, encoding=encoding)) for file in find_files([path])]
