"""The passages that say why movies are hits, and why two movies are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.retrieval import scoring
from shared.retrieval.query import EvidencePassage, Vector
from shared.retrieval.ranking import ScoredPassages
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

PASSAGES_PER_EVIDENCE = 4  # looked at for each one shown, to find distinct reviews


def evidence_for(
    snapshot: Snapshot,
    movies: Sequence[CatalogueMovie],
    vector: Vector,
    count: int,
    *,
    read: ScoredPassages | None = None,
) -> list[tuple[EvidencePassage, ...]]:
    """For each movie its passages nearest to a query, of distinct reviews if it can.

    Args:
        snapshot: Whose.
        movies: At the most each once.
        vector: The query's, unit.
        count: Passages a movie, at least 1.
        read: Scores of passages that are known already, with the same vector.
    """
    if not movies:
        return []
    scores = _scores(snapshot, np.array([movie.row for movie in movies], np.int64), vector, read)
    if count == 1:  # the usual case
        return _best(snapshot, movies, scores)
    found = _nearest(movies, scores, count * PASSAGES_PER_EVIDENCE)
    # One read of the catalogue for all movies.
    passages = iter(snapshot.catalogue.passages([row for best in found for row, _ in best]))
    chosen = []
    for best in found:
        told = [EvidencePassage(next(passages), scoring.shown_cosine(score)) for _, score in best]
        kept = scoring.distinct_first([item.passage.review_id for item in told], count)
        chosen.append(tuple(told[n] for n in kept))
    return chosen


def _best(
    snapshot: Snapshot, movies: Sequence[CatalogueMovie], scores: npt.NDArray[np.float32]
) -> list[tuple[EvidencePassage, ...]]:
    """For each movie its nearest passage, if it has any."""
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
    """For each movie the rows of its nearest passages, best first, with their scores."""
    found = []
    for movie, row in zip(movies, scores, strict=True):
        own = row[: movie.passage_count]
        found.append([(movie.passage_start + n, float(own[n])) for n in scoring.best(own, most)])
    return found


def _scores(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], vector: Vector, read: ScoredPassages | None
) -> npt.NDArray[np.float32]:
    """Scores of all passages of each movie, with minus infinity after the last."""
    if read is not None and len(read.rows):
        places = np.minimum(np.searchsorted(read.rows, rows), len(read.rows) - 1)
        if (read.rows[places] == rows).all():
            return read.scores[places]
    return snapshot.passages.scores(rows, vector)


def shared_evidence(
    snapshot: Snapshot, movie: CatalogueMovie, other: CatalogueMovie
) -> tuple[CataloguePassage, CataloguePassage, float] | None:
    """The two passages, one of each movie's, that say the most alike, and their cosine."""
    ours = snapshot.passages.vectors(movie.row)
    theirs = snapshot.passages.vectors(other.row)
    if not len(ours) or not len(theirs):
        return None
    cosines = ours @ theirs.T
    n, m = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
    rows = [movie.passage_start + int(n), other.passage_start + int(m)]
    mine, yours = snapshot.catalogue.passages(rows)
    return mine, yours, scoring.shown_cosine(float(cosines[n, m]))
