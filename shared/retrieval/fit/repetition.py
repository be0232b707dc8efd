"""How much of what one passage says the rest of its movie's document lacks.

Where documents are short, even the movie that a text is about lacks most of its words; where a
movie has thirty reviews, it lacks few. So what a movie lacks is compared with what it usually
lacks in this snapshot (``signals``).
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from shared.retrieval.query import Rows
from shared.retrieval.ranking.scoring import Scores
from shared.snapshot.files.lexical import MAX_QUERY_TERMS
from shared.snapshot.files.term_counts import TermCounts, hashes_of
from shared.snapshot.reader import Snapshot

SATURATION, LENGTH_SHARE = 1.2, 0.75
"""BM25's k1 and b, as tantivy has them: snapshots without term counts have its scores only."""
_LEAST, _MOST = 0.05, 0.98
_TYPICAL_MOVIES = 4
"""The typical catalogue counts as many movies, so that few movies say little by themselves."""


def term_weight(count: int, movies: int) -> float:
    """The inverse document frequency of a term that ``count`` of the movies have."""
    # Documents that were deleted still count, so that a count may be above the number of movies.
    count = min(count, movies)
    return math.log1p((movies - count + 0.5) / (count + 0.5))


def shares_of_weight(counts: Scores, lengths: Scores) -> Scores:
    """The share of a term's weight that a movie has: the more often it has it, the more.

    Args:
        counts: How often movies have terms, shape ``(movies, terms)``.
        lengths: The lengths of their documents over the mean, shape ``(movies,)``.
    """
    norms = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths)
    result: Scores = counts / (counts + norms[:, np.newaxis])
    return result


def missed_in(snapshot: Snapshot, movies: Rows, typical: float) -> float:
    """The share of a passage's weight that the rest of its movie lacks: the geometric mean.

    Args:
        snapshot: The open snapshot.
        movies: Some movies that have reviews; their middle passages are compared.
        typical: The share in a typical catalogue. A snapshot of an earlier version, which has no
            term counts, counts as typical.
    """
    counts = snapshot.term_counts
    if counts is None:
        return typical
    logs = [math.log(typical)] * _TYPICAL_MOVIES
    starts, numbers = snapshot.passage_ranges[movies].T
    middles = snapshot.catalogue.passages((starts + numbers // 2).tolist())
    for row, passage in zip(movies.tolist(), middles, strict=True):
        missed = _missed(snapshot, counts, row, snapshot.terms(passage.text))
        if missed is not None:
            logs.append(math.log(min(_MOST, max(_LEAST, missed))))
    return math.exp(sum(logs) / len(logs))


def _missed(snapshot: Snapshot, counts: TermCounts, row: int, terms: list[str]) -> float | None:
    """The share for one movie; None for a passage without terms."""
    said = Counter(terms[:MAX_QUERY_TERMS])
    if not said:
        return None
    movies = snapshot.index.rows
    weights = np.array(
        [term_weight(max(0, snapshot.lexical.document_count(term) - 1), movies) for term in said]
    )
    rows = np.array([row])
    here = counts.counts(rows, hashes_of([*said], ())).astype(np.float64)
    rest = np.maximum(0.0, here - np.array([*said.values()]))
    shares = shares_of_weight(rest, counts.lengths[rows])[0]
    return 1 - float(shares @ weights) / float(weights.sum())
