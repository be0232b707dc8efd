"""The original design over the reviews of any snapshot: the baseline of every gain.

It keeps five reviews of a movie, encodes each of them whole, cut where the model cuts (256 word
pieces for the default model), and removes nothing from the vectors. The vector of a movie is the
normalised mean of its reviews' vectors, and movies are ranked by cosine. Of more than five reviews
the original crawl kept the lowest rated, the three around the median and the highest rated. A query
is one text, so what is to be avoided is written into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from services.evaluation.progress import Track
from shared.encoder import Encoder
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query
from shared.snapshot.files.catalogue import CatalogueReview
from shared.snapshot.reader import Snapshot

REVIEWS = 5
BATCH_MOVIES = 40


def chosen(reviews: Sequence[CatalogueReview]) -> list[CatalogueReview]:
    """The reviews of a movie that the original design would have kept."""
    rated = [(review.rating, n) for n, review in enumerate(reviews) if review.rating is not None]
    if len(reviews) <= REVIEWS or len(rated) < REVIEWS:
        return list(reviews[:REVIEWS])
    by_rating = [n for _, n in sorted(rated)]
    first = (len(by_rating) - 3) // 2
    kept = {by_rating[0], *by_rating[first : first + 3], by_rating[-1]}
    return [reviews[n] for n in sorted(kept)]


class OriginalDesign:
    """An index as the original project built it."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder, track: Track) -> None:
        """Encode the movies of a snapshot again, in the original way.

        Args:
            snapshot: The snapshot with the reviews.
            encoder: An encoder that keeps the common direction in its vectors.
            track: Shows progress.
        """
        self._encoder = encoder
        total = snapshot.index.rows
        self._movie_ids: list[str] = []
        self._vectors = np.empty((total, encoder.spec.dim), np.float32)
        batches = [
            range(first, min(first + BATCH_MOVIES, total))
            for first in range(0, total, BATCH_MOVIES)
        ]
        for batch in track("original design", batches):
            kept = [chosen(snapshot.catalogue.reviews_of(row)) for row in batch]
            vectors = encoder.encode_passages(
                [review.text for reviews in kept for review in reviews]
            )
            ends = np.cumsum([len(reviews) for reviews in kept])
            for row, of_movie in zip(batch, np.split(vectors, ends[:-1]), strict=True):
                self._vectors[row] = _unit_mean(of_movie)
            self._movie_ids += [movie.movie_id for movie in snapshot.catalogue.movies(batch)]

    def ranked(self, queries: Iterable[Query]) -> Iterator[tuple[str, list[str]]]:
        """Query ids, each with the ids of the ``DEPTH`` best movies, best first."""
        for query in queries:
            text = query.text if query.avoid is None else f"{query.text} but not {query.avoid}"
            scores = self._vectors @ self._encoder.encode_queries([text])[0]
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            yield query.query_id, [self._movie_ids[row] for row in best]


def _unit_mean(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not len(vectors):  # the original design had no movies without reviews
        return np.zeros(vectors.shape[1], np.float32)
    mean = vectors.mean(axis=0)
    unit: npt.NDArray[np.float32] = mean / np.linalg.norm(mean)
    return unit
