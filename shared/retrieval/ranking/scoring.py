"""The scores of movies. Pure.

A candidate's fused score is ``DENSE_WEIGHT z(dense) + (1 - DENSE_WEIGHT) z(lexical)``, z over the
candidates, where dense is ``POOLED_WEIGHT`` x the cosine of the movie's pooled vector + the mean of
its ``TOP_PASSAGES`` best passages. What the user avoids is scored in the same way and subtracted
where it stands out from the catalogue: ``AVOID_WEIGHT x relu(z - AVOID_THRESHOLD)``.

A movie without reviews has no dense score: NaN. It is guessed from the lexical one.
``docs/retrieval.md`` has the figures behind the constants.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from shared.snapshot.files.passage_scores import PassageScores

Vector = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]

DENSE_WEIGHT = 0.5
DENSE_WEIGHT_BESIDE_PAIRS = 0.425
"""The dense part's weight where words are scored with their pairs, which say more than words."""
POOLED_WEIGHT = 0.5
TOP_PASSAGES = 3
GUESSED_SHARE = 0.5
"""The z-score of an unknown dense score, as a share of the lexical one."""
AVOID_WEIGHT = 1.0
AVOID_THRESHOLD = 1.0
LIKE_WEIGHT = 1.0
LIKED_DENSE_WEIGHT = 0.75
"""The dense part's weight when movies are liked: words know only the text, so they count less."""

SCORE_DECIMALS = 4
_FLAT = 1e-9


def zscore(
    values: npt.NDArray[np.floating], *, against: npt.NDArray[np.floating] | None = None
) -> Scores:
    """Values less their mean, over their standard deviation; zeros where there is no spread.

    NaN is an unknown value: it is not part of the sample, and counts as the mean.

    Args:
        values: Shape ``(n,)``.
        against: The sample whose mean and deviation are used; default: the values themselves.
    """
    sample = np.asarray(values if against is None else against, np.float64)
    count = len(sample)
    if count == 0:
        return np.zeros(len(values))
    # As numpy's mean and std compute them, without the cost of those calls for few numbers.
    mean = np.add.reduce(sample) / count
    if math.isnan(mean):
        return zscore(np.asarray(values, np.float64), against=sample[~np.isnan(sample)])
    off = sample - mean
    spread = math.sqrt(np.add.reduce(off * off) / count)
    if spread < _FLAT:
        return np.zeros(len(values))
    if against is None:
        result: Scores = off / spread
        return result
    known: Scores = (np.asarray(values, np.float64) - mean) / spread
    known[np.isnan(known)] = 0.0
    return known


def dense(pooled: npt.NDArray[np.floating], passages: npt.NDArray[np.floating]) -> Scores:
    """The dense score, from the scores of the pooled vector and of the best passages."""
    result: Scores = POOLED_WEIGHT * np.asarray(pooled, np.float64) + passages
    return result


def fuse(
    dense_scores: Scores,
    lexical_scores: npt.NDArray[np.floating],
    *,
    background: npt.NDArray[np.int64] | slice | None = None,
    dense_weight: float = DENSE_WEIGHT,
) -> Scores:
    """Fuse dense and lexical scores.

    Args:
        dense_scores: Shape ``(n,)``; NaN where none is known.
        lexical_scores: Shape ``(n,)``; 0 where no term is shared.
        background: Indices of the scores that represent the catalogue; default: all.
        dense_weight: The weight of the dense scores; the lexical ones have the rest of 1.
    """
    dense_sample = dense_scores if background is None else dense_scores[background]
    lexical_sample = lexical_scores if background is None else lexical_scores[background]
    dense_part = zscore(dense_scores, against=dense_sample)
    lexical_part = zscore(lexical_scores, against=lexical_sample)
    unknown = np.isnan(dense_scores)
    if unknown.any():
        dense_part[unknown] = GUESSED_SHARE * lexical_part[unknown]
    return dense_weight * dense_part + (1 - dense_weight) * lexical_part


