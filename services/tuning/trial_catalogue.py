"""Measures an encoder on descriptions that were kept out: a small snapshot, searched as usual.

The snapshot has the catalogue's movies with their reviews, and none of the descriptions that are
the queries: a search for a description would find a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from services.embedder.publishing.pooling import pool
from services.tuning.training_pairs import MovieText
from shared.encoder import Encoder, GraphEncoder
from shared.evaluation.query_sets import Query
from shared.evaluation.rankings import ranked
from shared.record import MOVIE_FIELDS, MovieRecord
from shared.retrieval.searcher import Mode, Searcher
from shared.snapshot.commit import Draft, publish
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.manifest import EncoderName
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.writer import EncodedReview, SnapshotWriter
from shared.text.passages import split

MOST_REVIEWS: Final = 12
"""Of a movie; more gain hardly anything (`docs/retrieval.md`)."""
MOST_MOVIES: Final = 2_000
DEPTH: Final = 10
_MOVIES_TOGETHER = 64
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class TrialMovie:
    """A movie of the catalogue, with the texts of some of its reviews."""

    facts: MovieRecord
    reviews: tuple[str, ...]


def read_movies(snapshot: Snapshot) -> list[TrialMovie]:
    """Read the movies that have reviews, each with at most ``MOST_REVIEWS``.

    Args:
        snapshot: An open snapshot.
    """
    movies = []
    catalogue = snapshot.catalogue
    for rows in _batches(np.flatnonzero(snapshot.reviewed).tolist(), 500):
        for movie in catalogue.movies(rows):
            facts = MovieRecord(
                **{field.name: getattr(movie, field.name) for field in MOVIE_FIELDS}
            )
            texts = [review.text for review in catalogue.reviews_of(movie.row)[:MOST_REVIEWS]]
            movies.append(TrialMovie(facts, tuple(texts)))
    return movies


class TrialCatalogue:
    """Searches for texts that were kept out, with one encoder.

    Example:
        The reciprocal ranks of the movies that the texts are about::

            trial = TrialCatalogue(movies, texts, encoder, folder, language="en")
            ranks = trial.reciprocal_ranks("semantic")

    Args:
        movies: The movies to search.
        texts: The texts to search for.
        encoder: The encoder.
        folder: An empty folder.
        language: The catalogue's language.
    """

    def __init__(
        self, movies: Sequence[TrialMovie], texts: Sequence[MovieText], encoder: GraphEncoder,
        folder: Path, *, language: str,
    ) -> None:  # fmt: skip
        self._texts = texts
        self._encoder = encoder
        asked = {each.movie_id for each in texts}
        left_out = [
            TrialMovie(replace(movie.facts, description=None), movie.reviews)
            if movie.facts.movie_id in asked
            else movie
            for movie in movies
        ]
        store = SnapshotStore(folder)
        manifest = publish(
            store, sequence=1, write=lambda into: _write(into, left_out, encoder, language)
        )
        self._searcher = Searcher(open_snapshot(store, manifest.snapshot_id))

    def reciprocal_ranks(self, mode: Mode) -> list[float]:
        """One over the rank of each text's movie; 0 if it is not among the first ten."""
        queries = [Query(str(number), each.text) for number, each in enumerate(self._texts)]
        found: Mapping[str, list[str]] = dict(
            ranked(self._searcher, self._encoder, queries, mode=mode)
        )
        return [
            _reciprocal(found[str(number)][:DEPTH], each.movie_id)
            for number, each in enumerate(self._texts)
        ]


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _reciprocal(ranking: Sequence[str], movie_id: str) -> float:
    return 1.0 / (1 + ranking.index(movie_id)) if movie_id in ranking else 0.0


def _write(folder: Path, movies: Sequence[TrialMovie], encoder: Encoder, language: str) -> Draft:
    spec = encoder.spec
    encoded = list(_encoded(movies, encoder))
    passages = sum(len(review.spans) for reviews in encoded for review in reviews)
    with SnapshotWriter(folder, dim=spec.dim, passages=passages, language=language) as writer:
        for movie, reviews in zip(movies, encoded, strict=True):
            vectors = np.concatenate([review.vectors for review in reviews])
            pooled = pool(vectors, [len(review.spans) for review in reviews])
            if pooled is not None:
                writer.add(movie.facts, reviews, pooled)
    name = EncoderName(
        encoder_id=spec.encoder_id, model=spec.model, dim=spec.dim, passage_precision="f32"
    )
    return Draft(counts=writer.counts, encoder=name, language=language)


def _encoded(movies: Sequence[TrialMovie], encoder: Encoder) -> Iterator[list[EncodedReview]]:
    for some in _batches(movies, _MOVIES_TOGETHER):
        texts = [text for movie in some for text in movie.reviews]
        spans = split(texts, encoder.count_tokens, encoder.passage_tokens)
        vectors = encoder.encode_passages(
            [text[slice(*span)] for text, of in zip(texts, spans, strict=True) for span in of]
        )
        number = row = 0
        for movie in some:
            reviews = []
            for place, text in enumerate(movie.reviews):
                own = spans[number]
                reviews.append(
                    EncodedReview(
                        review_id=f"{movie.facts.movie_id}-{place}", text=text, spans=own,
                        vectors=vectors[row : row + len(own)],
                    )
                )  # fmt: skip
                number, row = number + 1, row + len(own)
            yield reviews
