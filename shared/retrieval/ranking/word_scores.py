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
        best = self._scores_again(phrases, head, self._counts)
        order = np.argsort(-best, kind="stable")
        return Found(
            np.concatenate([best[order], np.minimum(scores[tail], best.min())]),
            np.concatenate([head[order], rows[tail]]),
        )

    def scores(self, phrases: Phrases, rows: Rows, *, found: Found | None = None) -> Scores:
        """The scores of movies; 0 where no term is shared.

        Args:
            phrases: The terms of the text.
            rows: The movies, ascending.
            found: What ``find`` returns for the best ``CANDIDATES``, all in ``rows``. A snapshot
                of an earlier version keeps these scores.
        """
        if found is not None and len(found.rows) < CANDIDATES:  # no other movie shares a term
            scores = np.zeros(len(rows))
            scores[np.searchsorted(rows, found.rows)] = (
                found.scores
                if self._counts is None
                else self._scores_again(phrases, found.rows, self._counts)
            )
            return scores
        if self._counts is not None:
            return self._scores_again(phrases, rows, self._counts)
        return self._scores_of_index(phrases, rows, found)

    def _scores_of_index(self, phrases: Phrases, rows: Rows, found: Found | None) -> Scores:
        scores = np.zeros(len(rows))
        if found is not None:
            scores[np.searchsorted(rows, found.rows)] = found.scores
        others = rows[scores == 0.0]
        rest = self.find(phrases, max(1, len(others)), among=others)
        scores[np.searchsorted(rows, rest.rows)] = rest.scores
        return scores

    def _scores_again(self, phrases: Phrases, rows: Rows, counts: TermCounts) -> Scores:
        terms = list(dict.fromkeys(chain.from_iterable(phrases)))[:MAX_QUERY_TERMS]
        if not terms:
            return np.zeros(len(rows))
        holding = np.array([self._index.document_count(term) for term in terms])
        weights = idf(holding, self._movies)
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
        return bm25(found, weights[order], counts.lengths[rows])
