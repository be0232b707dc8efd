"""Running times that a text states: "under 90 minutes", "over two hours". Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.retrieval.filters import Range
from shared.retrieval.interpretation.words import (
    KINDS,
    Reading,
    both,
    match,
    phrases_by_first,
)

MOST_WORDS = 12
"""In a longer text a duration tells of the story."""
_FILLERS = frozenset(("that", "which", "is", "are", "that's", "it's", "runs", "lasts", "of", "be"))
_AFTER_DURATION = KINDS | {
    "and", "but", "with", "about", "from", "by", "for", "please", "or", "where", "in", "set",
}  # fmt: skip
_MOST_MINUTES = 420
_AROUND_MINUTES = 10
_NUMBERS = {
    word: n
    for n, word in enumerate(
        (
            *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
            *("eleven", "twelve"),
        ),
        1,
    )
} | {"a": 1, "an": 1, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
     "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}  # fmt: skip
_UNDER = {"under": 1, "below": 1, "shorter than": 1, "less than": 1, "fewer than": 1,
          "at most": 0, "up to": 0, "maximum": 0, "max": 0, "within": 0}  # fmt: skip
_OVER = {"over": 1, "above": 1, "longer than": 1, "more than": 1, "at least": 0, "minimum": 0}


_HOUR = 60
_UNITS = {"minute": 1, "min": 1, "m": 1, "hour": _HOUR, "hr": _HOUR, "h": _HOUR}
_HOURS_AND_MINUTES = re.compile(r"(\d)h(?:rs?)?(\d\d)(?:m|mins?)?")
_GLUED = re.compile(r"(\w+)-(minutes?|mins?|hours?|hrs?)|(\d+(?:\.5)?)(mins?|m|hrs?|h)")
_ENDS_OF_SPAN = re.compile(r"([0-9]{1,3})[-–]([0-9]{1,3})")
_AND_A_HALF = frozenset(("and a half", "and half a"))
_AROUND = frozenset(("about", "around", "roughly", "approximately", "circa"))
_NOT_LONG = phrases_by_first((
    "not too long", "not very long", "not so long", "not overly long", "nothing too long",
    "nothing very long", "isn't too long", "that's not too long", "it's not too long",
    "not super long", "not that long", "not a long one", "on the shorter side",
    "on the short side", "that isn't too long", "that is not too long", "but not too long",
    "don't want anything too long",
))  # fmt: skip
_LONG_MINUTES = 120
"""More is a long movie to most people."""


class _Stated(NamedTuple):
    """Limits, and where the phrase that states them starts and ends."""

    limits: Range
    start: int
    end: int


def read(reading: Reading) -> None:
    """Find how long the movie may be."""
    if reading.words_left() > MOST_WORDS:
        return
    _read_not_long(reading)
    for i in range(len(reading)):
        if reading.used[i] or not _may_be_duration(reading.keys[i]):
            continue
        stated = _interval(reading, i) or _about(reading, i) or _compared(reading, i)
        if stated is None:
            continue
        limits, start, end = stated
        # "a 90 minute comedy"
        adjective = _is_adjective(reading, end)
        end += reading.key(end) == "long"
        if not (reading.ends_at(end) or reading.key(end) in _AFTER_DURATION or adjective):
            continue  # "less than two hours to defuse a bomb"
        while start and reading.key(start - 1) in _FILLERS and not reading.used[start - 1]:
            start -= 1
        if reading.topic[start] and reading.key(start) != "about":
            continue
        reading.runtime = both(reading.runtime, limits)
        reading.use(start, end)


def _read_not_long(reading: Reading) -> None:
    for i in range(len(reading)):
        length = match(reading, i, _NOT_LONG)
        if length and not reading.topic[i] and reading.ends_at(i + length):
            reading.runtime = both(reading.runtime, Range(None, _LONG_MINUTES))
            reading.use(i, i + length)


def _may_be_duration(key: str) -> bool:
    return key in _NUMBERS or key[:1].isdigit() or "-" in key


def _is_adjective(reading: Reading, end: int) -> bool:
    return reading.key(end - 1).endswith(("minute", "hour"))


def _interval(reading: Reading, i: int) -> _Stated | None:
    """Two durations: "80-90 minutes", "between one and two hours"."""
    key, joint, before = reading.key(i), reading.key(i + 1), reading.key(i - 1)
    ends = _ENDS_OF_SPAN.fullmatch(key)
    if ends:
        low, high, unit, end = float(ends[1]), float(ends[2]), _unit(joint), i + 2
    elif joint == "to" or (joint == "and" and before == "between"):
        low, high = _number(key) or 0, _number(reading.key(i + 2)) or 0
        unit, end = _unit(reading.key(i + 3)), i + 4
    else:
        return None
    if not unit or not 0 < low < high or high * unit > _MOST_MINUTES or not reading.free(i, end):
        return None
    start = i - (before in {"between", "from"} and not reading.used[i - 1])
    if reading.negated(start):
        return None
    return _Stated(Range(round(low * unit), round(high * unit)), start, end)


def _about(reading: Reading, i: int) -> _Stated | None:
    """A duration that is not exact: "around 90 minutes"."""
    duration = _duration(reading, i)
    word = reading.key(i - 1)
    if duration is None or word not in _AROUND or not reading.free(i - 1, i):
        return None
    minutes, end = duration
    at_end = reading.ends_at(end + (reading.key(end) == "long"))
    if reading.negated(i - 1) or (word == "about" and not at_end):
        return None  # "a story about two hours in a bank"
    return _Stated(_around(minutes), i - 1, end)


def _compared(reading: Reading, i: int) -> _Stated | None:
    """A duration with the comparison before or behind it."""
    duration = _duration(reading, i)
    if duration is None:
        return None
    minutes, end = duration
    start, limits = _limits(reading, i, minutes)
    if limits is None:
        adjective = _is_adjective(reading, end) and minutes != _HOUR
        limits, end = _limits_behind(reading, i, end, minutes, adjective=adjective)
    return None if limits is None else _Stated(limits, start, end)


def _around(minutes: int) -> Range:
    return Range(minutes - _AROUND_MINUTES, minutes + _AROUND_MINUTES)


def _limits_behind(
    reading: Reading, i: int, end: int, minutes: int, *, adjective: bool
) -> tuple[Range | None, int]:
    """What the words behind a duration make of it, and where they end."""
    following = reading.phrase(end, end + 2)
    if following in {"or less", "or shorter"}:
        return Range(None, minutes), end + 2
    if following in {"or more", "or longer"}:
        return Range(minutes, None), end + 2
    if reading.key(end) in {"max", "maximum", "tops"}:
        return Range(None, minutes), end + 1
    if (reading.key(end) == "long" or adjective) and not reading.negated(i):
        return _around(minutes), end
    return None, end


def _limits(reading: Reading, i: int, minutes: int) -> tuple[int, Range | None]:
    """Where the comparison before a duration starts, and what it means."""
    for length in (2, 1):
        words = reading.phrase(i - length, i) if i >= length else ""
        side = words in _UNDER
        if not side and words not in _OVER:
            continue
        start = i - length
        strict = _UNDER[words] if side else _OVER[words]
        if reading.key(start - 1) in {"not", "no", "nothing", "never", "isn't", "don't"}:
            start, side, strict = start - 1, not side, 1 - strict
        elif reading.negated(start):
            return i, None
        return start, Range(None, minutes - strict) if side else Range(minutes + strict, None)
    return i, None


def _duration(reading: Reading, i: int) -> tuple[int, int] | None:
    """Minutes of a duration at a position, and where it ends."""
    key, end = reading.key(i), i + 1
    amount: float | None
    compact = _HOURS_AND_MINUTES.fullmatch(key)
    glued = _GLUED.fullmatch(key)
    if compact:
        amount, unit = int(compact[1]) + int(compact[2]) / _HOUR, _HOUR
    elif glued:
        amount, unit = _number(glued[1] or glued[3]), _unit(glued[2] or glued[4])
    else:
        amount, unit = _number(key), _unit(reading.key(end))
        end += 1
        if amount is not None and reading.phrase(i + 1, i + 4) in _AND_A_HALF:
            amount, unit, end = amount + 0.5, _unit(reading.key(i + 4)), i + 5
    if amount is None or not unit:
        return None
    minutes = amount * unit
    if unit == _HOUR and not compact:
        more, end = _minutes_behind(reading, end)
        minutes += more
    if not reading.free(i, end) or not 1 <= minutes <= _MOST_MINUTES:
        return None
    return round(minutes), end


def _minutes_behind(reading: Reading, end: int) -> tuple[float, int]:
    """The minutes behind hours, and where they end: "1 hour 30 minutes", "2h 15"."""
    if reading.phrase(end, end + 3) == "and a half":
        return 30, end + 3
    at = end + (reading.key(end) == "and")
    glued = _GLUED.fullmatch(reading.key(at))
    if glued and _unit(glued[4] or "") == 1:
        return float(_number(glued[3]) or 0), at + 1
    minutes = reading.key(at)
    if not (minutes.isdecimal() and minutes.isascii() and int(minutes) < _HOUR):
        return 0, end
    if _unit(reading.key(at + 1)) == 1:
        return int(minutes), at + 2
    return (int(minutes), at + 1) if at == end and len(minutes) == 2 else (0, end)


def _unit(word: str) -> int:
    """The minutes of a unit; 0 for any other word."""
    return _UNITS.get(word.removesuffix("s"), 0)


def _number(word: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,3}(\.5)?", word):
        return float(word)
    return _NUMBERS.get(word)
