"""BM25 of terms and of pairs of neighbouring terms. Pure.

The formula is that of Robertson and Zaragoza (2009) with Lucene's idf and b = 1: counts are divided
by the length of the document, because catalogues have movies with one review and with thirty. A
pair is a term whose idf is ``PAIR_WEIGHT`` x the sum of its two terms' idfs, which is what it would
be if they occurred independently of each other. ``docs/decisions/0049-term-counts.md`` has the
figures behind the constants.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

K1 = 2.5
PAIR_WEIGHT = 0.7

Scores = npt.NDArray[np.float64]


def idf(holding: npt.NDArray[np.integer], movies: int) -> Scores:
    """The weights of terms.

    Args:
        holding: How many movies have each term, shape ``(n,)``. It may be too high by some that
            have been removed.
        movies: How many movies there are.
    """
    known = np.minimum(holding, movies)
    result: Scores = np.log1p((movies - known + 0.5) / (known + 0.5))
    return result


def pair_weights(terms: Scores, pairs: npt.NDArray[np.integer]) -> Scores:
    """The weights of pairs.

    Args:
        terms: The weights of terms, shape ``(n,)``.
        pairs: Indices of the two terms of each pair, shape ``(m, 2)``.
    """
    result: Scores = PAIR_WEIGHT * np.add.reduce(terms[pairs], axis=1)
    return result


def bm25(counts: npt.NDArray[np.integer], weights: Scores, lengths: Scores) -> Scores:
    """The scores of movies, shape ``(movies,)``; 0 for a movie that has none of the terms.

    Args:
        counts: How often each movie has each term or pair, shape ``(movies, terms)``.
        weights: Their weights, shape ``(terms,)``.
        lengths: The length of each movie's document over the mean length, above 0, shape
            ``(movies,)``.
    """
    times = counts.astype(np.float64)
    scores: Scores = (times * (K1 + 1) / (times + K1 * lengths[:, np.newaxis])) @ weights
    return scores
