"""The passages that say why movies are hits, and why two movies are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.retrieval import scoring
from shared.retrieval.ranking import Read
from shared.retrieval.search import Evidence, Vector
from shared.snapshot.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

PASSAGES_PER_EVIDENCE = 4  # looked at for each one shown, to find distinct reviews


def evidence_for(
    snapshot: Snapshot,
    movies: Sequence[CatalogueMovie],
    vector: Vector,
    count: int,
    *,
    read: Read | None = None,
) -> list[tuple[Evidence, ...]]:
    """For each movie its passages nearest to a query, of distinct reviews if it can.

    Args:
        snapshot: Whose.
        movies: At the most each once.
        vector: The query's, unit.
        count: Passages a movie, at least 1.
        read: Scores of passages that are known already, with the same vector.
    """
    scores = _scores(snapshot, np.array([movie.row for movie in movies], np.int64), vector, read)
    found = _nearest(movies, scores, 1 if count == 1 else count * PASSAGES_PER_EVIDENCE)
    # One read of the catalogue for all movies.
    rows = [row for best in found for row, _ in best]
    passages = dict(zip(rows, snapshot.catalogue.passages(rows), strict=True))
    chosen = []
    for best in found:
        told = [Evidence(passages[row], scoring.shown_cosine(score)) for row, score in best]
        if len(told) > 1:
            kept = scoring.distinct_first([item.passage.review_id for item in told], count)
            told = [told[n] for n in kept]
        chosen.append(tuple(told))
    return chosen


def _nearest(
    movies: Sequence[CatalogueMovie], scores: npt.NDArray[np.float32], most: int
) -> list[list[tuple[int, float]]]:
    """For each movie the rows of its nearest passages, best first, with their scores."""
    if most == 1 and scores.shape[1]:  # the usual case, for all movies at once
        first = scores.argmax(axis=1)
        best = scores[np.arange(len(movies)), first]
        return [
            [(movie.passage_start + n, score)] if movie.passage_count else []
            for movie, n, score in zip(movies, first.tolist(), best.tolist(), strict=True)
        ]
    found = []
    for movie, row in zip(movies, scores, strict=True):
        own = row[: movie.passage_count]
        found.append([(movie.passage_start + n, float(own[n])) for n in scoring.best(own, most)])
    return found


def _scores(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], vector: Vector, read: Read | None
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
