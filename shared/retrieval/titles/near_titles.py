"""Titles that a text nearly is: with a slip, or with two or three in a longer one. Pure.

A slip is a letter too much, too few or wrong, or two that changed places. Titles are compared
without spaces. Those of another length or with other letters are left out first, so that a search
among ten thousand titles takes a fraction of a millisecond.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from shared.retrieval.titles.title_frames import is_ordinary
from shared.retrieval.titles.title_keys import slip_forms, without_article, words_of

WordCount = Callable[[str], int]
"""From a folded word to the number of movies that have it."""

_LEAST_LETTERS = (5, 9, 20)  # of a title in which one, two or three slips are forgiven
_LEAST_LETTERS_OF_WORDS = 9  # of a title that is a slip away from words that all exist
_LEAST_KNOWN = 3  # movies that have a word, before it is believed to be one
_LEAST_LETTERS_OF_PREFIX = (4, 9)  # in which one slip, or two, are forgiven
_WINDOW = 16  # letters of a key that are compared first
_DIGITS = re.compile(r"\d+")


class NearTitles:
    """Titles by length and letters. ``add`` all of them, then ``prepare``, then ``find``."""

    def __init__(self, word_count: WordCount | None = None) -> None:
        self._word_count = word_count
        self._added: dict[tuple[str, int], bool] = {}
        self._forms: list[str] = []
        self._keys: list[str] = []
        self._rows: list[int] = []
        self._whole: list[bool] = []
        self._lengths: list[int] = []
        self._letters: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)

    def add(self, row: int, title: str, *, is_whole: bool) -> None:
        """Add a title, or a part of one, of the movie ``row``."""
        for form in slip_forms(words_of(title)):
            if sum(map(len, form)) >= _LEAST_LETTERS[0]:
                self._added.setdefault((" ".join(form), row), is_whole)

    def prepare(self) -> None:
        """Sort what was added."""
        added = [
            (form.replace(" ", ""), form, row, whole) for (form, row), whole in self._added.items()
        ]
        added.sort(key=lambda entry: len(entry[0]))
        self._keys = [key for key, *_ in added]
        self._forms = [form for _, form, _, _ in added]
        self._rows = [row for _, _, row, _ in added]
        self._whole = [whole for *_, whole in added]
        self._lengths = [len(key) for key in self._keys]
        self._letters = np.array([_letters(key) for key in self._keys], np.uint64)
        self._added.clear()

    def find(self, words: list[str]) -> Iterator[tuple[int, int, bool]]:
        """``(row, slips, is_whole)`` of the titles that the words nearly are, in no order."""
        most_slips = self._slips_forgiven(words)
        for form in slip_forms(words) if most_slips else []:
            key = "".join(form)
            slips = min(most_slips, sum(len(key) >= least for least in _LEAST_LETTERS))
            if not slips:
                continue
            first = bisect_left(self._lengths, len(key) - slips)
            last = bisect_left(self._lengths, len(key) + slips + 1)
            others = np.bitwise_count(self._letters[first:last] ^ np.uint64(_letters(key)))
            # A slip changes at most two letters of the set.
            for n in (np.flatnonzero(others <= 2 * slips) + first).tolist():
                distance = OSA.distance(key, self._keys[n], score_cutoff=slips)
                if 0 < distance <= slips and _is_believable(form, self._forms[n].split(" ")):
                    yield self._rows[n], distance, self._whole[n]

    def _slips_forgiven(self, words: list[str]) -> int:
        """At most how many slips a text can have: fewer when all of its words exist."""
        if is_ordinary(words):
            return 0
        words = without_article(words)
        if all(self._is_word(word) for word in words):
            enough = len(words) > 1 and len("".join(words)) >= _LEAST_LETTERS_OF_WORDS
            return 1 if enough else 0
        return len(_LEAST_LETTERS)

    def _is_word(self, word: str) -> bool:
        if is_ordinary([word]) or word.isdigit():
            return True
        return self._word_count is not None and self._word_count(word) >= _LEAST_KNOWN


class NearBeginnings:
    """The beginnings of sorted keys, which a prefix nearly is."""

    def __init__(self, keys: list[str]) -> None:
        """Keep the first letters of all keys.

        Args:
            keys: Sorted keys of titles, and of titles from one of their words on.
        """
        self._keys = keys
        padded = np.array(keys, dtype=f"U{_WINDOW}") if keys else np.zeros(0, f"U{_WINDOW}")
        codes = padded.view(np.uint32).reshape(len(keys), _WINDOW)
        self._codes = (codes & 63).astype(np.uint8)

    def find(self, prefix: str) -> Iterator[tuple[int, int]]:
        """``(number of the key, slips)`` of the keys that nearly begin with a prefix.

        The first letter is right, or has changed places with the second.
        """
        slips = sum(len(prefix) >= least for least in _LEAST_LETTERS_OF_PREFIX)
        window = min(_WINDOW, len(prefix) + slips)
        letters = np.uint64(_letters(prefix[: window - slips]))
        for letter in dict.fromkeys(prefix[:2]) if slips else ():
            first = bisect_left(self._keys, letter)
            last = bisect_left(self._keys, letter + "\U0010ffff")
            bits = np.left_shift(np.uint64(1), self._codes[first:last, :window].astype(np.uint64))
            missing = np.bitwise_count(letters & ~np.bitwise_or.reduce(bits, axis=1))
            likely = (np.flatnonzero(missing <= slips) + first).tolist()
            least = np.full(len(likely), slips + 1, np.uint8)
            for length in range(len(prefix) - slips, len(prefix) + slips + 1) if likely else ():
                begun = [self._keys[n][:length] for n in likely]
                distances = cdist(
                    [prefix], begun, scorer=OSA.distance, score_cutoff=slips, dtype=np.uint8
                )
                least = np.minimum(least, distances[0])
            for n in np.flatnonzero(least <= slips).tolist():
                yield likely[n], int(least[n])


def _is_believable(form: list[str], title: list[str]) -> bool:
    """Whether two forms can be one title: the same numbers, and no word that is quite another."""
    if _DIGITS.findall("".join(form)) != _DIGITS.findall("".join(title)):
        return False
    if len(form) != len(title):
        return True
    return all(
        OSA.distance(word, other) <= 1 + len(other) // 5
        for word, other in zip(form, title, strict=True)
    )


def _letters(key: str) -> int:
    """The letters of a key as a set of bits; letters beyond the Latin ones share bits."""
    bits = 0
    for letter in set(key):
        bits |= 1 << (ord(letter) & 63)
    return bits
