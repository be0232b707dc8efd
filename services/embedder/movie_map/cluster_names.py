"""Names for clusters: the words that their films' viewers use and those of other films do not.

Class-based TF-IDF over films instead of words: what counts is in how many films of the cluster a
word is found, so that one film's reviews, however many and long, cannot name a cluster. Words are
compared as terms are (``shared.text.terms``) and shown as people mostly write them. Words that
mostly begin with a capital are names of people, places and films, and name no cluster.

Memory is bounded: of a large catalogue a part of the films is read, and of a film a part. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from shared.text.terms import fold, stem, terms

WORDS = 3
MAX_FILMS = 3000
MAX_CHARS = 20_000
MIN_LETTERS = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PRONOUNS = frozenset({"her", "hers", "herself", "him", "himself", "his", "she", "them", "they"})
_MIN_SHARE = 0.08
_MIN_DEVIATIONS = 1.5
"""A word is in more films than chance would put there: so many times the square root of all."""
_DOUBT = 4.0
"""So many films of the general kind are added to both sides: what few films show proves little."""
_SAME_START = 5


class WordCount:
    """Counts the words of films as they pass by.

    Args:
        films: How many there are.

    Attributes:
        wanted: Rows of the films whose words are counted; others are passed over.
    """

    def __init__(self, films: int) -> None:
        self.wanted = range(0, films, max(1, -(-films // MAX_FILMS)))
        self._terms: dict[str, int] = {}
        self._term_of: dict[str, int] = {}
        self._lower: Counter[str] = Counter()
        self._capital: Counter[int] = Counter()
        self._films: list[tuple[int, npt.NDArray[np.int32]]] = []

    def add(self, row: int, texts: Iterable[str]) -> None:
        """Count the words of a film.

        Args:
            row: The film's, from 0.
            texts: Of its reviews.
        """
        if row not in self.wanted:
            return
        left = MAX_CHARS
        words: Counter[str] = Counter()
        for text in texts:
            words.update(_WORD.findall(text[:left]))
            left -= len(text)
            if left <= 0:
                break
        found = {term for word, times in words.items() if (term := self._count(word, times)) >= 0}
        self._films.append((row, np.fromiter(sorted(found), np.int32, len(found))))

    def _count(self, word: str, times: int) -> int:
        """The number of a word's term, -1 for those that cannot be a name."""
        term = self._term_of.get(word)
        if term is None:
            term = self._term_of[word] = self._new(word)
        if term >= 0:
            if word == word.lower():
                self._lower[word] += times
            else:
                self._capital[term] += times
        return term

    def _new(self, word: str) -> int:
        folded = fold(word)
        if "'" in folded or "’" in folded or (folded.isascii() and len(folded) < MIN_LETTERS):
            return -1
        if folded in _PRONOUNS or not terms(folded):
            return -1
        return self._terms.setdefault(stem(folded), len(self._terms))

    def names(self, cluster: npt.NDArray[np.uint8]) -> Mapping[int, tuple[str, ...]]:
        """Up to three words for each cluster, the most telling one first.

        A term names one cluster only: the one that it tells most of. A single cluster, which there
        is nothing to tell from, has no words.

        Args:
            cluster: The number of each film's cluster, by row.
        """
        numbers = np.unique(cluster)
        if len(numbers) < 2 or not self._terms:
            return {int(number): () for number in numbers}
        usable, shown = self._surfaces()
        with_term = np.zeros((len(numbers), len(self._terms)))
        films = np.zeros(len(numbers))
        for row, found in self._films:
            place = np.searchsorted(numbers, cluster[row])
            with_term[place, found] += 1
            films[place] += 1
        everywhere = with_term.sum(axis=0)
        usual = everywhere / max(films.sum(), 1) * _DOUBT
        inside = (with_term + usual) / (films + _DOUBT)[:, None]
        outside = (everywhere - with_term + usual) / (films.sum() - films + _DOUBT)[:, None]
        least = np.maximum(np.minimum(films, _MIN_DEVIATIONS * films**0.5), _MIN_SHARE * films)
        telling = usable & (with_term >= least[:, None]) & (inside > outside) & (films > 0)[:, None]
        scores = np.zeros_like(inside)
        scores[telling] = (inside * np.log(inside / np.where(outside > 0, outside, 1)))[telling]
        own = scores.argmax(axis=0)
        return {
            int(number): _distinct(shown, np.where(own == place, scores[place], 0.0))
            for place, number in enumerate(numbers)
        }

    def _surfaces(self) -> tuple[npt.NDArray[np.bool_], dict[int, str]]:
        """Which terms are mostly written small, and each as it is mostly written."""
        shown: dict[int, str] = {}
        lower: Counter[int] = Counter()
        for word, times in self._lower.items():
            term = self._term_of[word]
            lower[term] += times
            if term not in shown or (times, word) > (self._lower[shown[term]], shown[term]):
                shown[term] = word
        usable = [lower[term] > self._capital[term] for term in range(len(self._terms))]
        return np.array(usable), shown


def _distinct(shown: Mapping[int, str], scores: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """The best words that are not forms of each other, such as "animation" and "animated"."""
    chosen: dict[str, str] = {}
    for term in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == WORDS or scores[term] <= 0:
            break
        chosen.setdefault(shown[term][:_SAME_START], shown[term])
    return tuple(chosen.values())
