"""The lexical scores of movies: tantivy finds the candidates, and ``bm25`` scores them again.

tantivy's BM25 has fixed constants, and no pairs of terms, but it finds the best of many movies
without looking at all of them. A snapshot of an earlier version has no ``term_counts``; its movies
keep tantivy's scores.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.retrieval.ranking.bm25 import Scores, bm25, idf, pair_weights
from shared.snapshot.files.lexical import MAX_QUERY_TERMS
from shared.snapshot.files.term_counts import Phrases, TermCounts, hashes_of, pairs_of
from shared.snapshot.reader import Snapshot

CANDIDATES = 100
"""Movies that are taken from each index, to be scored together."""

Rows = npt.NDArray[np.int64]


class Found(NamedTuple):
    """Movies with their scores, best first; of equal scores the lower row first."""

    scores: npt.NDArray[np.floating]
    rows: Rows


class CountedWords(NamedTuple):
    """How often movies have the terms of a text.

    Attributes:
        terms: The terms, each once.
        holding: How many movies of the snapshot have each.
        counts: How often each of the scored movies has each term, shape ``(movies, terms)``.
    """

    terms: list[str]
    holding: list[int]
    counts: npt.NDArray[np.uint16]


class ScoredWords(NamedTuple):
    """The scores of movies, and what was counted for them; None where nothing was counted."""

    scores: Scores
    counted: CountedWords | None


class Words:
    """Scores one snapshot's movies by the words of texts; any thread may use it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._index = snapshot.lexical
        self._counts = snapshot.term_counts
        self._movies = snapshot.index.rows
        self.phrases = snapshot.phrases
        """The terms of a text, phrase by phrase."""

    def find(self, phrases: Phrases, most: int, *, among: Rows | None) -> Found:
        """The movies that tantivy ranks highest, without those that share no term."""
        return Found(*self._index.search([*chain.from_iterable(phrases)], most, among=among))

    def ranked(self, phrases: Phrases, most: int, *, among: Rows | None) -> Found:
        """The same movies, of which the best ``CANDIDATES`` are scored again.

        The others follow in tantivy's order, and none has a higher score than those.
        """
        scores, rows = self.find(phrases, most, among=among)
        if self._counts is None or not len(rows):
            return Found(scores, rows)
        head, tail = np.sort(rows[:CANDIDATES]), slice(CANDIDATES, None)
        best = self._scored_again(phrases, head, self._counts).scores
        order = np.argsort(-best, kind="stable")
        return Found(
            np.concatenate([best[order], np.minimum(scores[tail], best.min())]),
            np.concatenate([head[order], rows[tail]]),
        )

    def scores(self, phrases: Phrases, rows: Rows) -> Scores:
        """The scores of movies, ascending; 0 where no term is shared."""
        return self.scored(phrases, rows, None).scores

    def scored(self, phrases: Phrases, rows: Rows, found: Found | None) -> ScoredWords:
        """The scores of movies, with what was counted for them.

        Args:
            phrases: The terms of the text.
            rows: The movies, ascending.
            found: What ``find`` returns for the best ``CANDIDATES``, all in ``rows``, if it was
                called. A snapshot of an earlier version keeps these scores.
        """
        if self._counts is None:
            return ScoredWords(self._scores_of_index(phrases, rows, found), None)
        if found is None or len(found.rows) >= CANDIDATES:
            return self._scored_again(phrases, rows, self._counts)
        # No other movie shares a term.
        places = np.searchsorted(rows, found.rows)
        again = self._scored_again(phrases, found.rows, self._counts)
        scores = np.zeros(len(rows))
        scores[places] = again.scores
        if again.counted is None:
            return ScoredWords(scores, None)
        counts = np.zeros((len(rows), again.counted.counts.shape[1]), again.counted.counts.dtype)
        counts[places] = again.counted.counts
        return ScoredWords(scores, again.counted._replace(counts=counts))

    def _scores_of_index(self, phrases: Phrases, rows: Rows, found: Found | None) -> Scores:
        scores = np.zeros(len(rows))
        if found is not None:
            scores[np.searchsorted(rows, found.rows)] = found.scores
            if len(found.rows) < CANDIDATES:  # no other movie shares a term
                return scores
        others = rows[scores == 0.0]
        rest = self.find(phrases, max(1, len(others)), among=others)
        scores[np.searchsorted(rows, rest.rows)] = rest.scores
        return scores

    def _scored_again(self, phrases: Phrases, rows: Rows, counts: TermCounts) -> ScoredWords:
        terms = list(dict.fromkeys(chain.from_iterable(phrases)))[:MAX_QUERY_TERMS]
        if not terms:
            return ScoredWords(np.zeros(len(rows)), None)
        holding = [self._index.document_count(term) for term in terms]
        weights = idf(np.array(holding), self._movies)
        numbers = {term: number for number, term in enumerate(terms)}
        pairs = [
            (one, other)
            for one, other in dict.fromkeys(pairs_of(phrases))
            if one in numbers and other in numbers
        ]
        if pairs:
            places = np.array([(numbers[one], numbers[other]) for one, other in pairs])
            weights = np.concatenate([weights, pair_weights(weights, places)])
        hashes = hashes_of(terms, pairs)
        order = np.argsort(hashes)
        found = counts.counts(rows, hashes[order])
        scores = bm25(found, weights[order], counts.lengths[rows])
        of_terms = np.argsort(order)[: len(terms)]
        return ScoredWords(scores, CountedWords(terms, holding, found[:, of_terms]))
