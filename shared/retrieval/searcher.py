"""From a query to ranked movies with evidence, over one snapshot; without HTTP and encoder.

Filters restrict the movies, a ``Ranker`` ranks them, and the page is read from the catalogue with
its evidence. Not thread-safe, because a catalogue is not.
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
    """Searches one snapshot; created once when it is loaded.

    Example::

        searcher = Searcher(open_snapshot(store, snapshot_id))
        text = "relaxing and funny"
        vector = encoder.encode_queries([text])[0]
        page = searcher.search(SearchQuery(k=5, text=text, vector=vector))
        for hit in page.hits:
            print(hit.rank, hit.movie.title, hit.evidence[0].passage.text)
    """

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

    def search(self, query: SearchQuery) -> SearchPage:
        """Rank movies and return a page of them with evidence.

        Raises:
            UnknownMovie: a movie in ``like`` or ``unlike`` is not in the snapshot.
        """
        liked, unliked = self._rows(query.like), self._rows(query.unlike)
        among = self._among(query.filters, [*liked, *unliked])
        vector = scoring.apply_likes(query.vector, self._vectors[liked]) if liked else query.vector
        if query.mode == "lexical":
            ranking = self._ranker.lexical(query, among)
        elif vector is None:
            return SearchPage(0, ())
        elif query.mode == "semantic":
            ranking = self._ranker.semantic(query, vector, among)
        else:
            named = self._named(query.text, among)
            ranking = self._ranker.hybrid(query, vector, among, named=named, unliked=unliked)
        return self._page(ranking, query, vector)

    def similar(
        self, movie_id: str, *, k: int, evidence: int, diversity: float = 0.0
    ) -> SearchPage:
        """Rank the other movies by the cosine of their vectors with a movie's.

        Args:
            movie_id: The movie.
            k: How many movies to return.
            evidence: Passages per movie.
            diversity: How much neighbours in the ranking differ, from 0 to 1.

        Raises:
            UnknownMovie: the snapshot does not have the movie.
        """
        query = SearchQuery(
            k=k, evidence=evidence, mode="semantic", like=(movie_id,), diversity=diversity
        )
        return self.search(query)

    def shared_evidence(
        self, movie: CatalogueMovie, other: CatalogueMovie
    ) -> tuple[CataloguePassage, CataloguePassage, float] | None:
        """The most similar pair of passages, one of each movie, with their cosine."""
        return shared_evidence(self.snapshot, movie, other)

    def _rows(self, movie_ids: tuple[str, ...]) -> list[int]:
        rows = []
        for movie_id in movie_ids:
            movie = self.snapshot.catalogue.movie(movie_id)
            if movie is None:
                raise UnknownMovie(movie_id)
            rows.append(movie.row)
        return rows

    def _among(self, filters: MovieFilter, excluded: list[int]) -> Rows | None:
        """Rows of the movies to rank; None for all."""
        if filters.is_empty and not excluded:
            return None
        mask = self.facts.matching(filters)
        mask[excluded] = False
        return np.flatnonzero(mask)

    def _named(self, text: str | None, among: Rows | None) -> list[int]:
        if text is None:
            return []
        named = self.titles.named(text)
        if among is not None and named:
            allowed = set(among.tolist())
            named = [row for row in named if row in allowed]
        return named[:CANDIDATES]

    def _page(self, ranking: Ranking, query: SearchQuery, vector: Vector | None) -> SearchPage:
        page = slice(query.offset, query.offset + query.k)
        movies = self.snapshot.catalogue.movies(ranking.rows[page].tolist())
        evidence: list[tuple[EvidencePassage, ...]] = [()] * len(movies)
        if query.evidence and vector is not None:
            evidence = evidence_for(
                self.snapshot, movies, vector, query.evidence, known=ranking.scored_passages
            )
        shown = ranking.shown
        first = query.offset + 1
        hits = tuple(
            RankedMovie(rank, shown(score), movie, passages, parts)
            for rank, movie, score, passages, parts in zip(
                range(first, first + len(movies)),
                movies,
                ranking.scores[page].tolist(),
                evidence,
                ranking.parts(page),
                strict=True,
            )
        )
        return SearchPage(matched=ranking.matched, hits=hits)
