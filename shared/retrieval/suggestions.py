"""Names that a text begins: people and genres of the catalogue, however they are written. Pure.

A name is found from any of its words on, so that a surname is enough, and also with the words
before it behind it: "hitchcock al". Genres are found by everything that people call them. A slip is
forgiven where nothing begins with the text as it stands.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_lowercase
from typing import Literal, NamedTuple

import numpy as np

from shared.retrieval.interpretation.places import GENRES, Naming
from shared.retrieval.titles.title_keys import joined, words_of
from shared.snapshot.files.facts import CatalogueFacts

NameKind = Literal["genre", "person"]

_MOST_CHARS = 100  # of a text that can be a name
_LEAST_WITH_SLIP = 5  # letters of a text
_LEAST_WORD_WITH_SLIP = 4  # letters of the word that has it
_MOST_GENRES = 2
_AFTER_ALL = "\U0010ffff"


class SuggestedName(NamedTuple):
    """A person or a genre, in the catalogue's most common spelling.

    Attributes:
        kind: What the name is.
        name: The name.
        movies: How many movies of the catalogue have it.
    """

    kind: NameKind
    name: str
    movies: int


class NameSuggestions:
    """The people and genres of a snapshot; built once when it is loaded.

    Example::

        names = NameSuggestions(facts)
        names.suggest("hitchcok", 4)  # [SuggestedName("person", "Alfred Hitchcock", 9)]
    """

    def __init__(self, facts: Sequence[CatalogueFacts]) -> None:
        """Prepare the look-ups.

        Args:
            facts: The facts of every movie.
        """
        people = Counter(name for fact in facts for name in {*fact.directors, *fact.people})
        genres = Counter(name for fact in facts for name in set(fact.genres))
        self._people = _Beginnings("person", people)
        self._genres = _Beginnings("genre", genres, GENRES)

    def suggest(self, prefix: str, most: int) -> list[SuggestedName]:
        """The names that begin with a text, genres first, then people.

        Of each kind, those that have the text as whole words come first, then those with more
        movies.

        Args:
            prefix: The text.
            most: The greatest number of names.
        """
        words = words_of(prefix[:_MOST_CHARS])
        if not words:
            return []
        most_genres = min(most, _MOST_GENRES)
        key = "".join(words)
        names = [*self._genres.begun(key, most_genres), *self._people.begun(key, most)]
        if not names and len(key) >= _LEAST_WITH_SLIP:
            names = [*self._genres.near(words, most_genres), *self._people.near(words, most)]
        return names[:most]


class _Beginnings:
    """Names of one kind by what they begin with, numbered from the one with the most movies."""

    def __init__(self, kind: NameKind, movies: Counter[str], table: Iterable[Naming] = ()) -> None:
        """Sort the keys.

        Args:
            kind: The kind.
            movies: The number of movies of every name.
            table: What people and other catalogues call the names.
        """
        self._names: list[SuggestedName] = []
        numbers: dict[str, int] = {}  # of the commonest spelling, by key
        entries: set[tuple[str, int, int]] = set()
        words: set[str] = set()
        for name, count in sorted(movies.items(), key=lambda entry: (-entry[1], entry[0])):
            parts = words_of(name)
            key = "".join(parts)
            if key and key not in numbers:
                numbers[key] = len(self._names)
                entries.update(_keys(parts, numbers[key]))
                words.update(parts)
                self._names.append(SuggestedName(kind, name, count))
        for names, typed in table:
            known = [numbers[key] for key in map(joined, names) if key in numbers]
            for parts in map(words_of, (*names, *typed) if known else ()):
                entries.update(_keys(parts, known[0]))
                words.update(parts)
        ordered = sorted(entries)
        self._keys = [key for key, _, _ in ordered]
        self._owners = np.array([number for _, number, _ in ordered], np.int32)
        self._ends = np.array([letters for _, _, letters in ordered], np.int32)
        self._words = sorted(words)

    def begun(self, key: str, most: int) -> list[SuggestedName]:
        """The names of which a key begins so."""
        first = bisect_left(self._keys, key)
        last = bisect_left(self._keys, key + _AFTER_ALL)
        owners = self._owners[first:last]
        whole = owners[self._ends[first:last] == len(key)]
        numbers = [*np.unique(whole)[:most].tolist(), *np.unique(owners)[:most].tolist()]
        return [self._names[number] for number in dict.fromkeys(numbers)][:most]

    def near(self, words: list[str], most: int) -> list[SuggestedName]:
        """The names that begin with the words but for a slip in one of them."""
        names: list[SuggestedName] = []
        for n, word in enumerate(words):
            before, behind = "".join(words[:n]), "".join(words[n + 1 :])
            for other in self._near_beginnings(word):
                names += self.begun(before + other + behind, most)
        distinct = dict.fromkeys(sorted(names, key=lambda each: -each.movies))
        return [*distinct][:most]

    def _near_beginnings(self, word: str) -> list[str]:
        """Beginnings of words that differ by a slip; not in the first letter."""
        if len(word) < _LEAST_WORD_WITH_SLIP:
            return []
        near = []
        for other in sorted(_with_a_slip(word)):
            at = bisect_left(self._words, other)
            if at < len(self._words) and self._words[at].startswith(other):
                near.append(other)
        return near


def _with_a_slip(word: str) -> set[str]:
    """All strings that are a letter too much, too few, wrong or swapped away from a word."""
    others = {word[1] + word[0] + word[2:]}
    for n in range(1, len(word) + 1):
        before, behind = word[:n], word[n:]
        others |= {before + letter + behind for letter in ascii_lowercase}
        others |= {before + letter + behind[1:] for letter in ascii_lowercase if behind}
        others |= {before + behind[1:], before + behind[1:2] + behind[:1] + behind[2:]}
    return others - {word}


def _keys(words: list[str], number: int) -> Iterator[tuple[str, int, int]]:
    """``(key, number, letters up to the end of the name)`` from each word of a name on."""
    for n in range(len(words)):
        rest = "".join(words[n:])
        yield rest + "".join(words[:n]), number, len(rest)
