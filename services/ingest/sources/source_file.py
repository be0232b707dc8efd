"""Reads ``sources.toml`` as tables, with the line of each key for error messages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.ingest.sources.toml_lines import KeyPath, key_lines, line_of

SourceTable = Mapping[str, Any]

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")


class SourceInvalid(ValueError):
    """Raised when ``sources.toml`` is invalid, or when a source is not configured.

    The message is one line: file, line, source, field and reason.
    """


@dataclass(frozen=True, slots=True)
class SourcesFile:
    """The tables ``[sources.NAME]`` of a file.

    Args:
        path: The file; None when there is none.
        tables: Name of the source to its table.
        lines: Path of each key to its line, from 1.
    """

    path: Path | None = None
    tables: Mapping[str, SourceTable] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of a key, or of the table that contains it.

        Args:
            place: The path of the key below ``sources``.
        """
        return line_of(self.lines, ("sources", *place))

    def error_at(self, place: Sequence[str | int], reason: str) -> SourceInvalid:
        """An error with the place of a key.

        Args:
            place: The path of the key below ``sources``.
            reason: What is wrong with the value, for the message.
        """
        where = "built-in" if self.path is None else str(self.path)
        line = self.line(place)
        if line is not None:
            where += f":{line}"
        return SourceInvalid(f"{where}: {'.'.join(map(str, ('sources', *place)))}: {reason}")


def read_sources_file(path: Path) -> SourcesFile:
    """Read the file; the content of its tables is not validated here.

    Raises:
        SourceInvalid: the file does not exist, is not TOML, or contains something else than tables
            of sources.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceInvalid(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SourceInvalid(f"{path}:{line}: not TOML: not UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from error
    except RecursionError as error:
        raise SourceInvalid(f"{path}: not TOML: nested too deeply") from error
    lines = key_lines(text)
    for key in document:
        if key != "sources":
            raise SourceInvalid(
                f"{path}:{lines.get((key,), 1)}: {key}: unknown key; define each source as a "
                "table [sources.NAME]"
            )
    tables = document.get("sources", {})
    entries = tables.items() if isinstance(tables, dict) else [("", tables)]
    for name, table in entries:
        if not isinstance(table, dict):
            line = line_of(lines, ("sources", name)) or 1
            raise SourceInvalid(
                f"{path}:{line}: sources: define each source as a table [sources.NAME]"
            )
    return SourcesFile(path, tables, lines)


def _not_toml(path: Path, text: str, message: str) -> SourceInvalid:
    """The parser's message, preceded by the line and the table that contains it."""
    lines = text.splitlines()
    place = _PLACE.search(message)
    line = int(place["line"]) if place is not None and place["line"] else max(len(lines), 1)
    headers = (match[1] for above in lines[:line] if (match := _HEADER.match(above)))
    table = next(reversed(list(headers)), None)
    reason = _PLACE.sub("", message)
    return SourceInvalid(f"{path}:{line}: {f'{table}: ' if table else ''}not TOML: {reason}")