def penalty(scores: Scores) -> Scores:
    """The penalty of z-scores for something that is avoided; 0 up to the threshold."""
    result: Scores = AVOID_WEIGHT * np.maximum(0.0, scores - AVOID_THRESHOLD)
    return result


def top_mean(scores: PassageScores) -> Scores:
    """The mean of each movie's ``TOP_PASSAGES`` best passages; NaN for a movie without passages."""
    return scores.top_mean(TOP_PASSAGES)


def apply_likes(query: Vector | None, liked: npt.NDArray[np.float32]) -> Vector | None:
    """A query's vector, moved towards liked movies.

    Args:
        query: Unit vector, shape ``(dim,)``; None when there is no text.
        liked: Unit rows, shape ``(n, dim)``.

    Returns:
        A unit vector; None when there is neither a text nor a liked movie.
    """
    if len(liked) == 0:
        return query
    towards = liked.mean(axis=0)
    total = towards if query is None else query + LIKE_WEIGHT * towards
    norm = float(np.linalg.norm(total))
    return (total / norm).astype(np.float32) if norm > _FLAT else query


def mmr(scores: Scores, vectors: npt.NDArray[np.float32], strength: float) -> npt.NDArray[np.int64]:
    """Order results so that neighbours differ, by maximal marginal relevance.

    Carbonell and Goldstein, SIGIR 1998; scores are scaled to 0..1 first.

    Args:
        scores: Shape ``(n,)``, best first.
        vectors: Unit rows, shape ``(n, dim)``; a row of zeros counts as near the chosen ones as the
            others are on average.
        strength: 0 keeps the order, 1 considers differences only.

    Returns:
        Indices into ``scores``.
    """
    count = len(scores)
    if strength <= 0 or count < 2:
        return np.arange(count)
    spread = scores.max() - scores.min()
    merit = (scores - scores.min()) / spread if spread > _FLAT else np.zeros(count)
    nearest = np.zeros(count)
    remaining = np.ones(count, bool)
    unknown = ~vectors.any(axis=1)
    order = []
    for _ in range(count):
        value = np.where(remaining, (1 - strength) * merit - strength * nearest, -np.inf)
        chosen = int(np.argmax(value))
        order.append(chosen)
        remaining[chosen] = False
        nearest = np.maximum(nearest, vectors @ vectors[chosen])
        if unknown.any() and (remaining & ~unknown).any():
            nearest[unknown] = nearest[remaining & ~unknown].mean()
    return np.asarray(order, np.int64)


def best(scores: npt.NDArray[np.floating], most: int) -> list[int]:
    """Indices of the highest scores, best first; of equal scores the earlier comes first."""
    most = min(most, len(scores))
    if most == 0:
        return []
    if most < len(scores):
        chosen = np.argpartition(-scores, most - 1)[:most]
        # The partition must not decide a tie at the cut.
        chosen = np.flatnonzero(scores >= scores[chosen].min())
    else:
        chosen = np.arange(len(scores))
    return [int(row) for row in chosen[np.lexsort((chosen, -scores[chosen]))][:most]]


def distinct_first(groups: Sequence[Hashable], most: int) -> list[int]:
    """Choose items in order of merit, one of each group before a second one of any group.

    Args:
        groups: The group of each item, best item first.
        most: Largest number of indices returned.

    Returns:
        Indices into ``groups``, still in order of merit.
    """
    seen: set[Hashable] = set()
    first: list[int] = []
    repeated: list[int] = []
    for n, group in enumerate(groups):
        (repeated if group in seen else first).append(n)
        seen.add(group)
    return sorted([*first[:most], *repeated[: max(0, most - len(first))]])


def shown_cosine(score: float) -> float:
    """A cosine as it is shown: rounded, and within -1 to 1 despite rounding errors."""
    return round(min(1.0, max(-1.0, score)), SCORE_DECIMALS) + 0.0


def shown_fused(score: float) -> float:
    """A fused score as it is shown: mapped to 0..1 by the logistic function."""
    return round(1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, score)))), SCORE_DECIMALS)


def shown_bm25(score: float) -> float:
    """A BM25 score as it is shown: rounded."""
    return round(score, SCORE_DECIMALS)
