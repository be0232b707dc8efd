"""What says that a movie fits a text, whatever else was found.

Two signals are about meaning, in deviations above chance (``chance``). Three are about words: the
terms of the text are weighed by how rare they are in the catalogue (BM25's inverse document
frequency). Of this weight a movie has the more, the more often its document uses the term, and
lacks the rest, which is compared with what movies of this catalogue usually lack
(``repetition``); both count as logarithms. A word that the catalogue does not know weighs most of
all, and every movie lacks it. Two are about the mood that a text asks for, if it asks for one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.retrieval.fit.chance import Chance
from shared.retrieval.fit.repetition import SATURATION, shares_of_weight, term_weight
from shared.retrieval.query import Rows, Vector
from shared.retrieval.ranking.ranker import Candidates
from shared.retrieval.ranking.scoring import Scores, top_mean
from shared.retrieval.ranking.tone_scores import SearchedMood
from shared.snapshot.files.lexical import MAX_QUERY_TERMS
from shared.snapshot.files.term_counts import hashes_of
from shared.snapshot.reader import Snapshot

TYPICAL_MISSED = 0.73
"""What a movie typically lacks (``Chance.missed``); what is lacked elsewhere is brought to it."""


class Signals(NamedTuple):
    """The signals of some movies, each of shape ``(n,)``.

    Attributes:
        passages: The mean of the best passages, in deviations above chance.
        pooled: The cosine of the pooled vector, in deviations above chance.
        matched: The logarithm of 1 + the weight of the text's terms that the movie has.
        missed: The logarithm of 1 + the weight that it lacks.
        known: The share of the weight that is of terms which the catalogue knows, from 0 to 1.
        mood: The share of the text that asks for a mood, from 0 to 1.
        tones: ``passages`` for the tones of that mood, times ``mood``.
    """

    passages: Scores
    pooled: Scores
    matched: Scores
    missed: Scores
    known: Scores
    mood: Scores
    tones: Scores


def signals_of(
    snapshot: Snapshot,
    chance: Chance,
    rows: Rows,
    text: str,
    vector: Vector | None,
    known: Candidates | None = None,
    mood: SearchedMood | None = None,
) -> Signals:
    """The signals of movies for a text.

    Args:
        snapshot: The snapshot of the movies.
        chance: The scores by chance in this snapshot.
        rows: The movies, all distinct, shape ``(n,)``.
        text: The text.
        vector: Its unit vector; None when it was not encoded: then its meaning counts as chance.
        known: What was computed before, for the same vector and the same words.
        mood: The mood that the text asks for; its words are searched instead of the text's.
    """
    places = known.places(rows) if known is not None else None
    words = known.words if known is not None and places is not None else None
    if words is not None:
        terms, holding = words.terms, words.holding
    else:
        said = text if mood is None else mood.text
        terms = list(dict.fromkeys(snapshot.terms(said)))[:MAX_QUERY_TERMS]
        holding = [snapshot.lexical.document_count(term) for term in terms]
    unknown = term_weight(0, snapshot.index.rows)
    weights = [term_weight(count, snapshot.index.rows) for count in holding]
    # A text without terms is as if it had one that is not known, unless its mood is all it says.
    total = sum(weights) if terms or mood is not None else unknown
    known_weight = total - unknown * (sum(count == 0 for count in holding) if terms else total > 0)
    counts = words.counts[places] if words is not None else None
    matched = _matched(snapshot, terms, weights, rows, counts)
    lacked = np.maximum(0.0, 1 - matched / (total or 1.0))
    missed = total * lacked ** exponent(chance)
    passages = pooled = np.zeros(len(rows))
    if vector is not None:
        cosines = snapshot.index.vectors()[rows] @ vector
        cosines[snapshot.passage_ranges[rows, 1] == 0] = np.nan  # a movie without reviews
        pooled = chance.pooled.above(cosines)
        passages = chance.passages.above(
            top_mean(
                known.passages.take(places)
                if known is not None and places is not None
                else snapshot.passages.scores(rows, vector)
            )
        )
    share, tones = 0.0, np.zeros(len(rows))
    if mood is not None:
        share = mood.share
        best = top_mean(snapshot.passages.scores(rows, mood.tones.vector))
        tones = share * chance.passages.above(best)
    return Signals(
        passages,
        pooled,
        np.log1p(total - missed),
        np.log1p(missed),
        np.full(len(rows), known_weight / total if total else 1.0),
        np.full(len(rows), share),
        tones,
    )


def exponent(chance: Chance) -> float:
    """What brings the share that movies lack to what it is in a typical catalogue.

    All and nothing stay what they are. Half of the difference is made up for, as a logarithm: all
    of it makes small catalogues as sure of descriptions as others, but of unrelated texts, too.
    """
    return math.sqrt(math.log(TYPICAL_MISSED) / math.log(chance.missed))


def _matched(
    snapshot: Snapshot,
    terms: list[str],
    weights: list[float],
    rows: Rows,
    counts: npt.NDArray[np.uint16] | None,
) -> Scores:
    """The weight of the terms that each movie has: BM25, at most the weight of each term.

    ``counts`` are how often the movies have the terms, if that is known.
    """
    matched = np.zeros(len(rows))
    if not terms or not len(rows):
        return matched
    if snapshot.term_counts is None:  # of an earlier version
        scores, found = snapshot.lexical.search(terms, len(rows), among=np.sort(rows))
        order = np.argsort(rows)
        matched[order[np.searchsorted(rows, found, sorter=order)]] = scores / (SATURATION + 1)
        return matched
    if counts is None:
        counts = snapshot.term_counts.counts(rows, hashes_of(terms, ()))
    shares = shares_of_weight(counts.astype(np.float64), snapshot.term_counts.lengths[rows])
    matched += shares @ np.array(weights)
    return matched
