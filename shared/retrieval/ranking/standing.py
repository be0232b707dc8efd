"""The order of movies when a search has nothing to compare them with, such as "a 90s thriller".

A movie stands by its rating, drawn to the catalogue's mean where few have voted, and by how many
people have voted or written about it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.retrieval.ranking.scoring import Scores, zscore
from shared.snapshot.files.facts import CatalogueFacts

KNOWN_WEIGHT = 0.5
"""How much it counts that a movie is well known, next to its rating."""


def standing(facts: Sequence[CatalogueFacts]) -> Scores:
    """How each movie stands, shape ``(rows,)``; higher is better.

    Args:
        facts: The facts of every movie, by row.
    """
    ratings = np.array(
        [np.nan if fact.rating is None else fact.rating for fact in facts], np.float64
    )
    votes = np.array([fact.votes or 0 for fact in facts], np.float64)
    reviews = np.array([fact.review_count for fact in facts], np.float64)
    rated = ~np.isnan(ratings)
    mean = float(ratings[rated].mean()) if rated.any() else 0.0
    # A movie whose source counts no votes is as sure as its reviews are many.
    heard = np.where(votes > 0, votes, reviews)
    typical = float(np.median(heard)) if len(heard) else 0.0
    sure = heard / np.maximum(heard + typical, 1.0)
    shrunk = mean + sure * (np.where(rated, ratings, mean) - mean)
    result: Scores = zscore(shrunk) + KNOWN_WEIGHT * zscore(np.log1p(heard))
    return result
