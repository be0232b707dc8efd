"""Reads rows of parquet, csv and jsonl files, compressed or not, in constant memory.

A parquet file is read in record batches, the others row by row, with Arrow's decompressors for
``.gz`` and ``.zst``. A row may have at most ``MAX_ROW_CHARS`` characters, so that a small file that
decompresses to an endless row does not fill the memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, Any]
Check = Callable[[Collection[str]], str | None]

BATCH_ROWS = 500
MAX_ROW_CHARS = 10_000_000
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


class DatasetInvalid(ValueError):
    """Raised when a file of a dataset cannot be read; the message names the file and the reason."""


def read_rows(path: Path, check: Check, *, only: Collection[str] | None = None) -> Iterator[Row]:
    """Read the rows of a file in their order.

    Args:
        path: The file; its suffix determines the format.
        check: Receives the columns (of jsonl: the keys of the first row), and returns what is
            wrong with them, or None.
        only: The columns to read, if not all; only parquet makes use of it.

    Yields:
        Each row as column to value.

    Raises:
        DatasetInvalid: the file is missing or damaged, has a row that is too long, or ``check``
            rejects its columns.
    """
    if not path.is_file():
        raise DatasetInvalid(f"{path}: no such file")
    try:
        match _format(path):
            case ".parquet":
                yield from _parquet(path, check, only)
            case ".csv":
                yield from _csv(path, check)
            case _:
                yield from _jsonl(path, check)
    except (pa.ArrowException, csv.Error, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DatasetInvalid(f"{path}: cannot be read: {reason}") from error


def has_header(path: Path) -> bool:
    """Whether the file lists its columns before the rows."""
    return _format(path) != ".jsonl"


def first_columns(path: Path) -> list[str]:
    """The columns of a file; of jsonl, the keys of its first row.

    Raises:
        DatasetInvalid: the file is missing or damaged.
    """
    columns: list[str] = []

    def note(names: Collection[str]) -> None:
        columns.extend(names)

    for _ in read_rows(path, note):
        break
    return columns


def _format(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix in _COMPRESSIONS else path.suffix


def _parquet(path: Path, check: Check, only: Collection[str] | None) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _raise_if(path, check(names))
        columns = [name for name in names if only is None or name in only]
        batches = file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False)
        for batch in batches:
            yield from batch.to_pylist()


def _csv(path: Path, check: Check) -> Iterator[Row]:
    csv.field_size_limit(MAX_ROW_CHARS)
    with _text(path) as file:
        lines = _Lines(path, file)
        reader = csv.reader(lines, strict=True)
        names = next(reader, [])
        _raise_if(path, check(names))
        if len(set(names)) < len(names):
            duplicate = next(name for name in names if names.count(name) > 1)
            raise DatasetInvalid(f"{path}: duplicate column {duplicate}")
        lines.next_row()
        for values in reader:
            if any(values[len(names) :]):
                raise DatasetInvalid(
                    f"{path}: line {lines.number}: {len(values)} fields, the header has "
                    f"{len(names)}"
                )
            if values:
                yield dict(zip(names, values, strict=False))
            lines.next_row()


def _jsonl(path: Path, check: Check) -> Iterator[Row]:
    with _text(path) as file:
        lines = _Lines(path, file)
        is_first = True
        for line in lines:
            lines.next_row()
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DatasetInvalid(f"{path}: line {lines.number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise DatasetInvalid(f"{path}: line {lines.number}: not an object")
            if is_first:
                _raise_if(path, check(row))
                is_first = False
            yield row
        if is_first:
            _raise_if(path, check(()))


class _Lines:
    """The lines of a text; a row, which may have several lines, must not be too long."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.number = 0
        self._path = path
        self._file = file
        self._left = MAX_ROW_CHARS

    def next_row(self) -> None:
        """Note that the next line begins a row."""
        self._left = MAX_ROW_CHARS

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left < 0:
            raise DatasetInvalid(
                f"{self._path}: line {self.number}: a row of more than {MAX_ROW_CHARS} characters"
            )
        return line


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    compression = _COMPRESSIONS.get(path.suffix)
    if compression is None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
        return
    with (
        pa.input_stream(str(path), compression=compression) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text,
    ):
        yield text


def _raise_if(path: Path, problem: str | None) -> None:
    if problem is not None:
        raise DatasetInvalid(f"{path}: {problem}")
