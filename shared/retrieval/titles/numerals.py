"""Numbers in words, roman numerals and digits, in lists of folded words. Pure."""

from __future__ import annotations

import re

_UNITS = {
    word: value
    for value, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen",
        )
    )
}  # fmt: skip
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_ORDINALS = {
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th",
    "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th",
    "eleventh": "11th", "twelfth": "12th", "thirteenth": "13th", "twentieth": "20th",
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000}
_NUMBER_WORDS = frozenset({*_UNITS, *_TENS, *_ORDINALS, *_SCALES})
_ROMAN_NUMBERS = {
    roman: str(value)
    for value, roman in enumerate(
        (
            "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii",
            "xiv", "xv", "xvi", "xvii", "xviii", "xix", "xx",
        ),
        start=1,
    )
}  # fmt: skip
_ROMAN = frozenset(_ROMAN_NUMBERS)
_AMBIGUOUS = frozenset({"i", "v", "x"})  # words or names of their own: "I, Robot", "X-Men"
_BEFORE_NUMBER = frozenset({"part", "episode", "chapter", "volume"})
_AND_A_HALF = ["and", "a", "half"]
_DIGITS_INSIDE = re.compile(r"([^\W\d_]+)(\d+)([^\W\d_]+)")


def with_roman_as_digits(words: list[str]) -> list[str]:
    """Words with roman numerals as digits; I, V and X only where they can hardly be words."""
    if _ROMAN.isdisjoint(words):
        return words
    last = len(words) - 1
    return [
        _ROMAN_NUMBERS[word]
        if word in _ROMAN_NUMBERS
        and (
            word not in _AMBIGUOUS
            or (n > 0 and (n == last or words[n - 1] in _BEFORE_NUMBER))
        )
        else word
        for n, word in enumerate(words)
    ]  # fmt: skip


def with_digits(words: list[str]) -> list[str]:
    """Words with numbers in words as digits: "twenty one" is "21", "se7en" is "7"."""
    if any(not word.isalpha() and not word.isdigit() for word in words):
        words = [_number_with_letters(word) for word in words]
    if _NUMBER_WORDS.isdisjoint(words):
        return words
    result: list[str] = []
    n = 0
    while n < len(words):
        value, end = _number_at(words, n)
        if value is None:
            result.append(_ORDINALS.get(words[n], words[n]))
        elif 20 <= value < 100 and value % 10 == 0 and _is_unit_ordinal(words[end : end + 1]):
            result.append(f"{value // 10}{_ORDINALS[words[end]]}")
            end += 1
        else:
            result.append(str(value))
            if words[end : end + 3] == _AND_A_HALF:
                result.append("12")  # as in "8½", whose fraction is folded to 1 and 2
                end += 3
        n = end
    return result


def _number_at(words: list[str], start: int) -> tuple[int | None, int]:
    """The number that begins at ``start``, or None, and where the words behind it begin."""
    value: int | None = None
    n = start
    while n < len(words):
        # "and" joins two parts of one number: "one hundred and one".
        joins = words[n] == "and" and value is not None and value % 100 == 0 and n + 1 < len(words)
        word = words[n + 1] if joins else words[n]
        longer = None if joins and word in _SCALES else _extended(value, word)
        if longer is None:
            break
        value = longer
        n += 2 if joins else 1
    return value, max(n, start + 1)


def _extended(value: int | None, word: str) -> int | None:
    """The number that ``word`` makes of the number before it; None when it begins another."""
    if word in _SCALES:
        scale = _SCALES[word]
        return scale if value is None else value * scale if 0 < value < scale else None
    number = _UNITS.get(word, _TENS.get(word))
    if number is None or value is None:
        return number
    step = 10 if number < 10 else 100
    return value + number if number and value >= 20 and value % step == 0 else None


def _is_unit_ordinal(words: list[str]) -> bool:
    return bool(words) and len(_ORDINALS.get(words[0], "")) == len("1st")


def _number_with_letters(word: str) -> str:
    """The digits of a word whose letters spell the same number, as in "se7en"."""
    pieces = _DIGITS_INSIDE.fullmatch(word)
    if pieces is None:
        return word
    before, digits, behind = pieces.groups()
    for name, value in (_UNITS | _TENS).items():
        if str(value) == digits and name.startswith(before) and name.endswith(behind):
            return digits
    return word
