"""From a query to ranked movies with evidence, over one snapshot; without HTTP and encoder.

Filters restrict the movies, typed constraints part them into those that fit and those of which the
catalogue does not say, a ``Ranker`` ranks them, and the page is read from the catalogue with its
evidence. Not thread-safe, because a catalogue is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from shared.retrieval.evidence.asking import Asked, asked_by
from shared.retrieval.evidence.choosing import evidence_for
from shared.retrieval.evidence.pairs import shared_evidence
from shared.retrieval.filters import EVERYTHING, FilterIndex, Mask
from shared.retrieval.fit.calibration import shipped
from shared.retrieval.fit.fit_scorer import FitScorer
from shared.retrieval.fit.least_fit import with_least_fit
from shared.retrieval.query import (
    EvidencePassage,
    Mode,
    RankedMovie,
    Rows,
    ScoreBreakdown,
    SearchPage,
    SearchQuery,
    Spoilers,
    Understood,
    UnknownMovie,
    Vector,
)
from shared.retrieval.ranking import scoring
from shared.retrieval.ranking.ranker import Ranker, Ranking
from shared.retrieval.ranking.scoring import Scores
from shared.retrieval.ranking.standing import standing
from shared.retrieval.ranking.word_scores import CANDIDATES
from shared.retrieval.relaxation import Constrained, constrain
from shared.retrieval.suggestions import NameSuggestions
from shared.retrieval.titles.titles import Titles
from shared.retrieval.understanding import QueryReader
from shared.retrieval.vocabulary import vocabulary
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot
from shared.text.language_guess import other_language

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

MOST_FITTING = 4 * CANDIDATES
"""Movies of a ranking that can be hits of a search for the least fit: all candidates are fewer."""

_FitsOf = Callable[..., Scores]
_Tier = tuple[Rows | None, _FitsOf]
"""Movies that are ranked together, None for all, and what tells their fits."""


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
        facts = snapshot.catalogue.all_facts()
        # Not a method: it would keep a searcher that nothing else uses alive until it is collected.
        word_count = partial(_word_count, snapshot)
        self.facts = FilterIndex(facts)
        self.titles = Titles(
            (
                (row, title)
                for row, fact in enumerate(facts)
                for title in dict.fromkeys((fact.title, fact.original_title))
                if title
            ),
            popularity=[fact.votes or fact.review_count for fact in facts],
            years=[fact.year for fact in facts],
            word_count=word_count,
        )
        self.names = NameSuggestions(facts)
        self._language = snapshot.manifest.language
        self._reader = QueryReader(
            facts, self.facts, self.titles, word_count, vocabulary(snapshot), self._language
        )
        self._ranker = Ranker(snapshot, standing(facts))
        self._fit = FitScorer(snapshot, self.titles, shipped())
        self._vectors = snapshot.index.vectors()

    def interpreted(self, query: SearchQuery) -> SearchQuery:
        """The query with what its text is understood to mean.

        What the query states itself wins over the same part of its text. Reads no files, so that
        any thread may call it.
        """
        return self._reader.interpreted(query)

    def search(self, query: SearchQuery) -> SearchPage:
        """Rank movies and return a page of them with evidence.

        Raises:
            UnknownMovie: a movie in ``like``, ``unlike`` or ``titles`` is not in the snapshot.
        """
        typed = query.interpretation
        liked = [*self._rows(query.like), *(typed.like if typed is not None else ())]
        unliked = self._rows(query.unlike)
        allowed = self._allowed(query, [*liked, *unliked])
        vector = scoring.apply_likes(query.vector, self._vectors[liked]) if liked else query.vector
        named = self._named(query, allowed)
        fits = partial(self._fit.fits, query, named=named, liked=liked, unliked=unliked)
        kept = None
        tiers: list[_Tier] = [(None if allowed is None else np.flatnonzero(allowed), fits)]
        if typed is not None and not typed.filters.is_empty:
            everything = np.ones(self.facts.rows, bool)
            kept = constrain(self.facts, typed.filters, everything if allowed is None else allowed)
            tiers = [
                (np.flatnonzero(among), partial(fits, kept=share))
                for among, share in self._tiers(kept, named)
            ]
        ranked = self._ranked(query, vector, tiers, named, unliked)
        spoken = other_language(query.text, self._language)
        return SearchPage(*ranked, self._understood(query, kept), spoken)

    def similar(
        self,
        movie_id: str,
        *,
        k: int,
        evidence: int,
        spoilers: Spoilers = "hide",
        diversity: float = 0.0,
    ) -> SearchPage:
        """Rank the other movies by the cosine of their vectors with a movie's.

        Args:
            movie_id: The movie.
            k: How many movies to return.
            evidence: Passages per movie.
            spoilers: Whether marked spoilers may be shown.
            diversity: How much neighbours in the ranking differ, from 0 to 1.

        Raises:
            UnknownMovie: the snapshot does not have the movie.
        """
        query = SearchQuery(
            k=k,
            evidence=evidence,
            spoilers=spoilers,
            mode="semantic",
            like=(movie_id,),
            diversity=diversity,
        )
        return self.search(query)

    def shared_evidence(
        self, movie: CatalogueMovie, other: CatalogueMovie, *, spoilers: Spoilers = "hide"
    ) -> tuple[CataloguePassage, CataloguePassage, float] | None:
        """The most similar pair of passages that agree, one of each movie, with their cosine."""
        return shared_evidence(self.snapshot, movie, other, spoilers=spoilers)

    def _rows(self, movie_ids: tuple[str, ...]) -> list[int]:
        rows = []
        for movie_id in movie_ids:
            movie = self.snapshot.catalogue.movie(movie_id)
            if movie is None:
                raise UnknownMovie(movie_id)
            rows.append(movie.row)
        return rows

    def _allowed(self, query: SearchQuery, without: list[int]) -> Mask | None:
        """The movies that the search itself allows; None for all."""
        if query.exclude:
            without = [*without, *self.snapshot.catalogue.rows_of(query.exclude)]
        if query.filters.is_empty and not without:
            return None
        mask = self.facts.matching(query.filters)
        mask[without] = False
        return mask

    def _named(self, query: SearchQuery, allowed: Mask | None) -> list[int]:
        """Rows of the movies whose title the text is, best first."""
        if query.titles is not None:
            named = self._rows(query.titles)
        elif query.interpretation is not None:
            named = [*query.interpretation.titles]
        elif query.text is None or query.is_interpreted:
            named = []
        else:
            named = self.titles.named(query.text)
        if allowed is not None:
            named = [row for row in named if allowed[row]]
        return named[:CANDIDATES]

    def _tiers(self, kept: Constrained, named: list[int]) -> list[tuple[Mask, float]]:
        """Movies that fit what was typed, then those of which the catalogue does not say.

        Each with the share of its movies that are what was typed (``FitScorer.kept_share``).
        """
        fits, unknown = kept.fits.copy(), kept.unknown.copy()
        fits[named] = True  # a title that was typed is surer than any constraint
        unknown[named] = False
        share = partial(self._fit.kept_share, relaxed=len(kept.relaxed))
        last = (unknown, share(known=kept.share))
        return [(fits, share(known=1.0)), last] if fits.any() else [last]

    def _ranked(
        self,
        query: SearchQuery,
        vector: Vector | None,
        tiers: Sequence[_Tier],
        named: list[int],
        unliked: list[int],
    ) -> tuple[int, tuple[RankedMovie, ...]]:
        """Rank one tier after the other; the number of movies, and those of the page."""
        matched = 0
        hits: list[RankedMovie] = []
        for among, fits in tiers:
            rest = replace(query, offset=max(0, query.offset - matched), k=query.k - len(hits))
            is_counted = among is not None and query.mode == "hybrid" and not query.min_fit
            if matched and among is not None and rest.k == 0 and is_counted:
                matched += len(among)  # only their number matters
                continue
            # Whatever the page, the same candidates can fit well enough.
            ranked = replace(rest, offset=0, k=CANDIDATES) if query.min_fit else rest
            ranking = self._ranking(ranked, vector, among, named, unliked)
            if ranking is not None:
                page = self._page(ranking, rest, fits)
                hits += self._hits(*page, rest, vector, after=matched)
                matched += page[0].matched
        return matched, tuple(hits)

    def _ranking(
        self,
        query: SearchQuery,
        vector: Vector | None,
        among: Rows | None,
        named: list[int],
        unliked: list[int],
    ) -> Ranking | None:
        if query.searched_text is None and not query.likes:
            return self._ranker.standing(query, among, named=named, unliked=unliked)
        if query.mode == "lexical":
            return self._ranker.lexical(query, among)
        if vector is None:
            return None
        if query.mode == "semantic":
            return self._ranker.semantic(query, vector, among)
        return self._ranker.hybrid(query, vector, among, named=named, unliked=unliked)

    @staticmethod
    def _page(ranking: Ranking, query: SearchQuery, fits: _FitsOf) -> tuple[Ranking, list[float]]:
        """The ranking without movies that fit less than is wanted, and the fits of the page."""
        page = slice(query.offset, query.offset + query.k)
        if not query.min_fit:
            return ranking, fits(ranking.rows[page], scored=ranking.candidates).tolist()
        first = ranking.rows[:MOST_FITTING]
        judged = fits(first, scored=ranking.candidates)
        ranking, judged = with_least_fit(ranking, judged, query.min_fit)
        return ranking, judged[page].tolist()

    def _hits(
        self,
        ranking: Ranking,
        fits: list[float],
        query: SearchQuery,
        vector: Vector | None,
        *,
        after: int,
    ) -> list[RankedMovie]:
        """The page of a ranking that follows ``after`` other movies; ``fits`` are of the page."""
        page = slice(query.offset, query.offset + query.k)
        movies = self.snapshot.catalogue.movies(ranking.rows[page].tolist())
        evidence: list[tuple[EvidencePassage, ...]] = [()] * len(movies)
        if query.evidence and vector is not None:
            evidence = evidence_for(
                self.snapshot,
                movies,
                vector,
                query.evidence,
                known=ranking.candidates,
                asked=self._asked(query),
                spoilers=query.spoilers,
            )
        shown = ranking.shown
        if after and shown is scoring.shown_fused:
            shown = _scored_after_others
        first = after + query.offset + 1
        return [
            RankedMovie(rank, shown(score), fit, movie, passages, parts)
            for rank, movie, score, fit, passages, parts in zip(
                range(first, first + len(movies)),
                movies,
                ranking.scores[page].tolist(),
                fits,
                evidence,
                ranking.parts(page),
                strict=True,
            )
        ]

    @staticmethod
    def _asked(query: SearchQuery) -> Asked:
        """What the evidence is to say: what was typed, in the words that were searched for it."""
        typed = query.interpretation
        filters = [query.filters, *([typed.filters] if typed is not None else [])]
        genres = [genre for each in filters for genre in each.genres_none]
        return asked_by((query.text, query.searched_text), (query.avoided_text, *genres))

    def _understood(self, query: SearchQuery, kept: Constrained | None) -> Understood | None:
        typed = query.interpretation
        if typed is None:
            return None
        movies = self.snapshot.catalogue.movies([*typed.like, *typed.titles])
        movie_ids = tuple(movie.movie_id for movie in movies)
        return Understood(
            text=typed.text,
            corrections=typed.corrections,
            filters=kept.filters if kept is not None else EVERYTHING,
            avoid=typed.avoid,
            like=movie_ids[: len(typed.like)],
            titles=movie_ids[len(typed.like) :],
            relaxed=kept.relaxed if kept is not None else (),
        )


def _word_count(snapshot: Snapshot, word: str) -> int:
    """The number of movies of which a word is said."""
    return max(map(snapshot.lexical.document_count, snapshot.terms(word)), default=0)


def _scored_after_others(_: float) -> float:
    """The score of a movie that was not scored together with those before it."""
    return 0.0
