"""Years, decades and spans of years that a text states. Pure.

A year that says when the story is set ("set in the 60s", "in 1944 France", "a story about 1969") is
not a condition on when the movie was made. A negation turns an open interval around ("nothing
before 1990"), and leaves any other to the rules of negation.
"""

from __future__ import annotations

import re

from shared.retrieval.filters import Range
from shared.retrieval.interpretation.words import KINDS, PEOPLE, Reading, both

Span = tuple[int, int]

MOST_WORDS = 12
"""A bare year or comparison in a longer text tells of the story."""

_DIGITS = re.compile(r"(1[89]\d\d|20[0-4]\d)")
_DECADE = re.compile(r"'?(?:(1[89]\d|20[0-4])0|([0-9])0)'?s")
_SPAN = re.compile(r"(1[89]\d\d|20[0-4]\d)\s?[-–—]\s?(\d{2}|\d{4})")
_DECADES = re.compile(r"(.+s)[-–—](.+s)")
_AFFIXED = re.compile(r"(?:(pre|post)-?)?(.+?)(\+)?")
_SUFFIXED = re.compile(r"(early|mid|late)-(.+)")
_DECADE_WORDS = {
    "twenties": 1920, "thirties": 1930, "forties": 1940, "fourties": 1940, "fifties": 1950,
    "sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000,
}  # fmt: skip
_THIRDS = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (5, 9)}
"""Years of a decade; "late" is its second half, as people use the word."""
_WORDS = {
    "before": "before", "pre": "before", "older": "before", "earlier": "before", "after": "after",
    "post": "after", "newer": "after", "later": "after", "beyond": "after", "since": "since",
    "until": "until", "till": "until", "til": "until", "through": "until",
}  # fmt: skip
_PAIRS = {
    ("older", "than"): "before", ("earlier", "than"): "before", ("newer", "than"): "after",
    ("later", "than"): "after", ("recent", "than"): "after", ("younger", "than"): "after",
    ("prior", "to"): "before", ("up", "to"): "until",
}  # fmt: skip
_BEHIND = {
    **dict.fromkeys(("or later", "and later", "or newer", "and newer", "and after"), "since"),
    **dict.fromkeys(("or after", "to now", "to today", "and onwards", "and onward"), "since"),
    **dict.fromkeys(("and up", "and on", "and beyond", "to present", "until now"), "since"),
    **dict.fromkeys(("or more recent", "and more recent"), "since"),
    **dict.fromkeys(("or earlier", "and earlier", "or older", "or before", "and before"), "until"),
}
_MADE = frozenset(("made", "released", "produced", "filmed", "shot", "dated", "out"))
_POSSESSIVES = frozenset(("his", "her", "their", "my", "our", "your", "its", "in", "during"))
_NOT_MADE_THEN = frozenset((
    "nostalgia", "kid", "kids", "music", "vibe", "vibes", "style", "aesthetic", "feel", "feeling",
    "fashion", "disco", "rock", "pop", "hip-hop", "america", "england", "london", "paris", "berlin",
    "japan", "new", "setting", "throwback", "soundtrack", "childhood", "party", "era", "culture",
    "songs", "hits", "tribute", "spoof", "inspired", "themed", "atmosphere", "look", "songs",
    "france", "germany", "russia", "italy", "china", "california", "hollywood", "suburbia",
))  # fmt: skip
_NOT_MADE_BEFORE = frozenset((
    "about", "during", "set", "roaring", "swinging", "throughout", "in", "man", "woman", "boy",
    "girl", "soldier", "soldiers", "people", "person", "someone", "detective", "cop", "family",
    "kids", "kid", "teenager", "couple", "like", "around", "feels", "to", "into", "back",
    "teenagers", "teens", "orphans", "events", "song", "songs",
    "murder", "case", "music", "nostalgia", "war", "summer", "winter", "spring", "autumn", "fall",
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "christmas", "revolution", "crash", "crisis", "year",
    "murders", "disaster", "scandal", "trial", "earthquake", "election", "riots", "olympics",
))  # fmt: skip
_OTHER_VERSION = frozenset((
    "remake", "remakes", "sequel", "prequel", "reboot", "adaptation", "version", "based", "spoof",
    "parody", "remaking", "inspired",
))  # fmt: skip
"""Words before the year of another movie than the one that is asked for."""


