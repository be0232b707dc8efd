"""Reads the rows of a file in constant memory; a row that cannot be read is passed on as such.

Nothing is lost silently: a row is yielded as a ``NumberedRow`` or as an ``Unread``, also when the
file is damaged in the middle. Headings are normalised (``column_paths``).
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import ijson
import pyarrow as pa
import pyarrow.parquet as pq

from services.ingest.pages.datasets.column_paths import normalised
from services.ingest.pages.datasets.csv_lines import CsvLines
from services.ingest.pages.datasets.dataset_errors import DatasetInvalid
from services.ingest.pages.datasets.dataset_files import FileForm
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import excerpt

BATCH_ROWS: Final = 500
_MOST_NESTED: Final = 100
MAX_ROW_CHARS: Final = 10_000_000
_DAMAGE = (OSError, EOFError, zlib.error, pa.ArrowException, ijson.JSONError, UnicodeDecodeError)


class NumberedRow(NamedTuple):
    """A row of a file.

    Attributes:
        where: The file and the line, for messages.
        values: Normalised headings, and their values.
    """

    where: str
    values: Mapping[str, Any]


def read_headings(path: Path, form: FileForm, *, quoting: bool = True) -> tuple[str, ...] | None:
    """The headings of a file as they are written; None where each row has its keys.

    Raises:
        DatasetInvalid: the file cannot be read.
    """
    try:
        if form.format == "parquet":
            with pq.ParquetFile(path) as file:
                return tuple(file.schema_arrow.names)
        if form.format in {"csv", "tsv"}:
            with _text(path, form) as text:
                return tuple(next(csv.reader(text, **_dialect(form, quoting=quoting)), ()))
    except (*_DAMAGE, csv.Error) as error:
        raise DatasetInvalid(f"{path}: cannot be read: {_reason(error)}") from error
    if form.format == "lines":
        return ("line", "text")
    return None


def read_file(
    path: Path,
    form: FileForm,
    *,
    quoting: bool = True,
    escape: str | None = None,
    only: Iterable[str] | None = None,
) -> Iterator[NumberedRow | Unread]:
    """Read the rows of a file in their order.

    Args:
        path: The file.
        form: How it is to be read.
        quoting: Whether quotation marks enclose the fields of csv that need it.
        escape: The character that takes the meaning from the next one in csv.
        only: Normalised headings of the columns to read, if not all; parquet reads no others.

    Raises:
        DatasetInvalid: the file cannot be opened, or has two columns of one name.
    """
    line = 0
    try:
        match form.format:
            case "parquet":
                rows = _parquet(path, only)
            case "csv" | "tsv":
                rows = _csv(path, form, quoting=quoting, escape=escape)
            case "json":
                rows = _json(path, form)
            case "lines":
                rows = _lines(path, form)
            case "texts":
                rows = _texts(path, form)
            case _:
                rows = _jsonl(path, form)
        for row in rows:
            line += 1
            yield row
    except _DAMAGE as error:
        if line == 0:
            raise DatasetInvalid(f"{path}: cannot be read: {_reason(error)}") from error
        yield Unread("row", f"{path}: after {line} rows", f"the file is damaged: {_reason(error)}")


def _csv(
    path: Path, form: FileForm, *, quoting: bool, escape: str | None
) -> Iterator[NumberedRow | Unread]:
    csv.field_size_limit(MAX_ROW_CHARS)
    dialect = _dialect(form, quoting=quoting, escape=escape)
    with _text(path, form) as text:
        lines = CsvLines(text, MAX_ROW_CHARS)
        headings = next(csv.reader(lines, **dialect), [])
        names = [normalised(heading) for heading in headings]
        counts = Counter(names)
        duplicate = next((name for name in names if name and counts[name] > 1), None)
        if duplicate is not None:
            twice = headings[names.index(duplicate)]
            raise DatasetInvalid(f"{path}: two columns are named {twice}")
        for number, values, problem, start in lines.rows(dialect):
            where = f"{path}: line {number}"
            why = problem or _problem_of(values, len(names))
            if why is not None:
                lines.go_back()
                yield Unread("row", where, why, excerpt(start))
            elif values and values != headings:  # files that were joined repeat their heading
                yield NumberedRow(where, dict(zip(names, values, strict=False)))


def _problem_of(values: list[str], most: int) -> str | None:
    """Why the fields of a row cannot be right; None when they can."""
    if any(values[most:]):
        return f"{len(values)} fields, the heading has {most}"
    if not _is_text(values):
        return 'not UTF-8; for another encoding, set encoding = "cp1252" or another'
    return None


def _jsonl(path: Path, form: FileForm) -> Iterator[NumberedRow | Unread]:
    with _text(path, form) as text:
        number = 0
        while line := text.readline(MAX_ROW_CHARS + 1):
            number += 1
            where = f"{path}: line {number}"
            if len(line) > MAX_ROW_CHARS:
                while line and not line.endswith("\n"):
                    line = text.readline(MAX_ROW_CHARS)
                yield Unread("row", where, f"more than {MAX_ROW_CHARS} characters")
                continue
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Unread("row", where, f"not JSON: {_reason(error)}", excerpt(line))
                continue
            if not isinstance(row, dict):
                yield Unread("row", where, "not an object", excerpt(line))
            elif not _is_text(line):
                yield Unread("row", where, "not UTF-8", excerpt(line))
            else:
                yield NumberedRow(where, _with_normalised_keys(row))


def _json(path: Path, form: FileForm) -> Iterator[NumberedRow | Unread]:
    with _bytes(path, form.compression) as stream:
        first = stream.read(1)
        while first and (first.isspace() or first in b"\xef\xbb\xbf"):
            first = stream.read(1)
    with _bytes(path, form.compression) as stream:
        for number, row in enumerate(_entries(stream, is_array=first == b"["), 1):
            where = f"{path}: entry {number}"
            if isinstance(row, dict):
                yield NumberedRow(where, _with_normalised_keys(row))
            else:
                yield Unread("row", where, "not an object", excerpt(row))


def _entries(stream: IO[bytes], *, is_array: bool) -> Iterator[Any]:
    """The entries of an array, or the one value of a document, each when it is complete.

    Raises:
        ijson.JSONError: it is not JSON, or nested more deeply than ``_MOST_NESTED``.
    """
    level, depth = int(is_array), 0
    builder: Any = None
    for event, value in ijson.basic_parse(stream, use_float=True):
        depth -= event in {"end_map", "end_array"}
        if builder is None and depth == level and not event.startswith("end_"):
            builder = ijson.ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
        depth += event in {"start_map", "start_array"}
        if depth > _MOST_NESTED:
            raise ijson.JSONError(f"more than {_MOST_NESTED} levels")
        if builder is not None and depth == level and event != "map_key":
            yield builder.value
            builder = None


def _parquet(path: Path, only: Iterable[str] | None) -> Iterator[NumberedRow | Unread]:
    wanted = None if only is None else set(only)
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        columns = [name for name in names if wanted is None or normalised(name) in wanted]
        number = 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False):
            for row in _with_microseconds(batch).to_pylist():
                number += 1
                yield NumberedRow(f"{path}: row {number}", _with_normalised_keys(row))


def _lines(path: Path, form: FileForm) -> Iterator[NumberedRow | Unread]:
    with _text(path, form) as text:
        for number, line in enumerate(text):
            yield NumberedRow(f"{path}: line {number + 1}", {"line": number, "text": line.strip()})


def _texts(path: Path, form: FileForm) -> Iterator[NumberedRow | Unread]:
    """The one row of a text file."""
    with _text(path, form) as text:
        said = text.read(MAX_ROW_CHARS)
    if _is_text(said):
        yield NumberedRow(str(path), {"file": path.name, "folder": path.parent.name, "text": said})
    else:
        yield Unread("row", str(path), "not UTF-8", excerpt(said))


def _with_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch whose times Python can hold: it knows no nanoseconds."""
    arrays = []
    for column in batch.columns:
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # noqa: PLW2901
        arrays.append(column)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _with_normalised_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    return {normalised(str(key)): value for key, value in row.items()}


def _is_text(values: str | list[str]) -> bool:
    """Whether a row was valid in its encoding; what was not is half a surrogate pair."""
    text = values if isinstance(values, str) else "".join(values)
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dialect(form: FileForm, *, quoting: bool, escape: str | None = None) -> dict[str, Any]:
    return {
        "delimiter": form.delimiter,
        "quoting": csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        "escapechar": escape,
        "doublequote": escape is None,
        "strict": quoting,
    }


@contextmanager
def _text(path: Path, form: FileForm) -> Iterator[io.TextIOWrapper]:
    with (
        _bytes(path, form.compression) as stream,
        io.TextIOWrapper(
            stream, encoding=form.encoding, errors="surrogateescape", newline=""
        ) as text,
    ):
        yield text


@contextmanager
def _bytes(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """The bytes of a file; of a gzip file all members, without the zeros that may follow them."""
    if compression == "zstd":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream
        return
    openers: Mapping[str | None, Callable[[Path], Any]] = {"gzip": gzip.open, "bz2": bz2.open}
    with openers.get(compression, partial(Path.open, mode="rb"))(path) as opened:
        yield opened


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
