"""Rankings of one snapshot's movies: rows in order, and what their scores are made of.

``hybrid``: the best ``CANDIDATES`` of the pooled index united with the best ``CANDIDATES`` of the
lexical one are scored together (``shared.retrieval.scoring``); all other movies follow in the order
of their pooled vectors, so that every page of the ranking exists. ``semantic`` is the cosine with
the pooled vectors alone, ``lexical`` BM25 alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shared.retrieval import scoring
from shared.retrieval.query import Rows, ScoreBreakdown, SearchQuery, Vector
from shared.snapshot.reader import Snapshot
from shared.text.terms import terms

CANDIDATES = 100
BACKGROUND = 256  # movies that stand for the catalogue when something is to be avoided
NAMED_BONUS = 25.0  # over any fused score: a film whose title was typed comes first

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ScoredPassages:
    """Movies whose passages have been scored: rows in ascending order, and their scores."""

    rows: Rows
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order with their scores, at least up to the end of the page.

    ``semantic`` to ``avoided`` hold what the scores are made of, by place; they are shorter than
    the ranking where the rest has none. ``read`` is what is known of passages already.
    """

    rows: Rows
    scores: Values
    matched: int
    shown: Callable[[float], float]
    semantic: Values | None = None
    passages: Values | None = None
    lexical: Values | None = None
    avoided: Values | None = None
    read: ScoredPassages | None = None

    def parts(self, page: slice) -> list[ScoreBreakdown]:
        """What the scores of a page are made of."""
        count = len(self.rows[page])
        told = (self.semantic, self.passages, self.lexical, self.avoided)
        return list(map(ScoreBreakdown, *(_part(values, page, count) for values in told)))


def _part(values: Values | None, page: slice, count: int) -> list[float | None]:
    shown: list[float | None] = []
    if values is not None:
        found = values[page].tolist()
        shown += [round(value, scoring.SCORE_DECIMALS) + 0.0 for value in found]
    return shown + [None] * (count - len(shown))