def read(reading: Reading) -> None:
    """Find the years in which the movie was made."""
    i = 0
    while i < len(reading):
        if not _may_be_year(reading.keys[i]):
            i += 1
            continue
        years = _at(reading, i)
        if years is None and not reading.used[i]:
            _take_affixed(reading, i)
        if years is None:
            i += 1
            continue
        year, end = years
        _take(reading, i, end, year)
        i = end


def _may_be_year(key: str) -> bool:
    return not key.isalpha() or key in _DECADE_WORDS or key in _THIRDS or key == "nineteen"


def _at(reading: Reading, i: int) -> tuple[Span, int] | None:
    """A year, a decade or a span at a position, and where it ends."""
    if reading.used[i]:
        return None
    one = _one(reading, i)
    if one is None:
        return None
    (first, last), end = one
    word = reading.key(end)
    if word in {"to", "and", "or", "until", "through"} and reading.joined(i, end + 1):
        other_at = end + 1 + (reading.key(end + 1) == "the")
        other = _one(reading, other_at) if other_at < len(reading) else None
        if other and reading.free(i, other[1]) and other[0][0] >= first:
            decades = last > first and other[0][1] > other[0][0]
            spans = word in {"to", "until", "through"} or reading.key(i - 1) in {"between", "the"}
            if (decades or spans) and other[0][1] - first < 100:
                return (first, other[0][1]), other[1]
    return (first, last), end


def _one(reading: Reading, i: int) -> tuple[Span, int] | None:
    key = reading.key(i)
    third = _SUFFIXED.fullmatch(key)
    if third:
        decade = _decade(third[2])
        return (_third(decade, third[1]), i + 1) if decade else None
    if key in _THIRDS and reading.key(i + 1):
        skipped = i + 1
        while reading.key(skipped) in {"to", "late", "of", "the", "mid"}:
            skipped += 1
        # "early to mid 90s" and "mid to late 90s" are the two thirds together.
        decade, end = _long_decade(reading, skipped)
        if decade and skipped - i <= 3:
            first = _third(decade, key)
            second = _third(decade, reading.key(skipped - 1))
            return (first[0], max(first[1], second[1])), end
    span = _SPAN.fullmatch(key)
    if span:
        first_year = int(span[1])
        last_year = int(span[2]) if len(span[2]) == 4 else first_year // 100 * 100 + int(span[2])
        fits = first_year <= last_year < 2050
        return ((first_year, last_year), i + 1) if fits else None
    if _DIGITS.fullmatch(key):
        return (int(key), int(key)), i + 1
    decades = _DECADES.fullmatch(key)
    if decades:
        low, high = _decade(decades[1]), _decade(decades[2])
        return ((low, high + 9), i + 1) if 0 < low <= high else None
    decade, end = _long_decade(reading, i)
    return ((decade, decade + 9), end) if decade else None


def _third(decade: int, word: str) -> Span:
    low, high = _THIRDS.get(word, (0, 9))
    return decade + low, decade + high


def _long_decade(reading: Reading, i: int) -> tuple[int, int]:
    """The decade at a position, or 0, and where it ends: "nineteen nineties" has two words."""
    if reading.key(i) == "nineteen" and reading.key(i + 1) in _DECADE_WORDS:
        return _DECADE_WORDS[reading.key(i + 1)], i + 2
    return _decade(reading.key(i)), i + 1


def _decade(word: str) -> int:
    word = word.removeprefix("nineteen-")
    if word in _DECADE_WORDS:
        return _DECADE_WORDS[word]
    digits = _DECADE.fullmatch(word)
    if not digits:
        return 0
    if digits[1]:
        return int(digits[1]) * 10
    return 2000 if digits[2] == "0" else (1900 + int(digits[2]) * 10 if digits[2] != "1" else 2010)


def _take(reading: Reading, first: int, end: int, span: Span) -> None:
    """Use a year, unless it tells of the story."""
    start = first
    if reading.key(start - 1) == "the" and not reading.used[start - 1]:
        start -= 1
    low, high = span
    limits, start, end = _compared(reading, start, end, low, high)
    compared = limits is not None
    if limits is None:
        limits = Range(low, high)
        start, made = _introduced(reading, start)
        if reading.negated(start, within=3) or not _is_release(reading, start, end, made):
            return
    elif reading.words_left() > MOST_WORDS or reading.topic[max(0, start - 1)]:
        return
    while reading.key(start - 1) in _MADE | {"that", "was", "were", "is", "came", "which", "be"}:
        if reading.used[start - 1] or reading.breaks[start - 1]:
            break
        start -= 1
    if compared and reading.negated(start, within=3):
        negator = start - 1
        while reading.key(negator) in KINDS and not reading.used[negator]:
            negator -= 1  # "no movies before 1990"
        if reading.key(negator) not in {"nothing", "not", "no", "isn't", "never", "none"}:
            return
        limits = _complement(limits)
        start = negator
    reading.year = both(reading.year, limits)
    reading.use(start, end)


