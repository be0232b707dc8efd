"""Finds the files of a table, and what is in them: format, compression, separator, encoding.

A table is one file, several, a glob, or a folder of part files as Spark writes them. The format is
guessed from the content, because names say little: ``.json`` files hold one document or a document
in each line, ``.csv`` files have semicolons or tabs. Reads the beginning of a file, nothing more.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import glob
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from services.ingest.pages.datasets.dataset_errors import DatasetInvalid

FileFormat = Literal["csv", "tsv", "jsonl", "json", "parquet", "lines", "texts"]
SAMPLE_BYTES: Final = 256 * 1024
_COMPRESSIONS: Final = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2"))
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")
)  # fmt: skip
_SEPARATORS: Final = ",;\t|"
_PARTS: Final = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".txt", ".gz", ".zst", ".bz2")


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is to be read.

    Attributes:
        format: Its format.
        compression: ``gzip``, ``zstd``, ``bz2``, or None.
        encoding: The encoding of its text.
        delimiter: What stands between the fields of csv.
    """

    format: FileFormat
    compression: str | None = None
    encoding: str = "utf-8-sig"
    delimiter: str = ","


def find_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files of a table, in a fixed order.

    Args:
        paths: Files, globs, and folders of part files.

    Raises:
        DatasetInvalid: one of them is not there, or has no files.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            parts = sorted(
                part
                for part in path.iterdir()
                if part.is_file()
                and not part.name.startswith((".", "_"))
                and part.name.endswith(_PARTS)
            )
            if not parts:
                raise DatasetInvalid(f"{path}: a folder without files that can be read")
            found += parts
        else:
            matches = sorted(map(Path, glob.glob(str(path))))  # noqa: PTH207 - absolute patterns
            if not matches:
                raise DatasetInvalid(f"{path}: no such file")
            found += [match for match in matches if match.is_file()]
    return tuple(dict.fromkeys(found))


def read_form(
    path: Path,
    *,
    format: FileFormat | None = None,  # noqa: A002 - the option's name
    encoding: str | None = None,
    delimiter: str | None = None,
) -> FileForm:
    """How a file is to be read: what is given, and else what its beginning suggests.

    Args:
        path: The file.
        format: Its format, if it is known.
        encoding: Its encoding, if it is known.
        delimiter: What stands between the fields of csv, if it is known.

    Raises:
        DatasetInvalid: the file cannot be read, or is in an encoding that has to be named.
    """
    try:
        compression, sample = _sample(path)
    except OSError as error:
        reason = " ".join(str(error.strerror or error).split())
        raise DatasetInvalid(f"{path}: cannot be read: {reason}") from error
    if format is None:
        format = _guess_format(path, sample)  # noqa: A001
    if format in {"parquet", "texts"}:
        return FileForm(format, compression)
    encoding = encoding or _guess_encoding(path, sample)
    try:
        text = sample.decode(encoding, errors="replace")
    except LookupError as error:
        raise DatasetInvalid(f"{path}: unknown encoding {encoding!r}") from error
    if delimiter is None:
        delimiter = "\t" if format == "tsv" else _guess_delimiter(text)
    return FileForm(format, compression, encoding, delimiter)


def _sample(path: Path) -> tuple[str | None, bytes]:
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    compression = next((name for magic, name in _COMPRESSIONS if start.startswith(magic)), None)
    if compression is None:
        return None, start
    try:
        if compression == "gzip":
            return compression, zlib.decompressobj(wbits=31).decompress(start, SAMPLE_BYTES)
        if compression == "bz2":
            return compression, bz2.BZ2Decompressor().decompress(start, SAMPLE_BYTES)
        with pa.input_stream(str(path), compression=compression) as stream:
            return compression, bytes(stream.read(SAMPLE_BYTES))
    except (OSError, zlib.error) as error:
        raise DatasetInvalid(f"{path}: cannot be read: {error}") from error


def _guess_format(path: Path, sample: bytes) -> FileFormat:
    if sample.startswith(b"PAR1"):
        return "parquet"
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if ".tsv" in suffixes:
        return "tsv"
    if suffixes & {".jsonl", ".ndjson"}:
        return "jsonl"
    start = sample.lstrip(codecs.BOM_UTF8).lstrip()
    if start[:1] == b"[" and ".json" in suffixes:
        return "json"
    if start[:1] == b"{":
        first_line = start.split(b"\n", 1)[0].rstrip()
        return "jsonl" if first_line.endswith(b"}") and len(first_line) > 2 else "json"
    return "json" if ".json" in suffixes else "csv"


def _guess_encoding(path: Path, sample: bytes) -> str:
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError as error:
        line = sample[: error.start].count(b"\n") + 1
        if not _has_utf8_letters(sample):
            raise DatasetInvalid(
                f"{path}: line {line} is not UTF-8; name the encoding of the file, "
                'for example encoding = "cp1252" for western European languages'
            ) from error
    return "utf-8-sig"


def _has_utf8_letters(sample: bytes) -> bool:
    """Whether a text has letters that are valid UTF-8 and no ASCII: then only some are damaged."""
    text = sample.decode("utf-8", errors="ignore")
    return any(ord(character) > 127 for character in text)


def _guess_delimiter(text: str) -> str:
    """What stands between the headings of csv: the mark that occurs most in the first line."""
    heading = text.split("\n", 1)[0]
    plain = "".join(part for n, part in enumerate(heading.split('"')) if n % 2 == 0)
    counts = {mark: plain.count(mark) for mark in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda mark: counts[mark])
    return best if counts[best] else csv.excel.delimiter
