"""Rankings of one snapshot's movies: rows in order, and the parts of their scores.

``hybrid``: the best ``CANDIDATES`` of the pooled index united with the best ``CANDIDATES`` of the
lexical one are scored together (``scoring``, ``word_scores``); all other movies follow in the order
of their pooled vectors, so that every page of the ranking exists. ``semantic`` is the cosine with
the pooled vectors alone, ``lexical`` BM25 alone.

A movie without reviews has no vector. ``semantic`` leaves it out; in ``hybrid`` its dense score is
guessed from its words, and it ends the ranking unless it shares some with the query.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shared.retrieval.query import Rows, ScoreBreakdown, SearchQuery, Vector
from shared.retrieval.ranking import scoring, tone_scores
from shared.retrieval.ranking.tone_words import ToneWords
from shared.retrieval.ranking.word_scores import CANDIDATES, CountedWords, Words
from shared.snapshot.files.passage_scores import PassageScores
from shared.snapshot.reader import Snapshot

TONE_CANDIDATES = 50
"""Movies of each index that join the candidates because of the tones that a query asks for."""
BACKGROUND = 256
"""Movies that represent the catalogue where a movie must stand out from it."""
NAMED_BONUS = 25.0
"""More than any fused score, so that a movie whose title is the query comes first."""

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Movies that were scored together.

    Attributes:
        rows: Their rows, ascending, shape ``(n,)``.
        passages: The scores of their passages.
        words: How often they have the terms of the text; None where that was not counted.
    """

    rows: Rows
    passages: PassageScores
    words: CountedWords | None

    def places(self, rows: Rows) -> Rows | None:
        """Where movies are among these; None when one of them is not."""
        if not len(self.rows):
            return None
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return places if (self.rows[places] == rows).all() else None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order with their scores, at least up to the end of the page.

    Attributes:
        rows: The movies, best first.
        scores: Their scores.
        matched: How many movies the whole ranking has.
        shown: Converts a score to the one that is shown.
        semantic: Cosines of the pooled vectors, by position, NaN where there is none; this and the
            following parts are shorter than the ranking when the movies at its end have none.
        passages: Means of the best passages.
        lexical: BM25 scores.
        avoided: What the scores lost to ``avoid`` and ``unlike``.
        candidates: The movies that were scored together, with what was computed for them.
    """

    rows: Rows
    scores: Values
    matched: int
    shown: Callable[[float], float]
    semantic: Values | None = None
    passages: Values | None = None
    lexical: Values | None = None
    avoided: Values | None = None
    candidates: Candidates | None = None

    def parts(self, page: slice) -> list[ScoreBreakdown]:
        """The parts of the scores of a page."""
        count = len(self.rows[page])
        parts = (self.semantic, self.passages, self.lexical, self.avoided)
        return list(map(ScoreBreakdown, *(_shown(values, page, count) for values in parts)))


def _shown(values: Values | None, page: slice, count: int) -> list[float | None]:
    shown: list[float | None] = []
    if values is not None:
        shown += [
            None if math.isnan(value) else round(value, scoring.SCORE_DECIMALS) + 0.0
            for value in values[page].tolist()
        ]
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
        self._words = Words(snapshot)
        self._tone_words = ToneWords(self._words, snapshot.index.rows)
        # What an earlier version published is ranked as that version ranked it.
        self._has_tones = snapshot.term_counts is not None
        self._dense_weight = (
            scoring.DENSE_WEIGHT_BESIDE_PAIRS
            if snapshot.term_counts is not None
            else scoring.DENSE_WEIGHT
        )
        self._passages = snapshot.passages
        self._vectors = snapshot.index.vectors()
        # None, the usual case: every movie has a vector.
        self._has_vector = None if snapshot.reviewed.all() else snapshot.reviewed
        count = snapshot.index.rows
        self._background: Rows = np.unique(
            np.linspace(0, max(0, count - 1), min(count, BACKGROUND)).astype(np.int64)
        )

    def semantic(self, query: SearchQuery, vector: Vector, among: Rows | None) -> Ranking:
        """Rank by the cosine of the pooled vectors; movies that have none are left out.

        Args:
            query: The search.
            vector: The unit vector to search for.
            among: Rows of the movies to rank; None for all.
        """
        end = query.offset + query.k
        depth = max(end, CANDIDATES) if query.diversity else end
        among = self._with_vectors(among)
        cosines, nearest = self._index.search(vector[np.newaxis], depth, among=among)
        order = self._order(cosines[0], nearest[0], query)
        scores, rows = cosines[0][order], nearest[0][order]
        return Ranking(rows, scores, self._count(among), scoring.shown_cosine, semantic=scores)

    def lexical(self, query: SearchQuery, among: Rows | None) -> Ranking:
        """Rank by BM25; movies that share no term with the query are left out."""
        phrases = self._words.phrases(query.searched_text or "")
        scores, rows = self._words.ranked(phrases, max(1, self._count(among)), among=among)
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
        _, near = self._index.search(
            vector[np.newaxis], CANDIDATES, among=self._with_vectors(among)
        )
        mood = tone_scores.searched_mood(query) if self._has_tones else None
        phrases = self._words.phrases(mood.text if mood is not None else query.searched_text or "")
        found = self._words.find(phrases, CANDIDATES, among=among)
        suiting = self._best_of(mood.tones, among) if mood is not None else ()
        rows = _union(near[0], found.rows, np.array(named, np.int64), *suiting)
        lexical, counted = self._words.scored(phrases, rows, found)
        pooled = self._pooled(rows, vector)
        passage_scores = self._passages.scores(rows, vector)
        passages = scoring.top_mean(passage_scores)
        scores = scoring.fuse(
            _dense_part(query, pooled, passages),
            lexical,
            dense_weight=scoring.LIKED_DENSE_WEIGHT if query.likes else self._dense_weight,
        )
        if mood is not None:
            scores = tone_scores.with_sought(scores, self._toned(mood.tones, rows), mood.share)
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
            candidates=Candidates(rows, passage_scores, counted),
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

    def _count(self, among: Rows | None) -> int:
        return self._index.rows if among is None else len(among)

    def _with_tail(
        self, ranking: Ranking, query: SearchQuery, vector: Vector, among: Rows | None
    ) -> Ranking:
        """The candidates, then all other movies by pooled vector, as far as the page needs.

        Movies without vectors are last, in the order of their rows.
        """
        missing = query.offset + query.k - len(ranking.rows)
        if missing <= 0 or ranking.matched <= len(ranking.rows):
            return ranking
        depth = missing + len(ranking.rows)
        cosines, rows = self._index.search(
            vector[np.newaxis], depth, among=self._with_vectors(among)
        )
        others = ~np.isin(rows[0], ranking.rows)
        wordless = np.setdiff1d(self._without_vectors(among), ranking.rows)
        # They were not scored together with the candidates, and none is better than those.
        unscored = np.full(int(others.sum()) + len(wordless), -np.inf)
        return replace(
            ranking,
            rows=np.concatenate([ranking.rows, rows[0][others], wordless]),
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

    def _pooled(self, rows: Rows, vector: Vector) -> npt.NDArray[np.float32]:
        """Cosines of pooled vectors, NaN without one."""
        pooled = self._vectors[rows] @ vector
        if self._has_vector is not None:
            pooled[~self._has_vector[rows]] = np.nan
        return pooled

    def _with_vectors(self, among: Rows | None) -> Rows | None:
        """Those of some movies that have a vector; None for all movies, if all have one."""
        if self._has_vector is None:
            return among
        return np.flatnonzero(self._has_vector) if among is None else among[self._has_vector[among]]

    def _without_vectors(self, among: Rows | None) -> Rows:
        """Those of some movies that have no vector; ``among`` is None for all movies."""
        if self._has_vector is None:
            return np.empty(0, np.int64)
        rows = np.flatnonzero(~self._has_vector)
        return rows if among is None else np.intersect1d(rows, among)

    def _best_of(self, tones: tone_scores.ToneQuery, among: Rows | None) -> tuple[Rows, Rows]:
        """The movies that some tones bring among the candidates."""
        _, near = self._index.search(
            tones.vector[np.newaxis], TONE_CANDIDATES, among=self._with_vectors(among)
        )
        return near[0], self._tone_words.best(tones.text, TONE_CANDIDATES, among=among)

    def _standing_out(
        self, vector: Vector, text: str, rows: Rows, *, passages: bool
    ) -> scoring.Scores:
        """How movies stand out by a text and its vector, as z-scores against the catalogue.

        Not against the candidates, which may all have what is avoided.
        """
        together = np.union1d(rows, self._background)
        dense = self._pooled(together, vector).astype(np.float64)
        if passages:
            dense = scoring.dense(dense, scoring.top_mean(self._passages.scores(together, vector)))
        lexical = self._words.scores(self._words.phrases(text), together)
        background = np.searchsorted(together, self._background)
        scores = scoring.fuse(dense, lexical, background=background)
        return scoring.zscore(scores[np.searchsorted(together, rows)], against=scores[background])

    def _toned(self, tones: tone_scores.ToneQuery, rows: Rows) -> scoring.Scores:
        """The same for tones, at less cost.

        They are in all that is said of a movie: its best passages and pairs of words add nothing.
        """
        together = np.concatenate([rows, self._background])
        dense = self._pooled(together, tones.vector).astype(np.float64)
        lexical = self._tone_words.scores(tones.text, together)
        background = slice(len(rows), None)
        scores = scoring.fuse(dense, lexical, background=background)
        return scoring.zscore(scores[: len(rows)], against=scores[background])

    def _avoided(self, query: SearchQuery, unliked: list[int], rows: Rows) -> scoring.Scores | None:
        """What each candidate loses to ``avoid``, ``unlike`` and tones; None without any."""
        unwelcome = tone_scores.unwelcome(query) if self._has_tones else []
        if query.avoid_vector is None and not unliked and not unwelcome:
            return None
        lost = np.zeros(len(rows))
        if query.avoid_vector is not None:
            text = query.avoided_text or ""
            avoided = self._standing_out(query.avoid_vector, text, rows, passages=query.passages)
            lost += scoring.penalty(avoided)
        for tones, weight in unwelcome:
            lost += tone_scores.lost(self._toned(tones, rows), weight)
        if unliked:
            lost += scoring.penalty(self._nearest(unliked, rows))
        return lost

    def _nearest(self, unliked: list[int], rows: Rows) -> scoring.Scores:
        """How near movies are to the nearest of some others, as z-scores against the catalogue."""
        if self._has_vector is not None:  # nothing is like a movie without reviews
            unliked = [row for row in unliked if self._has_vector[row]]
        if not unliked:
            return np.zeros(len(rows))
        together = np.union1d(rows, self._background)
        nearest = (self._vectors[together] @ self._vectors[unliked].T).max(axis=1)
        if self._has_vector is not None:
            nearest[~self._has_vector[together]] = np.nan
        background = np.searchsorted(together, self._background)
        return scoring.zscore(nearest[np.searchsorted(together, rows)], against=nearest[background])


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