def _take_affixed(reading: Reading, i: int) -> None:
    """Use "pre-1960", "post-2000" or "2010+"."""
    key = reading.key(i)
    affixed = _AFFIXED.fullmatch(key)
    if not affixed or bool(affixed[1]) == bool(affixed[3]):
        return
    year = affixed[2]
    first = int(year) if _DIGITS.fullmatch(year) else _decade(year)
    if not first or reading.negated(i) or reading.topic[i] or reading.words_left() > MOST_WORDS:
        return
    last = first if _DIGITS.fullmatch(year) else first + 9
    limits = {"pre": Range(None, first - 1), "post": Range(last + 1, None)}
    reading.year = both(reading.year, limits.get(affixed[1], Range(first, None)))
    reading.use(i, i + 1)


def _compared(
    reading: Reading, start: int, end: int, low: int, high: int
) -> tuple[Range | None, int, int]:
    """What a comparison makes of a year: its interval, and where the phrase starts and ends."""
    word = "" if not start or reading.breaks[start - 1] else reading.key(start - 1)
    before = reading.key(start - 2) if start > 1 else ""
    sides = {
        "before": Range(None, low - 1),
        "after": Range(high + 1, None),
        "since": Range(low, None),
        "until": Range(None, high),
    }
    side = _PAIRS.get((before, word))
    if side:
        more = (before, reading.key(start - 3)) == ("recent", "more")
        return sides[side], start - 2 - more, end
    side = _WORDS.get(word)
    if side:
        return sides[side], start - 1 - (before == "from"), end
    behind = _BEHIND.get(reading.phrase(end, end + 2))
    if behind:
        return sides[behind], start - (word == "from"), end + 2
    if reading.key(end) in {"onwards", "onward"} or (word == "from" and reading.key(end) == "on"):
        return sides["since"], start - (word == "from"), end + 1
    return None, start, end


def _introduced(reading: Reading, start: int) -> tuple[int, bool]:
    """Where the words before a year start that say it is the year of making."""
    begin = start
    while begin and not reading.used[begin - 1] and not reading.breaks[begin - 1]:
        if reading.key(begin - 1) not in _BEFORE_YEAR:
            break
        begin -= 1
    word = reading.key(begin - 1) if begin and not reading.breaks[begin - 1] else ""
    if word in _MADE:
        return begin, True
    if begin < start and reading.key(begin) in {"from", "of", "between"}:
        return begin, False
    if begin < start and reading.key(begin) in {"in", "during"} and word in _PLURAL_KINDS:
        return begin, True
    return start, False


_BEFORE_YEAR = frozenset((
    "from", "of", "in", "between", "the", "around", "during", "year", "years",
))  # fmt: skip
_PLURAL_KINDS = frozenset(("movies", "films", "comedies", "thrillers", "westerns", "musicals"))


def _is_release(reading: Reading, start: int, end: int, made: bool) -> bool:
    """Whether a year says when the movie was made, not when its story happens."""
    if made:
        return True
    if any(key in _OTHER_VERSION for key in reading.keys[max(0, start - 4) : start]):
        return False
    before = reading.key(start - 1) if start and not reading.breaks[start - 1] else ""
    after = reading.key(end) if not reading.breaks[end - 1] else ""
    if before in _NOT_MADE_BEFORE or before in _POSSESSIVES | PEOPLE or before == "the":
        return False
    introduced = reading.key(start) in {"from", "of", "between"}
    if reading.words_left() > MOST_WORDS or reading.topic[start]:
        return after in KINDS or (introduced and before in KINDS)
    if after in _NOT_MADE_THEN:
        return False
    if introduced:
        return True
    bare = _DIGITS.fullmatch(reading.key(start)) is not None
    # "a man, 1944 and a war" tells nothing; "1989 drama", "drama 1989" and "drama, 1989" do.
    return not bare or after in KINDS or reading.content_words() <= 4


def _complement(limits: Range) -> Range:
    if limits.gte is None and limits.lte is not None:
        return Range(limits.lte + 1, None)
    if limits.lte is None and limits.gte is not None:
        return Range(None, limits.gte - 1)
    return limits
