"""Reads ratings in any notation, as a number from 0 to 10. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from services.ingest.pages.values.numbers import number
from services.ingest.pages.values.texts import NULLS, ValueUnread, text

FILE_SCALE: Final = 10.0
"""The best rating of a file that does not say otherwise."""

LETTERS: Final[Mapping[str, float]] = {
    "A+": 10.0, "A": 10.0, "A-": 9.1, "B+": 8.3, "B": 7.5, "B-": 6.7, "C+": 5.8, "C": 5.0,
    "C-": 4.2, "D+": 3.3, "D": 2.5, "D-": 1.6, "E": 0.0, "F+": 0.8, "F": 0.0, "F-": 0.0,
}  # fmt: skip
"""Letters as Metacritic converts critics' grades, in tenths."""

_FRACTIONS: Final = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
# Blanks are never given back, so that the time is linear in their number.
_N = r"(\d{1,4}(?:[.,]\d{1,4})?)\s*+([½¼¾⅓⅔]|\d/[2-8](?!\d))?"
_OF = re.compile(
    rf"{_N}\s*+(?:stars?\s*+)?(?:/|(?:out\s++)?of\b)\s*+"
    r"(\d{1,4}(?:[.,]\d{1,4})?)\s*+(?:stars?|points?)?",
    re.IGNORECASE,
)
_PER_CENT = re.compile(rf"{_N}\s*+(?:%|per\s?cent)", re.IGNORECASE)
_STARS = re.compile(rf"{_N}\s*+(?:stars?|\*|★)", re.IGNORECASE)
_POINTS = re.compile(rf"(?:{_N}|([½¼¾]))\s*+(?:points?|pts)?", re.IGNORECASE)
_DRAWN = re.compile(r"([★⭐✮✭\*]*)([½⯨]?)([☆✩]*)")
_USUAL_SCALES: Final = (5.0, 10.0, 100.0)


def rating(
    value: Any,
    *,
    best: float | None = FILE_SCALE,
    worst: float = 0.0,
    nulls: Collection[str] = NULLS,
) -> float | None:
    """A rating on a scale of 0 to 10.

    A scale that the value states itself (``3.5/4``, ``85 %``, ``4 stars``, ``★★★☆☆``, ``B+``) is
    believed before ``best``.

    Args:
        value: The rating as the file or page has it.
        best: The best rating of its scale; None when it is not said: then the smallest of 5, 10 and
            100 that has room for the rating, as schema.org's default is 5.
        worst: The worst rating of its scale; it counts only when it is negative, because of one to
            five stars one means a fifth.
        nulls: Texts that stand for "no value".

    Raises:
        ValueUnread: it is no rating, or outside its scale.
    """
    said = text(value, nulls) if not isinstance(value, bool) else None
    if said is None:
        if isinstance(value, bool):
            raise ValueUnread("a rating", value)
        return None
    letter = LETTERS.get(said.upper().replace("−", "-").replace(" ", ""))
    if letter is not None:
        return letter
    points, scale = _stated(said)
    if points is None:
        points = _plain(said, value)
    if scale is None:
        scale = best if best is not None else _usual_scale(points)
    least = min(0.0, worst)
    if not scale > least or not least <= points <= scale:
        raise ValueUnread(f"a rating from {least:g} to {scale:g}", value)
    return round((points - least) * 10 / (scale - least), 2)


def _stated(said: str) -> tuple[float | None, float | None]:
    """Points, and the scale that the notation itself states; None where it does not."""
    if match := _OF.fullmatch(said):
        return _points(match), _decimal(match.group(3))
    if match := _PER_CENT.fullmatch(said):
        return _points(match), 100.0
    if match := _STARS.fullmatch(said):
        points = _points(match)
        return points, 5.0 if points <= 5 else 10.0
    drawn = _DRAWN.fullmatch(said.replace("\ufe0f", ""))
    if drawn is not None and (drawn.group(1) or drawn.group(3)):
        full, half, empty = drawn.groups()
        total = len(full) + len(half) + len(empty)
        return len(full) + 0.5 * len(half), float(max(5, total))
    match = _POINTS.fullmatch(said)
    if match is not None:
        half_only = match.group(3)
        return (_FRACTIONS[half_only] if half_only else _points(match)), None
    return None, None


def _plain(said: str, value: Any) -> float:
    try:
        points = number(said)
    except ValueUnread:
        points = None
    if points is None:
        raise ValueUnread("a rating", value)
    return points


def _points(match: re.Match[str]) -> float:
    whole, fraction = match.group(1), match.group(2)
    if not fraction:
        return _decimal(whole)
    if fraction in _FRACTIONS:
        return _decimal(whole) + _FRACTIONS[fraction]
    above, below = fraction.split("/")
    return _decimal(whole) + int(above) / int(below)


def _decimal(digits: str) -> float:
    return float(digits.replace(",", "."))


def _usual_scale(points: float) -> float:
    return next((scale for scale in _USUAL_SCALES if points <= scale), _USUAL_SCALES[-1])
