"""From a description to hits with evidence, over one snapshot. Knows no HTTP and no encoder.

``hybrid``: the best ``CANDIDATES`` of the pooled index united with the best ``CANDIDATES`` of the
lexical one are scored together (``shared.retrieval.scoring``); all other movies follow in the order
of their pooled vectors, so that every page of the ranking exists. ``semantic`` is the cosine with
the pooled vectors alone, ``lexical`` BM25 alone. Filters restrict the movies before anything
is ranked.

Not for several threads at a time, because a catalogue is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from shared.retrieval import scoring
from shared.retrieval.facts import EVERYTHING, Facts, Filters
from shared.retrieval.titles import Titles
from shared.snapshot.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot
from shared.terms import terms

Mode = Literal["hybrid", "semantic", "lexical"]
Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

CANDIDATES = 100
BACKGROUND = 256  # movies that stand for the catalogue when something is to be avoided
NAMED_BONUS = 25.0  # over any fused score: a film whose title was typed comes first
PASSAGES_PER_EVIDENCE = 4  # looked at for each one shown, to find distinct reviews


class UnknownMovie(LookupError):
    """A movie id that the snapshot does not have."""

    def __init__(self, movie_id: str) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


@dataclass(frozen=True, slots=True)
class Search:
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
    filters: Filters = EVERYTHING
    diversity: float = 0.0
    passages: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that says why a movie is a hit; ``score`` is its cosine with the query."""

    passage: CataloguePassage
    score: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What a hit's score is made of; None where a part was not asked for."""

    semantic: float | None = None
    passages: float | None = None
    lexical: float | None = None
    avoided: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A movie that was found; ranks count from 1 over all pages."""

    rank: int
    score: float
    movie: CatalogueMovie
    evidence: tuple[Evidence, ...]
    parts: Parts = Parts()


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a ranking of ``matched`` movies."""

    matched: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Rows in order with their scores, at least up to the end of the page.

    The other arrays hold what the scores are made of, by place; they are shorter than the ranking
    where the rest has none.
    """

    rows: Rows
    scores: npt.NDArray[np.floating]
    matched: int
    shown: Callable[[float], float]
    semantic: npt.NDArray[np.floating] | None = None
    passages: npt.NDArray[np.floating] | None = None
    lexical: npt.NDArray[np.floating] | None = None
    avoided: npt.NDArray[np.floating] | None = None

    def parts(self, n: int) -> Parts:
        """What the score at place ``n`` is made of."""
        return Parts(
            semantic=_part(self.semantic, n),
            passages=_part(self.passages, n),
            lexical=_part(self.lexical, n),
            avoided=_part(self.avoided, n),
        )


def _part(values: npt.NDArray[np.floating] | None, n: int) -> float | None:
    if values is None or n >= len(values):
        return None
    return round(float(values[n]), scoring.SCORE_DECIMALS) + 0.0


class Searcher:
    """Searches one snapshot; made once when it is loaded."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        movies = snapshot.catalogue.all_facts()
        self.facts = Facts((year, rating, genres) for _, year, rating, genres, _ in movies)
        self.titles = Titles(
            ((row, title) for row, (title, *_) in enumerate(movies) if title),
            [reviews for *_, reviews in movies],
        )
        self._vectors = snapshot.index.vectors()
        count = snapshot.index.rows
        self._background: Rows = np.unique(
            np.linspace(0, max(0, count - 1), min(count, BACKGROUND)).astype(np.int64)
        )

    def search(self, wanted: Search) -> Answer:
        """Rank movies, and say why.

        Raises:
            UnknownMovie: a film in ``like`` or ``unlike`` is not in the snapshot.
        """
        liked, unliked = self._rows(wanted.like), self._rows(wanted.unlike)
        among = self._among(wanted.filters, [*liked, *unliked])
        vector = scoring.steered(wanted.vector, self._vectors[liked])
        if wanted.mode == "lexical":
            ranking = self._lexical(wanted, among)
        elif vector is None:
            return Answer(0, ())
        elif wanted.mode == "semantic":
            ranking = self._semantic(wanted, vector, among)
        else:
            ranking = self._hybrid(wanted, vector, unliked, among)
        return self._answer(ranking, wanted, vector)

    def similar(self, movie_id: str, *, k: int, evidence: int, diversity: float = 0.0) -> Answer:
        """Rank the other movies by the cosine of their vectors with one's.

        Raises:
            UnknownMovie: the snapshot does not have it.
        """
        wanted = Search(
            k=k, evidence=evidence, mode="semantic", like=(movie_id,), diversity=diversity
        )
        return self.search(wanted)

    def shared_evidence(
        self, movie: CatalogueMovie, other: CatalogueMovie
    ) -> tuple[CataloguePassage, CataloguePassage, float] | None:
        """The two passages, one of each movie's, that say the most alike, and their cosine."""
        passages = self.snapshot.passages
        ours = passages.vectors(movie.passage_start, movie.passage_count)
        theirs = passages.vectors(other.passage_start, other.passage_count)
        if not len(ours) or not len(theirs):
            return None
        cosines = ours @ theirs.T
        n, m = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
        rows = [movie.passage_start + int(n), other.passage_start + int(m)]
        mine, yours = self.snapshot.catalogue.passages(rows)
        return mine, yours, scoring.shown_cosine(float(cosines[n, m]))

    def _rows(self, movie_ids: tuple[str, ...]) -> list[int]:
        rows = []
        for movie_id in movie_ids:
            movie = self.snapshot.catalogue.movie(movie_id)
            if movie is None:
                raise UnknownMovie(movie_id)
            rows.append(movie.row)
        return rows

    def _among(self, filters: Filters, left_out: list[int]) -> Rows | None:
        """The movies that may be found; None for all."""
        if filters.is_empty and not left_out:
            return None
        mask = self.facts.matching(filters)
        mask[left_out] = False
        return np.flatnonzero(mask)

    def _count(self, among: Rows | None) -> int:
        return self.snapshot.index.rows if among is None else len(among)

    def _semantic(self, wanted: Search, vector: Vector, among: Rows | None) -> _Ranking:
        found, nearest = self.snapshot.index.search(
            vector[np.newaxis], self._depth(wanted), among=among
        )
        order = self._diversified(found[0], nearest[0], wanted)
        scores, rows = found[0][order], nearest[0][order]
        return _Ranking(rows, scores, self._count(among), scoring.shown_cosine, semantic=scores)

    def _lexical(self, wanted: Search, among: Rows | None) -> _Ranking:
        scores, rows = self.snapshot.lexical.search(
            terms(wanted.text or ""), max(1, self._count(among)), among=among
        )
        order = self._diversified(scores, rows, wanted)
        scores, rows = scores[order], rows[order]
        return _Ranking(rows, scores, len(rows), scoring.shown_bm25, lexical=scores)

    def _hybrid(
        self, wanted: Search, vector: Vector, unliked: list[int], among: Rows | None
    ) -> _Ranking:
        named = self._named(wanted.text, among)
        query_terms = terms(wanted.text or "")
        _, near = self.snapshot.index.search(vector[np.newaxis], CANDIDATES, among=among)
        bm25, shared = self.snapshot.lexical.search(query_terms, CANDIDATES, among=among)
        rows = np.unique(np.concatenate([near[0], shared, np.asarray(named, np.int64)]))
        lexical = _at(rows, shared, bm25)
        pooled, passages = self._dense(rows, vector)
        scores = scoring.fused(_dense_part(wanted, pooled, passages), lexical)
        avoided = self._avoided(wanted, unliked, rows)
        if avoided is not None:
            scores = scoring.standardised(scores) - avoided
        for place, row in enumerate(named):
            scores[rows == row] += NAMED_BONUS * (1 + 1 / (1 + place))
        order = np.lexsort((rows, -scores))
        order = order[self._diversified(scores[order], rows[order], wanted)]
        ranking = _Ranking(
            rows[order],
            scores[order],
            self._count(among),
            scoring.shown_fused,
            semantic=pooled[order],
            passages=passages[order],
            lexical=lexical[order],
            avoided=avoided[order] if avoided is not None else None,
        )
        return self._with_tail(ranking, wanted, vector, among)

    def _with_tail(
        self, ranking: _Ranking, wanted: Search, vector: Vector, among: Rows | None
    ) -> _Ranking:
        """The candidates, then everybody else by pooled vector, as far as the page needs."""
        missing = wanted.offset + wanted.k - len(ranking.rows)
        if missing <= 0 or ranking.matched <= len(ranking.rows):
            return ranking
        depth = missing + len(ranking.rows)
        cosines, rows = self.snapshot.index.search(vector[np.newaxis], depth, among=among)
        rest = ~np.isin(rows[0], ranking.rows)
        # They were not scored together with the candidates; that none is better is all we know.
        unscored = np.full(int(rest.sum()), -np.inf)
        return replace(
            ranking,
            rows=np.concatenate([ranking.rows, rows[0][rest]]),
            scores=np.concatenate([ranking.scores, unscored]),
            semantic=np.concatenate([ranking.semantic, cosines[0][rest]])
            if ranking.semantic is not None
            else None,
        )

    def _diversified(
        self, scores: npt.NDArray[np.floating], rows: Rows, wanted: Search
    ) -> npt.NDArray[np.int64]:
        """The order of the best ``CANDIDATES`` changes; the same ones for every page."""
        order = np.arange(len(rows))
        if wanted.diversity:
            head = slice(CANDIDATES)
            order[head] = scoring.diversified(
                scores[head].astype(np.float64), self._vectors[rows[head]], wanted.diversity
            )
        return order

    def _named(self, text: str | None, among: Rows | None) -> list[int]:
        if text is None:
            return []
        named = self.titles.named(text)
        if among is not None:
            allowed = set(among.tolist())
            named = [row for row in named if row in allowed]
        return named[:CANDIDATES]

    def _dense(
        self, rows: Rows, vector: Vector
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        """Cosines of pooled vectors, and means of the best passages."""
        ranges = self.snapshot.passage_ranges[rows]
        tops = scoring.top_mean(self.snapshot.passages.scores_of(ranges, vector))
        return self._vectors[rows] @ vector, tops

    def _avoided(self, wanted: Search, unliked: list[int], rows: Rows) -> scoring.Scores | None:
        """What each candidate loses by what is to be avoided; None when nothing is."""
        if wanted.avoid_vector is None and not unliked:
            return None
        # z against the catalogue, not against the candidates, who may all be alike in it.
        together = np.concatenate([rows, self._background])
        background = slice(len(rows), None)
        lost = np.zeros(len(rows))
        if wanted.avoid_vector is not None:
            dense = _dense_part(wanted, *self._dense(together, wanted.avoid_vector))
            distinct = np.unique(together)
            bm25, shared = self.snapshot.lexical.search(
                terms(wanted.avoid or ""), len(distinct), among=distinct
            )
            scores = scoring.fused(dense, _at(together, shared, bm25), background=background)
            lost += scoring.penalty(
                scoring.standardised(scores, against=scores[background])[: len(rows)]
            )
        if unliked:
            nearest = (self._vectors[together] @ self._vectors[unliked].T).max(axis=1)
            lost += scoring.penalty(
                scoring.standardised(nearest, against=nearest[background])[: len(rows)]
            )
        return lost

    def _depth(self, wanted: Search) -> int:
        """How far to rank: to the end of the page; further when difference may reorder it."""
        end = wanted.offset + wanted.k
        return max(end, CANDIDATES) if wanted.diversity else end

    def _answer(self, ranking: _Ranking, wanted: Search, vector: Vector | None) -> Answer:
        page = slice(wanted.offset, wanted.offset + wanted.k)
        rows = ranking.rows[page].tolist()
        movies = self.snapshot.catalogue.movies(rows)
        evidence = self._evidence(movies, vector, wanted.evidence)
        hits = tuple(
            Hit(
                rank=wanted.offset + n + 1,
                score=ranking.shown(float(score)),
                movie=movie,
                evidence=told,
                parts=ranking.parts(wanted.offset + n),
            )
            for n, (movie, score, told) in enumerate(
                zip(movies, ranking.scores[page], evidence, strict=True)
            )
        )
        return Answer(matched=ranking.matched, hits=hits)

    def _evidence(
        self, movies: list[CatalogueMovie], vector: Vector | None, count: int
    ) -> list[tuple[Evidence, ...]]:
        """For each movie its passages nearest to the query, of distinct reviews if it can."""
        if count == 0 or vector is None:
            return [()] * len(movies)
        looked_at = 1 if count == 1 else count * PASSAGES_PER_EVIDENCE
        found: list[list[tuple[int, float]]] = []
        for movie in movies:
            scores = self.snapshot.passages.scores(movie.passage_start, movie.passage_count, vector)
            found.append(
                [
                    (movie.passage_start + n, float(scores[n]))
                    for n in scoring.best(scores, looked_at)
                ]
            )
        # One read of the catalogue for all movies.
        rows = [row for best in found for row, _ in best]
        passages = dict(zip(rows, self.snapshot.catalogue.passages(rows), strict=True))
        chosen = []
        for best in found:
            told = [Evidence(passages[row], scoring.shown_cosine(score)) for row, score in best]
            kept = scoring.distinct_first([item.passage.review_id for item in told], count)
            chosen.append(tuple(told[n] for n in kept))
        return chosen


def _dense_part(
    wanted: Search, pooled: npt.NDArray[np.float32], passages: npt.NDArray[np.float64]
) -> scoring.Scores:
    return scoring.dense(pooled, passages) if wanted.passages else pooled.astype(np.float64)


def _at(rows: Rows, found: Rows, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scores of ``rows``, 0 for those that were not found."""
    by_row = dict(zip(found.tolist(), scores.tolist(), strict=True))
    return np.array([by_row.get(row, 0.0) for row in rows.tolist()])
