"""Titles: finding the movie whose title is the query, and completing titles. Pure.

Case, accents, punctuation and a leading article are ignored. A description is not a title: only a
query that is a whole title, or at least the first two words of one, names a movie.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from shared.text.terms import fold

_ARTICLES = frozenset({
    "a", "an", "the",
    "le", "la", "les", "l", "un", "une",
    "der", "die", "das", "ein", "eine",
    "el", "los", "las", "il", "lo", "gli", "i", "o", "os", "as",
})  # fmt: skip
_WORDS = re.compile(r"[^\W_]+")
_AFTER_ALL = "\U0010ffff"


def normal(title: str) -> str:
    """A title without case, accents, punctuation and leading article."""
    words = _WORDS.findall(fold(title))
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


class Titles:
    """The titles of a snapshot, sorted for look-up by prefix."""

    def __init__(self, titles: Iterable[tuple[int, str]], popularity: Iterable[int] = ()) -> None:
        """Sort the titles.

        Args:
            titles: ``(row, title)`` of all movies that have a title.
            popularity: Popularity by row; of equally good matches the more popular comes first.
        """
        self._popularity = list(popularity)
        entries: set[tuple[str, int, bool]] = set()
        for row, title in titles:
            whole = normal(title)
            if whole:
                entries.add((whole, row, True))
            # "Rings" completes "The Lord of the Rings" as well.
            words = whole.split()
            for n in range(1, len(words)):
                entries.add((" ".join(words[n:]), row, False))
        self._entries = sorted(entries)
        self._keys = [key for key, _, _ in self._entries]

    def named(self, query: str) -> list[int]:
        """Rows of the movies that a query names: whole titles first, then beginnings of titles."""
        phrase = normal(query)
        if not phrase:
            return []
        whole: list[int] = []
        begun: list[int] = []
        for key, row, from_start in self._from(phrase):
            if not from_start:
                continue
            if key == phrase:
                whole.append(row)
            elif " " in phrase and key.startswith(f"{phrase} "):
                begun.append(row)
        return [*self._by_popularity(whole), *self._by_popularity(begun)]

    def suggest(self, prefix: str, most: int) -> list[int]:
        """Rows of movies whose title, or a word of it, begins with ``prefix``."""
        beginning = normal(prefix)
        if not beginning:
            return []
        starts: list[int] = []
        inside: list[int] = []
        for _, row, from_start in self._from(beginning):
            (starts if from_start else inside).append(row)
        ordered = [*self._by_popularity(starts), *self._by_popularity(inside)]
        return list(dict.fromkeys(ordered))[:most]

    def _from(self, prefix: str) -> Iterable[tuple[str, int, bool]]:
        first = bisect_left(self._keys, prefix)
        last = bisect_left(self._keys, prefix + _AFTER_ALL)
        return self._entries[first:last]

    def _by_popularity(self, rows: list[int]) -> list[int]:
        if not self._popularity:
            return rows
        return sorted(rows, key=lambda row: -self._popularity[row])
