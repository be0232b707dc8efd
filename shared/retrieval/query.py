"""The query that a searcher takes, and the page of movies that it returns.

Objects that a page has many of are named tuples: a frozen dataclass takes four times as long to
create.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.retrieval.filters import EVERYTHING, MovieFilter
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage

Mode = Literal["hybrid", "semantic", "lexical"]
Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class UnknownMovie(LookupError):
    """Raised by a searcher for a movie id that the snapshot does not have."""

    def __init__(self, movie_id: str) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search. Vectors are unit vectors of shape ``(dim,)``.

    Attributes:
        k: How many movies the page has.
        offset: How many movies precede the page.
        evidence: Passages per movie that say why it matches; 0 for none.
        mode: How movies are scored.
        text: The description; None when there is none.
        vector: The vector of ``text``.
        avoid: A description of what movies should not be like.
        avoid_vector: The vector of ``avoid``.
        like: Ids of movies that the results should be like.
        unlike: Ids of movies that the results should not be like.
        filters: What the movies must be.
        diversity: How much neighbours in the ranking differ, from 0 to 1.
        passages: Whether ``hybrid`` scores passages; otherwise its dense part is the cosine of the
            pooled vector alone (an ablation).
    """

    k: int = 10
    offset: int = 0
    evidence: int = 1
    mode: Mode = "hybrid"
    text: str | None = None
    vector: Vector | None = None
    avoid: str | None = None
    avoid_vector: Vector | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    filters: MovieFilter = EVERYTHING
    diversity: float = 0.0
    passages: bool = True


class EvidencePassage(NamedTuple):
    """A passage that says why a movie matches; ``score`` is its cosine with the query."""

    passage: CataloguePassage
    score: float


class ScoreBreakdown(NamedTuple):
    """The parts of a movie's score; None for parts that were not computed."""

    semantic: float | None = None
    passages: float | None = None
    lexical: float | None = None
    avoided: float | None = None


class RankedMovie(NamedTuple):
    """A movie of a ranking; ranks count from 1 over all pages."""

    rank: int
    score: float
    movie: CatalogueMovie
    evidence: tuple[EvidencePassage, ...]
    parts: ScoreBreakdown = ScoreBreakdown()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of a ranking of ``matched`` movies."""

    matched: int
    hits: tuple[RankedMovie, ...]
