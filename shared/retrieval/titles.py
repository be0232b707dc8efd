"""Titles: finding the film whose title was typed, and completing titles. Pure.

Case, accents, punctuation and a leading article count for nothing. A description is not a title:
only a query that is a whole title, or at least two words that begin one, names a film.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from shared.text.terms import fold

_ARTICLES = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "le",
            "la",
            "les",
            "l",
            "un",
            "une",
            "der",
            "die",
            "das",
            "ein",
            "eine",
        ),
        *("el", "los", "las", "il", "lo", "gli", "i", "o", "os", "as"),
    )
)
_WORDS = re.compile(r"[^\W_]+")
_AFTER_ALL = "\U0010ffff"


def normal(title: str) -> str:
    """A title without case, accents, punctuation and a leading article."""
    words = _WORDS.findall(fold(title))
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


class Titles:
    """The titles of a snapshot, sorted for look-up by prefix."""

    def __init__(self, titles: Iterable[tuple[int, str]], popularity: Iterable[int] = ()) -> None:
        """Take ``(row, title)`` of the movies that have a title.

        Args:
            titles: Of all movies.
            popularity: By row; of titles that fit alike the more popular comes first.
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
        """Rows of the films that a query names: whole titles first, then beginnings of titles."""
        wanted = normal(query)
        if not wanted:
            return []
        whole: list[int] = []
        begun: list[int] = []
        for key, row, from_start in self._from(wanted):
            if not from_start:
                continue
            if key == wanted:
                whole.append(row)
            elif " " in wanted and key.startswith(f"{wanted} "):
                begun.append(row)
        return [*self._by_popularity(whole), *self._by_popularity(begun)]

    def suggest(self, prefix: str, most: int) -> list[int]:
        """Rows of films with a title of which a word, or the whole, begins with ``prefix``."""
        wanted = normal(prefix)
        if not wanted:
            return []
        starts: list[int] = []
        inside: list[int] = []
        for _, row, from_start in self._from(wanted):
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
