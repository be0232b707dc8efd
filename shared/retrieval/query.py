"""What is asked of a searcher, and what it answers.

What an answer has many of are tuples: a frozen dataclass takes four times as long to make.
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
    """A movie id that the snapshot does not have."""

    def __init__(self, movie_id: str) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is wanted. Vectors are of the texts, unit, shape ``(dim,)``.

    Attributes:
        passages: Whether ``hybrid`` looks at passages; without, its dense part is the pooled
            vector's cosine alone (an ablation).
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
    """A passage that says why a movie is a hit; ``score`` is its cosine with the query."""

    passage: CataloguePassage
    score: float


class ScoreBreakdown(NamedTuple):
    """What a hit's score is made of; None where a part was not asked for."""

    semantic: float | None = None
    passages: float | None = None
    lexical: float | None = None
    avoided: float | None = None


class RankedMovie(NamedTuple):
    """A movie that was found; ranks count from 1 over all pages."""

    rank: int
    score: float
    movie: CatalogueMovie
    evidence: tuple[EvidencePassage, ...]
    parts: ScoreBreakdown = ScoreBreakdown()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a ranking of ``matched`` movies."""

    matched: int
    hits: tuple[RankedMovie, ...]
