"""Rankings of one snapshot's movies: rows in order, and the parts of their scores.

``hybrid``: the best ``CANDIDATES`` of the pooled index united with the best ``CANDIDATES`` of the
lexical one are scored together (``scoring``); all other movies follow in the order
of their pooled vectors, so that every page of the ranking exists. ``semantic`` is the cosine with
the pooled vectors alone, ``lexical`` BM25 alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shared.retrieval.query import Rows, ScoreBreakdown, SearchQuery, Vector
from shared.retrieval.ranking import scoring
from shared.snapshot.reader import Snapshot

CANDIDATES = 100
BACKGROUND = 256
"""Movies that represent the catalogue when something is avoided."""
NAMED_BONUS = 25.0
"""More than any fused score, so that a movie whose title is the query comes first."""

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ScoredPassages:
    """Movies whose passages have been scored: rows in ascending order, and their scores."""

    rows: Rows
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order with their scores, at least up to the end of the page.

    Attributes:
        rows: The movies, best first.
        scores: Their scores.
        matched: How many movies the whole ranking has.
        shown: Converts a score to the one that is shown.
        semantic: Cosines of the pooled vectors, by position; this and the following parts are
            shorter than the ranking when the movies at its end have none.
        passages: Means of the best passages.
        lexical: BM25 scores.
        avoided: What the scores lost to ``avoid`` and ``unlike``.
        scored_passages: Scores of passages that were computed for the ranking.
    """

    rows: Rows
    scores: Values
    matched: int
    shown: Callable[[float], float]
    semantic: Values | None = None
    passages: Values | None = None
    lexical: Values | None = None
    avoided: Values | None = None
    scored_passages: ScoredPassages | None = None

    def parts(self, page: slice) -> list[ScoreBreakdown]:
        """The parts of the scores of a page."""
        count = len(self.rows[page])
        parts = (self.semantic, self.passages, self.lexical, self.avoided)
        return list(map(ScoreBreakdown, *(_shown(values, page, count) for values in parts)))


def _shown(values: Values | None, page: slice, count: int) -> list[float | None]:
    shown: list[float | None] = []
    if values is not None:
        shown += [round(value, scoring.SCORE_DECIMALS) + 0.0 for value in values[page].tolist()]
    return shown + [None] * (count - len(shown))


