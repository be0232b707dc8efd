"""From a description to hits with evidence, over one snapshot. Knows no HTTP and no encoder.

Filters restrict the movies, a ``Ranker`` ranks them, and the page that is wanted is read from the
catalogue with its evidence.

Not for several threads at a time, because a catalogue is not.
"""

from __future__ import annotations

import numpy as np

from shared.retrieval import scoring
from shared.retrieval.evidence import evidence_for, shared_evidence
from shared.retrieval.filters import FilterIndex, MovieFilter
from shared.retrieval.query import (
    EvidencePassage,
    Mode,
    RankedMovie,
    Rows,
    ScoreBreakdown,
    SearchPage,
    SearchQuery,
    UnknownMovie,
    Vector,
)
from shared.retrieval.ranking import CANDIDATES, Ranker, Ranking
from shared.retrieval.titles import Titles
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

__all__ = [
    "CANDIDATES",
    "EvidencePassage",
    "Mode",
    "RankedMovie",
    "ScoreBreakdown",
    "SearchPage",
    "SearchQuery",
    "Searcher",
    "UnknownMovie",
    "Vector",
]  # fmt: skip


class Searcher:
    """Searches one snapshot; made once when it is loaded."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        movies = snapshot.catalogue.all_facts()
        self.facts = FilterIndex((year, rating, genres) for _, year, rating, genres, _ in movies)
        self.titles = Titles(
            ((row, title) for row, (title, *_) in enumerate(movies) if title),
            [reviews for *_, reviews in movies],
        )
        self._ranker = Ranker(snapshot)
        self._vectors = snapshot.index.vectors()

    def search(self, wanted: SearchQuery) -> SearchPage:
        """Rank movies, and say why.

        Raises:
            UnknownMovie: a film in ``like`` or ``unlike`` is not in the snapshot.
        """
        liked, unliked = self._rows(wanted.like), self._rows(wanted.unlike)
        among = self._among(wanted.filters, [*liked, *unliked])
        vector = (
            scoring.apply_likes(wanted.vector, self._vectors[liked]) if liked else wanted.vector
        )
        if wanted.mode == "lexical":
            ranking = self._ranker.lexical(wanted, among)
        elif vector is None:
            return SearchPage(0, ())
        elif wanted.mode == "semantic":
            ranking = self._ranker.semantic(wanted, vector, among)
        else:
            named = self._named(wanted.text, among)
            ranking = self._ranker.hybrid(wanted, vector, among, named=named, unliked=unliked)
        return self._answer(ranking, wanted, vector)

    def similar(
        self, movie_id: str, *, k: int, evidence: int, diversity: float = 0.0
    ) -> SearchPage:
        """Rank the other movies by the cosine of their vectors with one's.

        Raises:
            UnknownMovie: the snapshot does not have it.
        """
        wanted = SearchQuery(
            k=k, evidence=evidence, mode="semantic", like=(movie_id,), diversity=diversity
        )
        return self.search(wanted)

    def shared_evidence(
        self, movie: CatalogueMovie, other: CatalogueMovie
    ) -> tuple[CataloguePassage, CataloguePassage, float] | None:
        """The two passages, one of each movie's, that say the most alike, and their cosine."""
        return shared_evidence(self.snapshot, movie, other)

    def _rows(self, movie_ids: tuple[str, ...]) -> list[int]:
        rows = []
        for movie_id in movie_ids:
            movie = self.snapshot.catalogue.movie(movie_id)
            if movie is None:
                raise UnknownMovie(movie_id)
            rows.append(movie.row)
        return rows

    def _among(self, filters: MovieFilter, left_out: list[int]) -> Rows | None:
        """The movies that may be found; None for all."""
        if filters.is_empty and not left_out:
            return None
        mask = self.facts.matching(filters)
        mask[left_out] = False
        return np.flatnonzero(mask)

    def _named(self, text: str | None, among: Rows | None) -> list[int]:
        if text is None:
            return []
        named = self.titles.named(text)
        if among is not None and named:
            allowed = set(among.tolist())
            named = [row for row in named if row in allowed]
        return named[:CANDIDATES]

    def _answer(self, ranking: Ranking, wanted: SearchQuery, vector: Vector | None) -> SearchPage:
        page = slice(wanted.offset, wanted.offset + wanted.k)
        movies = self.snapshot.catalogue.movies(ranking.rows[page].tolist())
        evidence: list[tuple[EvidencePassage, ...]] = [()] * len(movies)
        if wanted.evidence and vector is not None:
            evidence = evidence_for(
                self.snapshot, movies, vector, wanted.evidence, read=ranking.read
            )
        shown = ranking.shown
        first = wanted.offset + 1
        hits = tuple(
            RankedMovie(rank, shown(score), movie, told, parts)
            for rank, movie, score, told, parts in zip(
                range(first, first + len(movies)),
                movies,
                ranking.scores[page].tolist(),
                evidence,
                ranking.parts(page),
                strict=True,
            )
        )
        return SearchPage(matched=ranking.matched, hits=hits)
