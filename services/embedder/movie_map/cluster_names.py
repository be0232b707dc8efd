"""Names of clusters: words that reviewers use for its movies more than for other movies.

Class-based TF-IDF that counts movies instead of word occurrences: a word scores by the number of
the cluster's movies in which it occurs, so that the reviews of one movie, however many and long,
cannot name a cluster. Words are compared as terms (``shared.text.terms``) and shown in their most
frequent form. Words that mostly begin with a capital letter are names of people, places and movies,
and name no cluster.

Memory is bounded: of a large catalogue only a sample of the movies is read, and of each movie only
the first characters. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from shared.text.languages import ENGLISH
from shared.text.terms import fold, stem, terms

WORDS = 3
MAX_MOVIES = 3000
MAX_CHARS = 20_000
MIN_LETTERS = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PRONOUNS = frozenset({"her", "hers", "herself", "him", "himself", "his", "she", "them", "they"})
_MIN_SHARE = 0.08
_MIN_DEVIATIONS = 1.5
"""Minimum number of movies with a word, in square roots of the cluster's size."""
_PRIOR_MOVIES = 4.0
"""Smoothing: number of average movies added to both counts, as a few movies prove little."""
_SAME_START = 5
"""Words that share this many first letters count as forms of one word."""


class WordCount:
    """Counts the words of movies, one movie after the other.

    Args:
        movies: Number of movies.
        language: The catalogue's language.

    Attributes:
        sampled_rows: Rows of the movies whose words are counted; other movies are ignored.
    """

    def __init__(self, movies: int, language: str = ENGLISH) -> None:
        self._language = language
        self.sampled_rows = range(0, movies, max(1, -(-movies // MAX_MOVIES)))
        self._terms: dict[str, int] = {}
        self._term_of: dict[str, int] = {}
        self._lower: Counter[str] = Counter()
        self._capital: Counter[int] = Counter()
        self._movies: list[tuple[int, npt.NDArray[np.int32]]] = []

    def add(self, row: int, texts: Iterable[str]) -> None:
        """Count the words of a movie.

        Args:
            row: Row of the movie, from 0.
            texts: Its reviews and other texts.
        """
        if row not in self.sampled_rows:
            return
        left = MAX_CHARS
        words: Counter[str] = Counter()
        for text in texts:
            words.update(_WORD.findall(text[:left]))
            left -= len(text)
            if left <= 0:
                break
        terms_used = {
            term for word, times in words.items() if (term := self._count(word, times)) >= 0
        }
        self._movies.append((row, np.fromiter(sorted(terms_used), np.int32, len(terms_used))))

    def _count(self, word: str, times: int) -> int:
        """Count a word; returns the number of its term, -1 if it cannot be a name."""
        term = self._term_of.get(word)
        if term is None:
            term = self._term_of[word] = self._number_term(word)
        if term >= 0:
            if word == word.lower():
                self._lower[word] += times
            else:
                self._capital[term] += times
        return term

    def _number_term(self, word: str) -> int:
        folded = fold(word)
        if "'" in folded or "’" in folded or (folded.isascii() and len(folded) < MIN_LETTERS):
            return -1
        term = self._term(word, folded)
        return self._terms.setdefault(term, len(self._terms)) if term else -1

    def _term(self, word: str, folded: str) -> str:
        """What the forms of a word share; empty for a word that cannot be a name."""
        if self._language == ENGLISH:
            return stem(folded) if folded not in _PRONOUNS and terms(folded) else ""
        return " ".join(terms(word, self._language))

    def names(self, cluster: npt.NDArray[np.uint8]) -> Mapping[int, tuple[str, ...]]:
        """Return up to three words for each cluster, the highest score first.

        A term names only the cluster in which it scores highest. A single cluster has no words,
        because there is no other cluster to compare it with.

        Args:
            cluster: Number of each movie's cluster, shape ``(movies,)``.

        Returns:
            The words by cluster number.
        """
        numbers = np.unique(cluster)
        if len(numbers) < 2 or not self._terms:
            return {int(number): () for number in numbers}
        usable, shown = self._surfaces()
        with_term = np.zeros((len(numbers), len(self._terms)))
        movies = np.zeros(len(numbers))
        for row, movie_terms in self._movies:
            place = np.searchsorted(numbers, cluster[row])
            with_term[place, movie_terms] += 1
            movies[place] += 1
        everywhere = with_term.sum(axis=0)
        usual = everywhere / max(movies.sum(), 1) * _PRIOR_MOVIES
        inside = (with_term + usual) / (movies + _PRIOR_MOVIES)[:, None]
        outside = (everywhere - with_term + usual) / (movies.sum() - movies + _PRIOR_MOVIES)[
            :, None
        ]
        least = np.maximum(np.minimum(movies, _MIN_DEVIATIONS * movies**0.5), _MIN_SHARE * movies)
        distinctive = (
            usable & (with_term >= least[:, None]) & (inside > outside) & (movies > 0)[:, None]
        )
        scores = np.zeros_like(inside)
        information = inside * np.log(inside / np.where(outside > 0, outside, 1))
        scores[distinctive] = information[distinctive]
        best_place = scores.argmax(axis=0)
        return {
            int(number): _distinct(shown, np.where(best_place == place, scores[place], 0.0))
            for place, number in enumerate(numbers)
        }

    def _surfaces(self) -> tuple[npt.NDArray[np.bool_], dict[int, str]]:
        """Return which terms are mostly in lower case, and the most frequent form of each."""
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
    """Choose the best words, without forms of one word such as "animation" and "animated"."""
    chosen: dict[str, str] = {}
    for term in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == WORDS or scores[term] <= 0:
            break
        chosen.setdefault(shown[term][:_SAME_START], shown[term])
    return tuple(chosen.values())