class Ranker:
    """Ranks one snapshot's movies."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._index = snapshot.index
        self._lexical = snapshot.lexical
        self._passages = snapshot.passages
        self._vectors = snapshot.index.vectors()
        count = snapshot.index.rows
        self._background: Rows = np.unique(
            np.linspace(0, max(0, count - 1), min(count, BACKGROUND)).astype(np.int64)
        )

    def semantic(self, wanted: SearchQuery, vector: Vector, among: Rows | None) -> Ranking:
        """By the cosine of the pooled vectors.

        Args:
            wanted: The search.
            vector: Unit; what is searched for.
            among: The movies that may be found; None for all.
        """
        end = wanted.offset + wanted.k
        depth = max(end, CANDIDATES) if wanted.diversity else end
        found, nearest = self._index.search(vector[np.newaxis], depth, among=among)
        order = self._order(found[0], nearest[0], wanted)
        scores, rows = found[0][order], nearest[0][order]
        return Ranking(rows, scores, self._count(among), scoring.shown_cosine, semantic=scores)

    def lexical(self, wanted: SearchQuery, among: Rows | None) -> Ranking:
        """By BM25; movies that share no term with the query are not found."""
        scores, rows = self._lexical.search(
            terms(wanted.text or ""), max(1, self._count(among)), among=among
        )
        order = self._order(scores, rows, wanted)
        scores, rows = scores[order], rows[order]
        return Ranking(rows, scores, len(rows), scoring.shown_bm25, lexical=scores)

    def hybrid(
        self,
        wanted: SearchQuery,
        vector: Vector,
        among: Rows | None,
        *,
        named: list[int],
        unliked: list[int],
    ) -> Ranking:
        """By both; see the module.

        Args:
            wanted: The search.
            vector: Unit; what is searched for.
            among: The movies that may be found; None for all.
            named: Rows of movies whose titles the query says, best first.
            unliked: Rows of movies that it should not be like.
        """
        _, near = self._index.search(vector[np.newaxis], CANDIDATES, among=among)
        bm25, shared = self._lexical.search(terms(wanted.text or ""), CANDIDATES, among=among)
        rows = _union(near[0], shared, np.array(named, np.int64))
        lexical = _at(rows, shared, bm25)
        pooled, told = self._dense(rows, vector)
        passages = scoring.top_mean(told)
        scores = scoring.fuse(_dense_part(wanted, pooled, passages), lexical)
        avoided = self._avoided(wanted, unliked, rows)
        if avoided is not None:
            scores = scoring.zscore(scores) - avoided
        for place, row in enumerate(named):
            scores[rows == row] += NAMED_BONUS * (1 + 1 / (1 + place))
        order = np.argsort(-scores, kind="stable")  # rows ascend: of equal scores the lower first
        order = order[self._order(scores[order], rows[order], wanted)]
        ranking = Ranking(
            rows[order],
            scores[order],
            self._count(among),
            scoring.shown_fused,
            semantic=pooled[order],
            passages=passages[order],
            lexical=lexical[order],
            avoided=avoided[order] if avoided is not None else None,
            read=ScoredPassages(rows, told),
        )
        return self._with_tail(ranking, wanted, vector, among)

    def _count(self, among: Rows | None) -> int:
        return self._index.rows if among is None else len(among)

    def _with_tail(
        self, ranking: Ranking, wanted: SearchQuery, vector: Vector, among: Rows | None
    ) -> Ranking:
        """The candidates, then everybody else by pooled vector, as far as the page needs."""
        missing = wanted.offset + wanted.k - len(ranking.rows)
        if missing <= 0 or ranking.matched <= len(ranking.rows):
            return ranking
        depth = missing + len(ranking.rows)
        cosines, rows = self._index.search(vector[np.newaxis], depth, among=among)
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

    def _order(
        self, scores: Values, rows: Rows, wanted: SearchQuery
    ) -> npt.NDArray[np.int64] | slice[None, None, None]:
        """The order of the best ``CANDIDATES`` changes; the same ones for every page."""
        if not wanted.diversity:
            return slice(None)
        order = np.arange(len(rows))
        head = slice(CANDIDATES)
        order[head] = scoring.mmr(
            scores[head].astype(np.float64), self._vectors[rows[head]], wanted.diversity
        )
        return order

    def _dense(
        self, rows: Rows, vector: Vector
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Cosines of pooled vectors, and of all passages; ``rows`` are distinct."""
        return self._vectors[rows] @ vector, self._passages.scores(rows, vector)

    def _avoided(
        self, wanted: SearchQuery, unliked: list[int], rows: Rows
    ) -> scoring.Scores | None:
        """What each candidate loses by what is to be avoided; None when nothing is."""
        if wanted.avoid_vector is None and not unliked:
            return None
        # z against the catalogue, not against the candidates, who may all be alike in it.
        together = np.union1d(rows, self._background)
        candidates = np.searchsorted(together, rows)
        background = np.searchsorted(together, self._background)
        lost = np.zeros(len(rows))
        if wanted.avoid_vector is not None:
            pooled, told = self._dense(together, wanted.avoid_vector)
            dense = _dense_part(wanted, pooled, scoring.top_mean(told))
            bm25, shared = self._lexical.search(
                terms(wanted.avoid or ""), len(together), among=together
            )
            scores = scoring.fuse(dense, _at(together, shared, bm25), background=background)
            lost += scoring.penalty(scoring.zscore(scores[candidates], against=scores[background]))
        if unliked:
            nearest = (self._vectors[together] @ self._vectors[unliked].T).max(axis=1)
            lost += scoring.penalty(
                scoring.zscore(nearest[candidates], against=nearest[background])
            )
        return lost


def _dense_part(
    wanted: SearchQuery, pooled: npt.NDArray[np.float32], passages: npt.NDArray[np.float64]
) -> scoring.Scores:
    return scoring.dense(pooled, passages) if wanted.passages else pooled.astype(np.float64)


def _union(*found: Rows) -> Rows:
    """All rows once, ascending."""
    rows = np.concatenate(found)
    rows.sort()
    if len(rows) < 2:
        return rows
    first = np.empty(len(rows), bool)
    first[0] = True
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def _at(rows: Rows, found: Rows, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scores of ``rows``, which ascend and hold all of ``found``; 0 for those not found."""
    values = np.zeros(len(rows))
    values[np.searchsorted(rows, found)] = scores
    return values
