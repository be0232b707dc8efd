"""How movies are scored by the tones that a query asks for.

The tones that a mood seeks are merged into one more query, in the words of viewers: the weighted
mean of the vectors of their sentences, and their words. It is scored as a text is, against the
catalogue, and takes a part of the score that grows with the share of the text that is a mood. The
tones that would be out of place are merged in the same way, and take from the score where a movie
has more of them than the catalogue has. ``docs/retrieval.md`` has the figures behind the constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from shared.retrieval.moods.mood_phrases import Weights
from shared.retrieval.moods.mood_reader import Mood
from shared.retrieval.moods.tones import TONES
from shared.retrieval.query import SearchQuery
from shared.retrieval.ranking.scoring import Scores, Vector, zscore

TONE_WEIGHT = 0.6
"""The part of the score that the sought tones have when the whole text is a mood."""
SHUNNED_WEIGHT = 1.2
"""What a movie loses for each standard deviation of the shunned tones, for such a text."""
AVOIDED_WEIGHT = 0.7
"""The same for tones that the query says to avoid, beside the penalty of its own words."""
LIKED_SHARE = 0.5
"""The share that a mood keeps when movies are liked, which say more of what is wanted."""
_LEAST_WEIGHT_OF_WORDS = 0.5
"""A tone that counts less colours the vector only."""


class ToneQuery(NamedTuple):
    """Some tones as one query: a unit vector, shape ``(dim,)``, and a text of words."""

    vector: Vector
    text: str


class SearchedMood(NamedTuple):
    """A mood as it is ranked by.

    Attributes:
        text: The text to search by words, without what it says of the asker.
        tones: The sought tones.
        share: How much of the text is a mood, from 0 to 1.
    """

    text: str
    tones: ToneQuery
    share: float


def searched_mood(query: SearchQuery) -> SearchedMood | None:
    """The mood of a query that has the vectors of its tones; None without one."""
    mood = query.mood
    if mood is None or not query.tone_vectors:
        return None
    return SearchedMood(mood.text, merged(mood.sought, query.tone_vectors), _share(mood, query))


def unwelcome(query: SearchQuery) -> list[tuple[ToneQuery, float]]:
    """The tones that would be out of place or are to be avoided, with what each kind costs."""
    if not query.tone_vectors:
        return []
    kinds = [(query.avoided_tones, AVOIDED_WEIGHT)]
    mood = query.mood
    if mood is not None:
        kinds.append((mood.shunned, SHUNNED_WEIGHT * _share(mood, query)))
    return [(merged(weights, query.tone_vectors), cost) for weights, cost in kinds if weights]


def _share(mood: Mood, query: SearchQuery) -> float:
    return mood.share * LIKED_SHARE if query.likes else mood.share


def merged(weights: Weights, vectors: Mapping[str, Vector]) -> ToneQuery:
    """Merge tones into one query.

    Args:
        weights: The tones, at least one.
        vectors: The unit vectors of the sentences of these tones and maybe of others.
    """
    total = np.zeros_like(next(iter(vectors.values())), dtype=np.float64)
    for tone, weight in weights.items():
        total += weight * vectors[tone]
    norm = float(np.linalg.norm(total))
    vector = (total / norm if norm > 0.0 else total).astype(np.float32)
    said = [
        TONES[tone].words for tone, weight in weights.items() if weight >= _LEAST_WEIGHT_OF_WORDS
    ]
    words = dict.fromkeys(word for words in said for word in words.split(", "))
    return ToneQuery(vector, ", ".join(words))


def with_sought(scores: Scores, suits: Scores, share: float) -> Scores:
    """The scores, of which the sought tones have a part.

    Args:
        scores: Fused scores, shape ``(n,)``.
        suits: How the movies stand out by the sought tones, as z-scores against the catalogue.
        share: How much of the text is a mood, from 0 to 1.
    """
    part = TONE_WEIGHT * share
    result: Scores = (1 - part) * zscore(scores) + part * suits
    return result


def lost(stands_out: Scores, weight: float) -> Scores:
    """What movies lose for tones that are unwelcome; 0 where they have no more than the catalogue.

    Args:
        stands_out: How the movies stand out by these tones, as z-scores against the catalogue.
        weight: What a movie loses for each standard deviation.
    """
    result: Scores = weight * np.maximum(0.0, stands_out)
    return result
