"""From a query's vector to hits with evidence, over one snapshot. Knows no HTTP.

Everything here runs on the work thread of ``services.query.batching``, because a catalogue is for
one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.query.ranking import best_passages, distinct_first, rounded
from shared.snapshot.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

PASSAGES_PER_EVIDENCE = 4  # looked at for each one shown, to find distinct reviews

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Search:
    """What is wanted of a search besides its text."""

    k: int
    offset: int
    evidence: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that says why a movie is a hit; ``score`` is its cosine with the query."""

    passage: CataloguePassage
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A movie that was found; ranks count from 1 over all pages."""

    rank: int
    score: float
    movie: CatalogueMovie
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a ranking of ``matched`` movies."""

    matched: int
    hits: tuple[Hit, ...]


def search(snapshot: Snapshot, vector: Vector, wanted: Search) -> Answer:
    """Rank the movies of a snapshot by the cosine of their vectors with a query's.

    Args:
        snapshot: Over what.
        vector: Unit vector, float32, shape ``(dim,)``.
        wanted: Which page, and how much evidence.
    """
    scores, rows = snapshot.index.search(vector[np.newaxis], wanted.offset + wanted.k)
    page = slice(wanted.offset, wanted.offset + wanted.k)
    hits = _hits(snapshot, vector, rows[0][page], scores[0][page], wanted)
    return Answer(matched=snapshot.index.rows, hits=hits)


def similar(snapshot: Snapshot, movie: CatalogueMovie, wanted: Search) -> Answer:
    """Rank the other movies of a snapshot by the cosine of their vectors with one's."""
    vector = snapshot.index.vector(movie.row)
    scores, rows = snapshot.index.search(vector[np.newaxis], wanted.offset + wanted.k + 1)
    others = rows[0] != movie.row
    page = slice(wanted.offset, wanted.offset + wanted.k)
    hits = _hits(snapshot, vector, rows[0][others][page], scores[0][others][page], wanted)
    return Answer(matched=snapshot.index.rows - 1, hits=hits)


def _hits(
    snapshot: Snapshot,
    vector: Vector,
    rows: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    wanted: Search,
) -> tuple[Hit, ...]:
    movies = snapshot.catalogue.movies(rows.tolist())
    evidence = _evidence(snapshot, vector, movies, wanted.evidence)
    return tuple(
        Hit(rank=wanted.offset + n + 1, score=rounded(float(score)), movie=movie, evidence=told)
        for n, (movie, score, told) in enumerate(zip(movies, scores, evidence, strict=True))
    )


def _evidence(
    snapshot: Snapshot, vector: Vector, movies: list[CatalogueMovie], count: int
) -> list[tuple[Evidence, ...]]:
    """For each movie its passages nearest to the query, of distinct reviews where it has them."""
    if count == 0:
        return [()] * len(movies)
    looked_at = 1 if count == 1 else count * PASSAGES_PER_EVIDENCE
    found = [
        best_passages(
            snapshot.passages, movie.passage_start, movie.passage_count, vector, looked_at
        )
        for movie in movies
    ]
    # One read of the catalogue for all movies.
    rows = [row for best in found for row, _ in best]
    passages = dict(zip(rows, snapshot.catalogue.passages(rows), strict=True))
    chosen = []
    for best in found:
        told = [Evidence(passages[row], rounded(score)) for row, score in best]
        kept = distinct_first([item.passage.review_id for item in told], count)
        chosen.append(tuple(told[n] for n in kept))
    return chosen
