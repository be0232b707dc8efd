"""Reads numbers, counts, running times and truth values. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

from services.ingest.pages.values.texts import NULLS, ValueUnread, text
from shared.record import MAX_RUNTIME_MINUTES, MAX_VOTES

_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:[.,]\d{1,15})?|[.,]\d{1,15})")
_THOUSANDS = re.compile(r"\d{1,3}(?:[ ,.\u00a0\u202f']\d{3})+")
_SHORTENED = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s*([KkMm])")
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d{1,6})?S)?)?",
    re.IGNORECASE,
)
_SPOKEN_DURATION = re.compile(
    r"(?:(\d{1,3})\s*h(?:(?:ou)?rs?)?\.?)?[\s,]*(?:(\d{1,5})\s*m(?:in(?:ute)?s?)?\.?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0", "on"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0", "off"})


def number(value: Any, nulls: Collection[str] = NULLS) -> float | None:
    """A finite number, with a point or a comma before its decimals.

    Raises:
        ValueUnread: it is something else.
    """
    if isinstance(value, bool):
        raise ValueUnread("a number", value)
    if isinstance(value, (int, float)):
        if isinstance(value, float) and math.isnan(value):
            return None
        try:
            found = float(value)
        except OverflowError:
            raise ValueUnread("a number", value) from None
        if math.isinf(found):
            raise ValueUnread("a number", value)
        return found
    said = text(value, nulls)
    if said is None:
        return None
    if _NUMBER.fullmatch(said) is None:
        raise ValueUnread("a number", value)
    return float(said.replace(",", "."))


def count(value: Any, nulls: Collection[str] = NULLS) -> int | None:
    """A whole number from 0 on, also written as ``254,421`` or ``1.2K``.

    Raises:
        ValueUnread: it is something else.
    """
    said = value.strip() if isinstance(value, str) else ""
    if _THOUSANDS.fullmatch(said):
        found: float | None = float(re.sub(r"\D", "", said))
    elif match := _SHORTENED.fullmatch(said):
        factor = 1_000 if match.group(2) in "Kk" else 1_000_000
        found = float(match.group(1).replace(",", ".")) * factor
    else:
        found = number(value, nulls)
    if found is None:
        return None
    if not 0 <= found <= MAX_VOTES:
        raise ValueUnread("a count", value)
    return round(found)


def minutes(value: Any, nulls: Collection[str] = NULLS) -> int | None:
    """A running time in whole minutes; 0 stands for unknown in many files.

    Reads a number of minutes, ``1h 57min``, ``117 min``, ``1:57:00`` and ISO 8601 (``PT1H57M``).

    Raises:
        ValueUnread: it is something else, or longer than any movie.
    """
    said = value.strip() if isinstance(value, str) else ""
    total: float | None
    if match := _CLOCK.fullmatch(said):
        hours, rest, seconds = (int(part or 0) for part in match.groups())
        total = 60 * hours + rest + seconds / 60
    elif (match := _ISO_DURATION.fullmatch(said)) and any(match.groups()):
        days, hours, rest, seconds = (int(part or 0) for part in match.groups())
        total = (24 * days + hours) * 60 + rest + seconds / 60
    elif (match := _SPOKEN_DURATION.fullmatch(said)) and any(match.groups()):
        total = 60 * int(match.group(1) or 0) + int(match.group(2) or 0)
    else:
        total = number(value, nulls)
    if total is None or total == 0:
        return None
    if not 0 < total <= MAX_RUNTIME_MINUTES:
        raise ValueUnread("a running time", value)
    return max(1, round(total))


def truth(value: Any, nulls: Collection[str] = NULLS) -> bool | None:
    """A yes or a no: ``true``, ``Y``, ``1.0``, ``https://schema.org/True`` and their opposites.

    Raises:
        ValueUnread: it is something else.
    """
    if isinstance(value, bool):
        return value
    said = text(value, nulls)
    if said is None:
        return None
    word = re.split(r"[/#]", said.lower())[-1]
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueUnread("a yes or a no", value)