class Ranker:
    """Ranks one snapshot's movies."""

    def __init__(self, snapshot: Snapshot, standing: scoring.Scores) -> None:
        """Prepare to rank.

        Args:
            snapshot: The open snapshot whose movies are ranked.
            standing: How each movie stands, shape ``(rows,)``.
        """
        self._standing = standing
        self._index = snapshot.index
        self._lexical = snapshot.lexical
        self._terms = snapshot.terms
        self._passages = snapshot.passages
        self._vectors = snapshot.index.vectors()
        count = snapshot.index.rows
        self._background: Rows = np.unique(
            np.linspace(0, max(0, count - 1), min(count, BACKGROUND)).astype(np.int64)
        )

    def semantic(self, query: SearchQuery, vector: Vector, among: Rows | None) -> Ranking:
        """Rank by the cosine of the pooled vectors.

        Args:
            query: The search.
            vector: The unit vector to search for.
            among: Rows of the movies to rank; None for all.
        """
        end = query.offset + query.k
        depth = max(end, CANDIDATES) if query.diversity else end
        cosines, nearest = self._index.search(vector[np.newaxis], depth, among=among)
        order = self._order(cosines[0], nearest[0], query)
        scores, rows = cosines[0][order], nearest[0][order]
        return Ranking(rows, scores, self._count(among), scoring.shown_cosine, semantic=scores)

    def lexical(self, query: SearchQuery, among: Rows | None) -> Ranking:
        """Rank by BM25; movies that share no term with the query are left out."""
        scores, rows = self._lexical.search(
            self._terms(query.searched_text or ""), max(1, self._count(among)), among=among
        )
        order = self._order(scores, rows, query)
        scores, rows = scores[order], rows[order]
        return Ranking(rows, scores, len(rows), scoring.shown_bm25, lexical=scores)

    def hybrid(
        self,
        query: SearchQuery,
        vector: Vector,
        among: Rows | None,
        *,
        named: list[int],
        unliked: list[int],
    ) -> Ranking:
        """Rank by both, as the module describes.

        Args:
            query: The search.
            vector: The unit vector to search for.
            among: Rows of the movies to rank; None for all.
            named: Rows of movies that the query names by their titles, best first.
            unliked: Rows of movies that the results should not be like.
        """
        _, near = self._index.search(vector[np.newaxis], CANDIDATES, among=among)
        words = self._terms(query.searched_text or "")
        bm25, matches = self._lexical.search(words, CANDIDATES, among=among)
        rows = _union(near[0], matches, np.array(named, np.int64))
        lexical = self._lexical_scores(words, rows, matches, bm25)
        pooled, passage_scores = self._dense(rows, vector)
        passages = scoring.top_mean(passage_scores)
        scores = scoring.fuse(
            _dense_part(query, pooled, passages),
            lexical,
            dense_weight=scoring.LIKED_DENSE_WEIGHT if query.likes else scoring.DENSE_WEIGHT,
        )
        avoided = self._avoided(query, unliked, rows)
        if avoided is not None:
            scores = scoring.zscore(scores) - avoided
        scores = _with_named(scores, rows, named)
        order = np.argsort(-scores, kind="stable")  # rows ascend: of equal scores the lower first
        order = order[self._order(scores[order], rows[order], query)]
        ranking = Ranking(
            rows[order],
            scores[order],
            self._count(among),
            scoring.shown_fused,
            semantic=pooled[order],
            passages=passages[order],
            lexical=lexical[order],
            avoided=avoided[order] if avoided is not None else None,
            scored_passages=ScoredPassages(rows, passage_scores),
        )
        return self._with_tail(ranking, query, vector, among)

    def standing(
        self, query: SearchQuery, among: Rows | None, *, named: list[int], unliked: list[int]
    ) -> Ranking:
        """Rank by how the movies stand, less what is avoided. Takes the arguments of ``hybrid``."""
        rows = np.arange(self._index.rows) if among is None else among
        order = np.argsort(-self._standing[rows], kind="stable")
        # What is avoided reorders the best only: scoring the passages of all movies takes long.
        best = _union(rows[order[: 2 * CANDIDATES]], np.array(named, np.int64))
        scores = self._standing[best]
        avoided = self._avoided(query, unliked, best)
        if avoided is not None:
            scores = scores - avoided
        scores = _with_named(scores, best, named)
        first = np.argsort(-scores, kind="stable")
        first = first[self._order(scores[first], best[first], query)]
        rest = rows[order][~np.isin(rows[order], best)]
        return Ranking(
            np.concatenate([best[first], rest]),
            np.concatenate([scores[first], np.full(len(rest), -np.inf)]),
            len(rows),
            scoring.shown_fused,
            avoided=avoided[first] if avoided is not None else None,
        )

    def _lexical_scores(
        self, words: list[str], rows: Rows, matches: Rows, bm25: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """The BM25 scores of ``rows``, of which ``matches`` have been scored."""
        scores = _at(rows, matches, bm25)
        if len(matches) == CANDIDATES < len(rows):  # others may share terms as well
            others = rows[scores == 0.0]
            bm25, matches = self._lexical.search(words, len(others), among=others)
            scores[np.searchsorted(rows, matches)] = bm25
        return scores

    def _count(self, among: Rows | None) -> int:
        return self._index.rows if among is None else len(among)

    def _with_tail(
        self, ranking: Ranking, query: SearchQuery, vector: Vector, among: Rows | None
    ) -> Ranking:
        """The candidates, then all other movies by pooled vector, as far as the page needs."""
        missing = query.offset + query.k - len(ranking.rows)
        if missing <= 0 or ranking.matched <= len(ranking.rows):
            return ranking
        depth = missing + len(ranking.rows)
        cosines, rows = self._index.search(vector[np.newaxis], depth, among=among)
        others = ~np.isin(rows[0], ranking.rows)
        # They were not scored together with the candidates, and none is better than those.
        unscored = np.full(int(others.sum()), -np.inf)
        return replace(
            ranking,
            rows=np.concatenate([ranking.rows, rows[0][others]]),
            scores=np.concatenate([ranking.scores, unscored]),
            semantic=np.concatenate([ranking.semantic, cosines[0][others]])
            if ranking.semantic is not None
            else None,
        )

    def _order(
        self, scores: Values, rows: Rows, query: SearchQuery
    ) -> npt.NDArray[np.int64] | slice[None, None, None]:
        """Reorder the best ``CANDIDATES``, which are the same for every page, for diversity."""
        if not query.diversity:
            return slice(None)
        order = np.arange(len(rows))
        head = slice(CANDIDATES)
        order[head] = scoring.mmr(
            scores[head].astype(np.float64), self._vectors[rows[head]], query.diversity
        )
        return order

    def _dense(
        self, rows: Rows, vector: Vector
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Cosines of pooled vectors, and of all passages; ``rows`` are distinct."""
        return self._vectors[rows] @ vector, self._passages.scores(rows, vector)

    def _avoided(self, query: SearchQuery, unliked: list[int], rows: Rows) -> scoring.Scores | None:
        """What each candidate loses to ``avoid`` and ``unlike``; None when there are none."""
        if query.avoid_vector is None and not unliked:
            return None
        # z-scores against the catalogue, not the candidates, which may all have what is avoided.
        together = np.union1d(rows, self._background)
        candidates = np.searchsorted(together, rows)
        background = np.searchsorted(together, self._background)
        lost = np.zeros(len(rows))
        if query.avoid_vector is not None:
            pooled, passage_scores = self._dense(together, query.avoid_vector)
            dense = _dense_part(query, pooled, scoring.top_mean(passage_scores))
            bm25, matches = self._lexical.search(
                self._terms(query.avoided_text or ""), len(together), among=together
            )
            scores = scoring.fuse(dense, _at(together, matches, bm25), background=background)
            lost += scoring.penalty(scoring.zscore(scores[candidates], against=scores[background]))
        if unliked:
            nearest = (self._vectors[together] @ self._vectors[unliked].T).max(axis=1)
            lost += scoring.penalty(
                scoring.zscore(nearest[candidates], against=nearest[background])
            )
        return lost


def _dense_part(
    query: SearchQuery, pooled: npt.NDArray[np.float32], passages: npt.NDArray[np.float64]
) -> scoring.Scores:
    return scoring.dense(pooled, passages) if query.passages else pooled.astype(np.float64)


def _with_named(scores: scoring.Scores, rows: Rows, named: list[int]) -> scoring.Scores:
    """The scores of ``rows``, with the movies that are named first, in their order."""
    scores = scores.copy()
    for position, row in enumerate(named):
        scores[rows == row] += NAMED_BONUS * (1 + 1 / (1 + position))
    return scores


def _union(*parts: Rows) -> Rows:
    """All rows once, ascending."""
    rows = np.concatenate(parts)
    rows.sort()
    if len(rows) < 2:
        return rows
    first = np.empty(len(rows), bool)
    first[0] = True
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def _at(rows: Rows, matches: Rows, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scores of ``rows``, which ascend and include all ``matches``; 0 for the others."""
    values = np.zeros(len(rows))
    values[np.searchsorted(rows, matches)] = scores
    return values
