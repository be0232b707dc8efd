"""Reads days and years. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from services.ingest.pages.values.texts import NULLS, ValueUnread, text

FIRST_YEAR: Final = 1870
YEARS_AHEAD: Final = 10
"""Movies are announced up to a decade before they come out."""

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?=$|[T ,])")
_COMPACT = re.compile(r"(?:19|20)\d{6}")
_DAY_FIRST = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})(?:st|nd|rd|th)?[\s\-.]+([A-Za-z]{3,9})\.?,?[\s\-]+(\d{4})"
)
_MONTH_FIRST = re.compile(
    r"(?:[A-Za-z]{6,9},?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_MONTH_YEAR = re.compile(r"([A-Za-z]{3,9})\.?,?\s+(\d{4})")
_NUMBERS = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})(?=$|[ ,])")
_EPOCH = re.compile(r"-?(\d{8,17})(?:\.\d+)?")
_YEAR = re.compile(r"\(?(\d{4})\)?(?:\.0*|\s*[-–—/]\s*(?:\d{2,4})?)?")
_EARLIEST_EPOCH_S: Final = 157_766_400  # 1975: a smaller number is no time of a review
_LATEST_EPOCH_S: Final = 4_102_444_800  # 2100
_SMALLER_UNITS: Final = (1, 1_000, 1_000_000, 1_000_000_000)


def day(value: Any, nulls: Collection[str] = NULLS) -> str | None:
    """A day as ``YYYY-MM-DD``.

    Reads ISO 8601, ``10 February 2006``, ``Feb. 10, 2006``, RFC 1123, seconds or milliseconds since
    1970, and numbers with slashes where only one order is possible.

    Raises:
        ValueUnread: it is something else, or could be two days.
    """
    found = _day(value, nulls)
    return found.isoformat() if found is not None else None


def year(value: Any, nulls: Collection[str] = NULLS, *, today: date | None = None) -> int | None:
    """A year in which a movie came out, from ``FIRST_YEAR`` to the next decade.

    Reads a number, ``1999.0``, ``(1999)``, ``1999-2003`` (its first year), and any day.

    Args:
        value: The year or day as the file or page has it.
        nulls: Texts that stand for "no value".
        today: The day from which the next decade counts; default: today.

    Raises:
        ValueUnread: it is no such year.
    """
    if isinstance(value, (date, datetime)):
        found: int | None = value.year
    elif isinstance(value, bool):
        raise ValueUnread("a year", value)
    else:
        said = text(value, nulls)
        if said is None:
            return None
        if match := _YEAR.fullmatch(said):
            found = int(match.group(1))
        elif match := _MONTH_YEAR.fullmatch(said):
            found = int(match.group(2)) if _month(match.group(1)) else None
        else:
            try:
                read = _day(value, nulls)
            except ValueUnread:
                read = None
            found = read.year if read is not None else None
    last = (today or datetime.now(UTC).date()).year + YEARS_AHEAD
    if found is None or not FIRST_YEAR <= found <= last:
        raise ValueUnread("a year in which movies were made", value)
    return found


def _day(value: Any, nulls: Collection[str]) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        raise ValueUnread("a day", value)
    said = text(value, nulls)
    if said is None:
        return None
    try:
        found = _written(said)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise ValueUnread("a day", value)
    return found


def _written(said: str) -> date | None:
    """A day as people and programs write it; None when the text is none.

    Raises:
        ValueError: no calendar has this day.
    """
    if match := _ISO.match(said):
        return date(int(match.group(1)), int(match.group(3)), int(match.group(4)))
    if _COMPACT.fullmatch(said):
        return date(int(said[:4]), int(said[4:6]), int(said[6:]))
    if match := _DAY_FIRST.match(said):
        month = _month(match.group(2))
        return date(int(match.group(3)), month, int(match.group(1))) if month else None
    if match := _MONTH_FIRST.match(said):
        month = _month(match.group(1))
        return date(int(match.group(3)), month, int(match.group(2))) if month else None
    if match := _NUMBERS.match(said):
        return _of_numbers(int(match.group(1)), int(match.group(3)), int(match.group(4)))
    if _EPOCH.fullmatch(said):
        return _since_1970(float(said))
    if said[:3].isalpha() and any(character.isdigit() for character in said):
        return parsedate_to_datetime(said).date()
    return None


def _month(word: str) -> int | None:
    """1 to 12, from a month's English name or at least three letters of it."""
    word = word.lower()
    matches = [n for n, name in enumerate(_MONTHS, 1) if name.startswith(word)]
    if word == "sept":
        return 9
    return matches[0] if len(matches) == 1 and len(word) >= 3 else None


def _of_numbers(first: int, second: int, year_: int) -> date | None:
    """A day from two numbers and a year, if only one of them can be the month."""
    if first == second or first > 12 >= second:
        return date(year_, second, first)
    if second > 12 >= first:
        return date(year_, first, second)
    return None


def _since_1970(number: float) -> date | None:
    for unit in _SMALLER_UNITS:
        seconds = number / unit
        if _EARLIEST_EPOCH_S <= seconds <= _LATEST_EPOCH_S:
            return datetime.fromtimestamp(seconds, UTC).date()
    return None
