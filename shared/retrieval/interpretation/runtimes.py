"""Running times that a text states: "under 90 minutes", "over two hours". Pure."""

from __future__ import annotations

import re

from shared.retrieval.filters import Range
from shared.retrieval.interpretation.words import KINDS, Reading, both

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


def read(reading: Reading) -> None:
    """Find how long the movie may be."""
    if reading.words_left() > MOST_WORDS:
        return
    for i in range(len(reading)):
        duration = _duration(reading, i)
        if duration is None:
            continue
        minutes, end = duration
        start, limits = _limits(reading, i, minutes)
        # "a 90 minute comedy"
        adjective = reading.key(end - 1).endswith(("minute", "hour")) and minutes != 60
        if limits is None:
            limits, end = _limits_behind(reading, i, end, minutes, adjective=adjective)
        if limits is None or reading.topic[start]:
            continue
        end += reading.key(end) == "long"
        if not (reading.ends_at(end) or reading.key(end) in _AFTER_DURATION or adjective):
            continue  # "less than two hours to defuse a bomb"
        while start and reading.key(start - 1) in _FILLERS and not reading.used[start - 1]:
            start -= 1
        reading.runtime = both(reading.runtime, limits)
        reading.use(start, end)


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
        return Range(minutes - _AROUND_MINUTES, minutes + _AROUND_MINUTES), end
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
    compact = re.fullmatch(r"(\d)h(?:rs?)?(\d\d)?(?:m|min)?", key)
    if compact:
        return int(compact[1]) * 60 + int(compact[2] or 0), end
    glued = re.fullmatch(r"(\w+)-(minutes?|mins?|hours?|hrs?)|(\d+)(mins?|m|hrs?|h)", key)
    if glued:
        amount, unit = _number(glued[1] or glued[3]), glued[2] or glued[4]
    else:
        amount, unit = _number(key), reading.key(end)
        end += 1
        if amount is not None and reading.phrase(i + 1, i + 4) in {"and a half", "and half a"}:
            amount, unit, end = amount + 0.5, reading.key(i + 4), i + 5
    if amount is None or unit.rstrip("s") not in {"minute", "min", "m", "hour", "hr", "h"}:
        return None
    minutes = amount * (60 if unit.startswith("h") else 1)
    if unit.startswith("h") and reading.phrase(end, end + 3) == "and a half":
        minutes, end = minutes + 30, end + 3
    if not reading.free(i, end) or not 1 <= minutes <= _MOST_MINUTES:
        return None
    return round(minutes), end


def _number(word: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,3}(\.5)?", word):
        return float(word)
    return _NUMBERS.get(word)
