"""The passages that say why movies match a query, and why two movies are similar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.retrieval.query import EvidencePassage, Vector
from shared.retrieval.ranking import scoring
from shared.retrieval.ranking.ranker import ScoredPassages
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

PASSAGES_PER_EVIDENCE = 4
"""Passages considered for each one shown, to find passages of distinct reviews."""


def evidence_for(
    snapshot: Snapshot,
    movies: Sequence[CatalogueMovie],
    vector: Vector,
    count: int,
    *,
    known: ScoredPassages | None = None,
) -> list[tuple[EvidencePassage, ...]]:
    """The passages of each movie nearest to a query, of distinct reviews where possible.

    Args:
        snapshot: The snapshot of the movies.
        movies: Movies, all distinct.
        vector: The query's unit vector.
        count: Passages per movie, at least 1.
        known: Scores of passages that were computed before, for the same vector.
    """
    if not movies:
        return []
    scores = _scores(snapshot, np.array([movie.row for movie in movies], np.int64), vector, known)
    if count == 1:  # the usual case
        return _best(snapshot, movies, scores)
    nearest = _nearest(movies, scores, count * PASSAGES_PER_EVIDENCE)
    # One read of the catalogue for all movies.
    passages = iter(snapshot.catalogue.passages([row for best in nearest for row, _ in best]))
    evidence = []
    for best in nearest:
        candidates = [
            EvidencePassage(next(passages), scoring.shown_cosine(score)) for _, score in best
        ]
        reviews = [candidate.passage.review_id for candidate in candidates]
        chosen = scoring.distinct_first(reviews, count)
        evidence.append(tuple(candidates[n] for n in chosen))
    return evidence


def _best(
    snapshot: Snapshot, movies: Sequence[CatalogueMovie], scores: npt.NDArray[np.float32]
) -> list[tuple[EvidencePassage, ...]]:
    """The nearest passage of each movie that has any."""
    if not scores.shape[1]:
        return [()] * len(movies)
    first = scores.argmax(axis=1)
    best = scores[np.arange(len(movies)), first].tolist()
    rows = [
        movie.passage_start + n
        for movie, n in zip(movies, first.tolist(), strict=True)
        if movie.passage_count
    ]
    passages = iter(snapshot.catalogue.passages(rows))
    return [
        (EvidencePassage(next(passages), scoring.shown_cosine(score)),)
        if movie.passage_count
        else ()
        for movie, score in zip(movies, best, strict=True)
    ]


def _nearest(
    movies: Sequence[CatalogueMovie], scores: npt.NDArray[np.float32], most: int
) -> list[list[tuple[int, float]]]:
    """The rows of each movie's nearest passages, best first, with their scores."""
    nearest = []
    for movie, padded in zip(movies, scores, strict=True):
        cosines = padded[: movie.passage_count]
        best = scoring.best(cosines, most)
        nearest.append([(movie.passage_start + n, float(cosines[n])) for n in best])
    return nearest


def _scores(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], vector: Vector, known: ScoredPassages | None
) -> npt.NDArray[np.float32]:
    """Scores of all passages of each movie, padded with minus infinity."""
    if known is not None and len(known.rows):
        positions = np.minimum(np.searchsorted(known.rows, rows), len(known.rows) - 1)
        if (known.rows[positions] == rows).all():
            return known.scores[positions]
    return snapshot.passages.scores(rows, vector)


def shared_evidence(
    snapshot: Snapshot, movie: CatalogueMovie, other: CatalogueMovie
) -> tuple[CataloguePassage, CataloguePassage, float] | None:
    """The most similar pair of passages, one of each movie, with their cosine."""
    vectors = snapshot.passages.vectors(movie.row)
    other_vectors = snapshot.passages.vectors(other.row)
    if not len(vectors) or not len(other_vectors):
        return None
    cosines = vectors @ other_vectors.T
    n, m = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
    rows = [movie.passage_start + int(n), other.passage_start + int(m)]
    passage, other_passage = snapshot.catalogue.passages(rows)
    return passage, other_passage, scoring.shown_cosine(float(cosines[n, m]))
