"""Reads csv row by row and recovers from damage: a stray quotation mark costs one line. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TextIO

MAX_ROW_LINES: Final = 1_000
"""Lines of one row: a text with more line breaks is a quotation mark that was never closed."""
FEW_ROW_LINES: Final = 16
"""Lines of one row in a file that is damaged all over."""
_MOST_CREDIT: Final = 20 * MAX_ROW_LINES
_CREDIT_PER_LINE: Final = 4


class CsvRow(NamedTuple):
    """A row as the csv reader sees it.

    Attributes:
        number: The number of its first line, from 1.
        values: Its fields; empty when there is a problem.
        problem: Why it cannot be read; None when it can.
        start: Its first line.
    """

    number: int
    values: list[str]
    problem: str | None
    start: str


class CsvLines:
    """The lines of a csv file, which can be given back.

    A row that cannot be read may have swallowed the rows after it, when a quotation mark is not
    closed. ``go_back`` gives all its lines but the first back, so that each is read again. A file
    may be made so that every line swallows the next ``MAX_ROW_LINES``: so lines are given back on
    credit, which each new line adds to, and rows are short while there is none. Then a file takes
    time in proportion to its length.

    Args:
        text: The file.
        max_row_chars: The most characters of a row.
    """

    def __init__(self, text: TextIO, max_row_chars: int) -> None:
        self._text = text
        self._max_chars = max_row_chars
        self._again: list[str] = []  # last line first
        self._row: list[str] = []
        self._chars = 0
        self._credit = _MOST_CREDIT
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._again:
            line = self._again.pop()
        else:
            line = self._text.readline(self._max_chars + 1)
            self._credit = min(_MOST_CREDIT, self._credit + _CREDIT_PER_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self._row.append(line)
        self._chars += len(line)
        if self._chars > self._max_chars:
            while line and not line.endswith(("\n", "\r")):  # the rest belongs to no row
                line = self._text.readline(self._max_chars)
            raise csv.Error(f"a row of more than {self._max_chars} characters")
        if len(self._row) > min(MAX_ROW_LINES, max(FEW_ROW_LINES, self._credit)):
            raise csv.Error("a quotation mark is not closed")
        return line

    def rows(self, dialect: dict[str, Any]) -> Iterator[CsvRow]:
        """The rows, whether they can be read or not.

        Args:
            dialect: Parameters of ``csv.reader``.
        """
        while True:
            self._row, self._chars = [], 0
            number = self.number + 1
            values: list[str] = []
            problem: str | None = None
            try:
                values = next(csv.reader(self, **dialect))
            except StopIteration:
                if not self._row:
                    return
            except csv.Error as error:
                problem = str(error)
            if self._row:
                yield CsvRow(number, values, problem, self._row[0])

    def go_back(self) -> None:
        """Give back the lines of the last row, except the first."""
        rest = self._row[1:]
        self._again += rest[::-1]
        self._credit -= len(rest)
        self.number -= len(rest)
        self._row = self._row[:1]
