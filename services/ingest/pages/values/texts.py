"""Reads texts and ids, and says what stands for "no value". Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any, Final

NULLS: Final = frozenset(
    {"", "\\N", "nan", "NaN", "NAN", "NaT", "<NA>", "null", "NULL", "Null", "none", "None", "NONE"}
)
"""What databases, Spark, pandas and Python write for a value that is missing."""

_MOST_SHOWN: Final = 80
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0*")


class ValueUnread(ValueError):
    """Raised for a value that is there and cannot be read; the message says what was expected.

    Attributes:
        why: What the value is not.
        excerpt: The beginning of the value.
    """

    def __init__(self, expected: str, value: Any) -> None:
        self.why = f"not {expected}"
        self.excerpt = excerpt(value)
        super().__init__(f"{self.why}: {self.excerpt}")


def excerpt(value: Any) -> str:
    """A value as it is shown to people: at most ``_MOST_SHOWN`` characters, in one line."""
    if isinstance(value, str):
        shown = value[: 4 * _MOST_SHOWN]
    elif isinstance(value, (bytes, bytearray)):
        shown = repr(bytes(value[:_MOST_SHOWN]))
    else:
        shown = repr(value)
    line = " ".join(shown.split())
    return line if len(line) <= _MOST_SHOWN else line[: _MOST_SHOWN - 1] + "…"


def is_missing(value: Any, nulls: Collection[str] = NULLS) -> bool:
    """Whether a value stands for "no value".

    Args:
        value: The value as the file or page has it.
        nulls: Texts that stand for it, without surrounding blanks.
    """
    if isinstance(value, str):
        return value.strip() in nulls
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, (list, tuple, dict)) and not value)


def text(value: Any, nulls: Collection[str] = NULLS) -> str | None:
    """A value as text: decoded, numbers as they are written, several paragraphs joined.

    Raises:
        ValueUnread: it is an object, or bytes that are not UTF-8.
    """
    if is_missing(value, nulls):
        return None
    if isinstance(value, (bytes, bytearray)):
        return text(_decoded(bytes(value)), nulls)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (bool, dict)):
        raise ValueUnread("a text", value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, (list, tuple)):
        paragraphs = [part for item in value if (part := text(item, nulls)) is not None]
        return "\n\n".join(paragraphs) or None
    raise ValueUnread("a text", value)


def identifier(value: Any, nulls: Collection[str] = NULLS) -> str | None:
    """A value as an id: ``90011``, ``90011.0`` and ``"90011.0"`` are one.

    pandas turns the whole numbers of a column with gaps into floats.

    Raises:
        ValueUnread: it is a list or an object, or bytes that are not UTF-8.
    """
    if isinstance(value, (list, tuple)) and value:
        raise ValueUnread("an id", value)
    found = text(value, nulls)
    match = _WHOLE_NUMBER.fullmatch(found) if found is not None else None
    return match.group(1) if match is not None else found


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueUnread("a text in UTF-8", value) from None
