"""The fit of the hits of a search: every reason to accept a movie, and every reason not to.

- A text: the share of accepted hits among those with such signals (``calibration.TextNumbers``).
- Liked movies: the same, from how near the movie is. With a text as well, both count the same: the
  mean of their log-odds.
- What is avoided is a text, too: the movie must not be a hit for it, and not near an unliked movie.
- Typed constraints: the share of movies that are what such a constraint says (``kept``). Conditions
  that a request sets are met by every hit, so they change nothing.
- A movie whose title the text is: at least the share of such hits that are accepted.

A search without a text and without liked movies leaves the constraints, conditions and what is
avoided to judge by.
"""

from __future__ import annotations

import numpy as np

from shared.retrieval.fit.calibration import Calibration, log_odds, logistic
from shared.retrieval.fit.chance import chance_in
from shared.retrieval.fit.signals import signals_of
from shared.retrieval.query import Rows, SearchQuery, Vector
from shared.retrieval.ranking.ranker import Candidates
from shared.retrieval.ranking.scoring import Scores
from shared.retrieval.ranking.tone_scores import SearchedMood, searched_mood
from shared.retrieval.titles.titles import Titles
from shared.snapshot.reader import Snapshot

DECIMALS = 3


class FitScorer:
    """Says how well movies of one snapshot fit a search."""

    def __init__(self, snapshot: Snapshot, titles: Titles, calibration: Calibration) -> None:
        """Measure what scores are by chance in the snapshot.

        Args:
            snapshot: The open snapshot.
            titles: Its titles.
            calibration: The fitted numbers.
        """
        self._snapshot = snapshot
        self._titles = titles
        self._numbers = calibration
        self._chance = chance_in(snapshot, calibration.chance.to_chance())
        self._vectors = snapshot.index.vectors()

    def fits(
        self,
        query: SearchQuery,
        rows: Rows,
        *,
        named: list[int],
        liked: list[int],
        unliked: list[int],
        kept: float = 1.0,
        scored: Candidates | None = None,
    ) -> Scores:
        """The fit of movies, rounded to ``DECIMALS``, shape ``(n,)``.

        Args:
            query: The search.
            rows: The movies, all distinct, shape ``(n,)``.
            named: Rows of the movies that the text names, best first.
            liked: Rows of the movies that the results should be like.
            unliked: Rows of the movies that they should not be like.
            kept: The share of movies that are what the typed constraints say (``kept_share``).
            scored: What the ranking has computed.
        """
        fits = np.full(len(rows), kept)
        reasons: list[Scores] = []
        if query.searched_text is not None:
            known = None if liked else scored  # else they are scores of a vector between the two
            mood = searched_mood(query)
            reasons.append(self._text(query.searched_text, query.vector, rows, known, mood))
        if liked:
            reasons.append(self._like(rows, self._vectors[liked].mean(axis=0)))
        if reasons:
            fits *= logistic(np.mean([log_odds(shares) for shares in reasons], axis=0))
        if query.avoid_vector is not None and query.avoided_text is not None:
            fits *= 1 - self._text(query.avoided_text, query.avoid_vector, rows)
        for row in unliked:
            fits *= 1 - self._like(rows, self._vectors[row])
        if named:
            fits = np.maximum(fits, self._titled(query, rows, named))
        return np.round(fits, DECIMALS)

    def kept_share(self, *, relaxed: int, known: float) -> float:
        """The share of movies that are what typed constraints say.

        Args:
            relaxed: How many constraints were dropped.
            known: The share that is known to be so: 1, or less for movies of which the catalogue
                does not say.
        """
        return self._numbers.kept * known * self._numbers.relaxed**relaxed

    def _text(
        self,
        text: str,
        vector: Vector | None,
        rows: Rows,
        known: Candidates | None = None,
        mood: SearchedMood | None = None,
    ) -> Scores:
        signals = signals_of(self._snapshot, self._chance, rows, text, vector, known, mood)
        return self._numbers.text.shares(signals)

    def _like(self, rows: Rows, liked: Vector) -> Scores:
        norm = float(np.linalg.norm(liked))
        if norm == 0.0:  # movies without reviews
            return self._numbers.like.shares(np.zeros(len(rows)))
        cosines = self._vectors[rows] @ (liked / np.float32(norm))
        cosines[self._snapshot.passage_ranges[rows, 1] == 0] = np.nan
        return self._numbers.like.shares(self._chance.movies.above(cosines))

    def _titled(self, query: SearchQuery, rows: Rows, named: list[int]) -> Scores:
        """At least this much fit has a movie that is named; 0 for others."""
        if query.titles is not None:  # the request says so itself
            exact = set(named)
        else:
            text = query.searched_text or query.text or ""
            exact = {*self._titles.exact(text), *self._titles.exact(query.text or "")}
        shares = [
            (self._numbers.exact_title if row in exact else self._numbers.near_title)
            if row in named
            else 0.0
            for row in rows.tolist()
        ]
        return np.array(shares)
