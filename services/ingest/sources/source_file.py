"""The file ``sources.toml`` as tables, with the line of each key for the errors about it."""

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
    """A source cannot be used as configured; one line: file, line, source and field, and why."""


@dataclass(frozen=True, slots=True)
class SourcesFile:
    """The tables ``[sources.NAME]`` of a file, by name; ``path`` is None when there is no file."""

    path: Path | None = None
    tables: Mapping[str, SourceTable] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of ``place``, a path below ``sources``, or of the table around it."""
        return line_of(self.lines, ("sources", *place))

    def fault(self, place: Sequence[str | int], why: str) -> SourceInvalid:
        """The error that says what is wrong at ``place``, a path below ``sources``."""
        where = "built-in" if self.path is None else str(self.path)
        line = self.line(place)
        if line is not None:
            where += f":{line}"
        return SourceInvalid(f"{where}: {'.'.join(map(str, ('sources', *place)))}: {why}")


def read_sources_file(path: Path) -> SourcesFile:
    """Read a file of sources; what the tables say is not looked at yet.

    Raises:
        SourceInvalid: no such file, not TOML, or anything but tables of sources in it.
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
                f"{path}:{lines.get((key,), 1)}: {key}: unknown; sources are tables [sources.NAME]"
            )
    tables = document.get("sources", {})
    entries = tables.items() if isinstance(tables, dict) else [("", tables)]
    for name, table in entries:
        if not isinstance(table, dict):
            line = line_of(lines, ("sources", name)) or 1
            raise SourceInvalid(f"{path}:{line}: sources: each must be a table [sources.NAME]")
    return SourcesFile(path, tables, lines)


def _not_toml(path: Path, text: str, message: str) -> SourceInvalid:
    """The parser's message with the line put first, and the table in which it lies."""
    lines = text.splitlines()
    place = _PLACE.search(message)
    line = int(place["line"]) if place is not None and place["line"] else max(len(lines), 1)
    headers = (match[1] for above in lines[:line] if (match := _HEADER.match(above)))
    table = next(reversed(list(headers)), None)
    why = _PLACE.sub("", message)
    return SourceInvalid(f"{path}:{line}: {f'{table}: ' if table else ''}not TOML: {why}")
