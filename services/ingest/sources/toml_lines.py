"""Finds the line of each key in a TOML text, so that an error can name it. Pure.

``tomllib`` returns values without their places. ``key_lines`` scans a text that ``tomllib`` has
read without error, and notes the line of every table header, key and array element. At syntax that
it does not know the scan ends, and only the later lines are missing.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping, Sequence

KeyPath = tuple[str | int, ...]

_MOST_PARTS = 100  # of a key; a longer one is syntax that the scan does not know
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_GAP = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotes may stand before the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\[\]{}#\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every key, such as ``("sources", "demo", "start_urls", 0)``.

    The line of a table is the line of its header, or of the first key that names it.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_UnknownSyntaxError):
        scanner.document()
    return scanner.lines


def line_of(lines: Mapping[KeyPath, int], path: Sequence[str | int]) -> int | None:
    """The line of a key, or else of the nearest table that contains it; None if neither is known.

    Args:
        lines: The result of ``key_lines``.
        path: The path of the key.
    """
    for end in range(len(path), 0, -1):
        line = lines.get(tuple(path[:end]))
        if line is not None:
            return line
    return None


class _UnknownSyntaxError(Exception):
    """The scanner met syntax that it does not know."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0  # the place up to which lines were counted

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        table = self._key(())
        self._expect("]" * brackets)
        return table

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table)
        self._expect("=")
        self._skip(_GAP)
        self._value(path)

    def _key(self, table: KeyPath) -> KeyPath:
        path = table
        while True:
            self._skip(_GAP)
            quoted = self._peek() in {'"', "'"}
            token = self._take(_STRING if quoted else _BARE_KEY)
            path = (*path, tomllib.loads(f"k = {token}")["k"] if quoted else token)
            self._note(path)
            self._skip(_GAP)
            if self._peek() != ".":
                return path
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        opening = self._peek()
        if opening in {'"', "'"}:
            self._take(_STRING)
        elif opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._take(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        number = 0
        while self._peek() != "]":
            self._note((*path, number))
            self._value((*path, number))
            self._skip_comma()
            number += 1
        self._expect("]")

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._peek() != "}":
            self._pair(path)
            self._skip_comma()
        self._expect("}")

    def _note(self, path: KeyPath) -> None:
        if len(path) > _MOST_PARTS:
            raise _UnknownSyntaxError
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self.lines.setdefault(path, self._line)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _skip_comma(self) -> None:
        self._skip(_BLANK)
        if self._peek() == ",":
            self._at += 1
            self._skip(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _UnknownSyntaxError
        self._at = match.end()
        return match.group()

    def _expect(self, mark: str) -> None:
        self._skip(_GAP)
        if not self._text.startswith(mark, self._at):
            raise _UnknownSyntaxError
        self._at += len(mark)
