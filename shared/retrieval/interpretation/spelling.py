"""Words that the catalogue does not know, replaced by those it knows when that is safe. Pure.

A slip is a letter too much, too few or wrong, or two that changed places. Short words, numbers and
compounds of known words are left as they are, and so is a text most of whose words are strange: it
is in another language, or means nothing. A word with a capital letter may be a name, and becomes
another name only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from itertools import groupby

import numpy as np
from cachetools import LRUCache
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from shared.retrieval.interpretation.lexicon import Lexicon
from shared.retrieval.interpretation.parts import Correction
from shared.retrieval.titles.title_frames import is_ordinary
from shared.retrieval.titles.title_keys import folded
from shared.text.foreign_words import FOREIGN_WORDS
from shared.text.language_terms import everyday_words
from shared.text.languages import ENGLISH
from shared.text.terms import terms

_LEAST_LETTERS = 4
_LEAST_WITH_TWO_SLIPS = 8  # letters of a word that may become a name
_LEAST_ORDINARY_WITH_TWO_SLIPS = 10  # letters of a word that may become another
_SUFFIXES = (
    "y", "ly", "er", "ers", "ee", "est", "ed", "ing", "or", "ist", "ism", "ish", "ness", "ies",
)  # fmt: skip
_MOST_LETTERS = 30
_LEAST_MOVIES = 3  # that have a word which replaces another
_LEAST_MOVIES_OF_NAME = 2
_NAME_WEIGHT = 5  # of a movie that has the word in its title or names
_LEAST_HALF = 4  # letters of each half of a compound
_MOST_STRANGE = 1  # words without a correction in a text that is mostly strange
_OVERWHELMING = 100  # times as many movies have a word as a slip of it that some have
_PLAIN = 3  # times as likely as any other slip
_CACHED_WORDS = 4096


class Speller:
    """Corrects words by the vocabulary of one catalogue.

    Example::

        speller = Speller({"thriller": 40}, lexicon)
        speller.correct(["a", "thriler"])
        # (["a", "thriller"], [Correction(written="thriler", corrected="thriller")])
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        lexicon: Lexicon,
        also_known: Container[str] = (),
        *,
        names: Container[str] = (),
        language: str = ENGLISH,
    ) -> None:
        """Sort the words by their first letter and length.

        Args:
            vocabulary: The number of movies whose texts have a word, by word.
            lexicon: The names of the same catalogue.
            also_known: Further folded words that are no slips, such as the whole words of the
                encoder's tokenizer.
            names: Folded words of the vocabulary that are names.
            language: The catalogue's language.
        """
        self._language = language
        self._everyday_words = everyday_words(language)
        self._also_known = also_known
        self._names = names
        self._lexicon = lexicon
        self._movies: dict[str, int] = {}
        self._written: dict[str, str] = {}  # with its accents, where the vocabulary has them
        for word, movies in vocabulary.items():
            key = folded(word)
            if movies >= self._movies.get(key, 0):
                self._movies[key], self._written[key] = movies, word
        self._terms = {
            term for word, movies in vocabulary.items() if movies for term in terms(word, language)
        }
        weights = {
            word: movies
            for word, movies in self._movies.items()
            if movies >= (_LEAST_MOVIES_OF_NAME if word in names else _LEAST_MOVIES)
        }
        for word, movies in lexicon.name_words.items():
            weights[word] = weights.get(word, 0) + _NAME_WEIGHT * movies
        self._weights = {
            word: weight
            for word, weight in weights.items()
            if word.isalpha() and _LEAST_LETTERS <= len(word) <= _MOST_LETTERS
        }
        self._words: dict[tuple[str, int], list[str]] = defaultdict(list)
        for word in sorted(self._weights):
            self._words[word[0], len(word)].append(word)
        self._known: LRUCache[str, bool] = LRUCache(_CACHED_WORDS)
        self._corrected: LRUCache[tuple[str, bool], str | None] = LRUCache(_CACHED_WORDS)

    def correct(self, words: Sequence[str]) -> tuple[list[str], list[Correction]]:
        """Correct the words that the catalogue does not know.

        Args:
            words: The words of a text, in order.

        Returns:
            The words, of which the corrected ones have a capital letter where the written ones
            had, and the corrections.
        """
        result = list(words)
        corrections: list[Correction] = []
        strange = 0
        titled = [word[:1].isupper() and not word.isupper() for word in words]
        for n, word in enumerate(words):
            key = folded(word)
            if self.knows(word):
                is_foreign = key in FOREIGN_WORDS and not self._movies.get(key)
                strange += 2 * is_foreign  # surer than a word that may be a slip
                continue
            # A text begins with a capital letter whatever its first word is.
            is_name = titled[n] and (n > 0 or titled[1:2] == [True])
            is_name = is_name or not word.isascii()
            if self._language != ENGLISH:  # where accents are usual, and German has capital nouns
                is_name = is_name and word.isascii() and self._language != "de"
            corrected = self._plain_slip(key) if not is_name else None
            corrected = corrected or self._nearest(key, is_name=is_name)
            if corrected is None:
                strange += 1
                continue
            known = self._written.get(corrected, corrected)
            result[n] = known.capitalize() if titled[n] else known
            corrections.append(Correction(word, result[n]))
        long = sum(len(word) >= _LEAST_LETTERS for word in words)
        if strange > _MOST_STRANGE and 2 * strange > long:
            return list(words), []
        return result, corrections

    def knows(self, word: str) -> bool:
        """Whether a word needs no correction: it is known, short, or not only letters.

        A word of very few movies that is a slip of a very common one is not known.
        """
        key = folded(word)
        if key not in self._known:
            self._known[key] = self._is_known(key, word)
        return self._known[key]

    def _is_known(self, key: str, word: str) -> bool:
        if not key.isalpha() or not _LEAST_LETTERS <= len(key) <= _MOST_LETTERS:
            return True
        if self._is_name(key) or key in self._also_known or is_ordinary([key]):
            return True
        if key in (FOREIGN_WORDS if self._language == ENGLISH else self._everyday_words):
            return True
        movies = max(self._movies.get(key, 0), self._lexicon.word_count(key))
        if movies:
            return self._plain_slip(key) is None
        # Not of the key: stemmers know endings with their accents.
        return self._terms.issuperset(terms(word, self._language))

    def _is_name(self, word: str) -> bool:
        return word in self._lexicon.name_words or word in self._names

    def _nearest(self, word: str, *, is_name: bool) -> str | None:
        """The commonest of the nearest other words; None where there is none, or it is right."""
        key = (word, is_name)
        if key not in self._corrected:
            is_compound = self._is_compound(word)
            self._corrected[key] = None if is_compound else self._searched(word, is_name=is_name)
        return self._corrected[key]

    def _searched(self, word: str, *, is_name: bool) -> str | None:
        most = 2 if len(word) >= _LEAST_WITH_TWO_SLIPS else 1
        lengths = range(max(_LEAST_LETTERS, len(word) - most), len(word) + most + 1)
        near = [other for length in lengths for other in self._words.get((word[0], length), ())]
        swapped = word[1] + word[0]
        for length in lengths if word[0] != word[1] else ():
            others = self._words.get((word[1], length), ())
            near += [other for other in others if other.startswith(swapped)]
        if is_name:
            near = [other for other in near if self._is_name(other)]
        if not near:
            return None
        distances = cdist([word], near, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
        least = int(distances.min())
        if least > most:
            return None
        nearest = [near[n] for n in np.flatnonzero(distances == least).tolist()]
        if least > 1 and len(word) < _LEAST_ORDINARY_WITH_TWO_SLIPS:
            nearest = [other for other in nearest if self._is_name(other)]
        nearest = [other for other in nearest if not _is_derived(word, other)]
        return max(
            nearest,
            key=lambda other: (self._weights[other] * _likelihood(word, other), other),
            default=None,
        )

    def _plain_slip(self, word: str) -> str | None:
        """A very common word of which a rarer one is a plain slip, as in "moive" and "scarry".

        Plain slips are letters that changed places, and one letter instead of two or the reverse.
        """
        movies = max(self._movies.get(word, 0), self._lexicon.word_count(word), 1)
        others = {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1)}
        for n, letter in enumerate(word):
            others.add(word[:n] + letter + word[n:])
            if word[n : n + 2] == letter * 2:
                others.add(word[:n] + word[n + 1 :])
        known = {self._weights[other]: other for other in others if other in self._weights}
        most = max(known, default=0)
        return known[most] if most >= _OVERWHELMING * movies else None

    def _is_compound(self, word: str) -> bool:
        """Whether a word is two known words written as one, as in "lakehouse"."""
        return any(
            word[:n] in self._weights and word[n:] in self._weights
            for n in range(_LEAST_HALF, len(word) - _LEAST_HALF + 1)
        )


def _likelihood(word: str, other: str) -> int:
    """How likely a slip is, compared with any other one.

    Letters that change places, and one letter instead of two or the reverse, are the commonest.
    """
    if len(word) == len(other):
        return _PLAIN if sorted(word) == sorted(other) else 1
    longer, shorter = (word, other) if len(word) > len(other) else (other, word)
    once = "".join(letter for letter, _ in groupby(longer))
    return _PLAIN if once == "".join(letter for letter, _ in groupby(shorter)) else 1


def _is_derived(word: str, other: str) -> bool:
    """Whether a word only has an ending that another has not, as in "sugary" and "sugar"."""
    if word[-1] == word[-2]:
        return False  # a letter typed twice
    return any(
        word.endswith(suffix)
        and not other.endswith(suffix)
        and len(word) - len(suffix) >= _LEAST_LETTERS
        and other.startswith(word[: -len(suffix)])
        for suffix in _SUFFIXES
    )
