"""Chooses the passages that say why movies match a query.

A movie's passages are looked at in the order of their cosines with the query. Never shown are
passages that contradict the query (``asking``), that pan the movie (``polarity``), or, unless they
are to be shown, that are of a review marked as a spoiler. A passage of a review with a low rating
that says nothing bad itself is shown if no other is nearly as near. Where no viewer says what is
asked, the description is quoted (``describing``); where it does not say it either, nothing is
shown. ``docs/decisions/0052-evidence.md`` has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.retrieval.evidence.asking import NOTHING_ASKED, Asked, Found
from shared.retrieval.evidence.describing import MORE_PASSAGES, described
from shared.retrieval.evidence.families import plain
from shared.retrieval.evidence.marking import marks
from shared.retrieval.evidence.polarity import is_low, is_pan
from shared.retrieval.query import EvidencePassage, Spoilers, Vector
from shared.retrieval.ranking import scoring
from shared.retrieval.ranking.ranker import Candidates
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.files.passage_scores import PassageScores
from shared.snapshot.reader import Snapshot
from shared.text.languages import ENGLISH

PASSAGES_PER_EVIDENCE = 4
"""Passages considered for each one shown, to find passages of distinct reviews."""
FURTHER_PASSAGES = (4, 12, 24)
"""How many more are looked at, one after the other, where those before do not suffice."""
LOW_RATING_COST = 0.1
"""What a passage of a review with a low rating loses of its cosine: "nearly as near"."""

LEAST_SHARE = 0.5
"""Viewers do not say what is asked if those who agree are less than half as near as others."""

Scores = npt.NDArray[np.float32]


class _Agreeing(NamedTuple):
    """A passage that may be shown, its cosine, and what was found in it."""

    cosine: float
    passage: CataloguePassage
    found: Found


@dataclass(slots=True)
class _Looked:
    """A movie whose evidence is being chosen.

    Attributes:
        movie: The movie.
        cosines: The cosine of each of its passages with the query.
        order: Its passages that were ordered so far, nearest first.
        seen: How many of them were looked at.
        agreeing: Those that may be shown, nearest first.
        refused: The highest cosine of the others.
        shared: The most asked words that any of them has.
        quoted: What the description says of it, if viewers do not.
    """

    movie: CatalogueMovie
    cosines: Scores
    order: list[int] = field(default_factory=list)
    seen: int = 0
    agreeing: list[_Agreeing] = field(default_factory=list)
    refused: float = 0.0
    shared: int = 0
    quoted: EvidencePassage | None = None

    def has_more(self, most: int) -> bool:
        """Whether fewer than ``most`` passages were looked at, and there are more."""
        return self.seen < most and self.seen < len(self.cosines)

    def settle(self, asked: Asked) -> None:
        """Drop passages that are too far to say what is asked, and read the description."""
        if self.agreeing and self.agreeing[0].cosine < LEAST_SHARE * self.refused:
            self.agreeing, self.shared = [], 0
        self.quoted = described(
            self.movie, asked, said=self.shared, is_reviewed=bool(self.agreeing)
        )

    def next_rows(self, count: int) -> list[int]:
        """The rows of the next passages, nearest first."""
        if self.seen + count > len(self.order):
            self.order = scoring.best(self.cosines, self.seen + count)
        return [self.movie.passage_start + n for n in self.order[self.seen : self.seen + count]]


def evidence_for(
    snapshot: Snapshot,
    movies: Sequence[CatalogueMovie],
    vector: Vector,
    count: int,
    *,
    known: Candidates | None = None,
    asked: Asked = NOTHING_ASKED,
    spoilers: Spoilers = "hide",
) -> list[tuple[EvidencePassage, ...]]:
    """The evidence of each movie, best first, of distinct reviews where possible.

    Args:
        snapshot: The snapshot of the movies.
        movies: Movies, all distinct.
        vector: The query's unit vector.
        count: Passages per movie, at least 1.
        known: Scores of passages that were computed before, for the same vector.
        asked: What the query asks for.
        spoilers: Whether marked spoilers may be shown.
    """
    if not movies:
        return []
    scores = _scores(snapshot, np.array([movie.row for movie in movies], np.int64), vector, known)
    looked = [_Looked(movie, scores.of(place)) for place, movie in enumerate(movies)]
    if count == 1:  # the usual case
        for each in looked:
            if len(each.cosines):
                each.order = [int(each.cosines.argmax())]
    first = 1 if count == 1 else count * PASSAGES_PER_EVIDENCE
    _look(snapshot, looked, first, asked, spoilers)
    for further in FURTHER_PASSAGES:
        short = [each for each in looked if _falls_short(each, count)]
        if short:
            _look(snapshot, short, further, asked, spoilers)
    for each in looked:
        each.settle(asked)
    unsaid = [each for each in looked if each.quoted is not None and each.has_more(MORE_PASSAGES)]
    if unsaid:  # before the description is quoted
        _look(snapshot, unsaid, MORE_PASSAGES, asked, spoilers)
        for each in unsaid:
            each.settle(asked)
    return [_chosen(each, count, asked) for each in looked]


def _look(
    snapshot: Snapshot, looked: Sequence[_Looked], count: int, asked: Asked, spoilers: Spoilers
) -> None:
    """Look at the next passages of some movies; one read of the catalogue for all."""
    has_rules = snapshot.manifest.language == ENGLISH
    rows = [each.next_rows(count) for each in looked]
    passages = iter(snapshot.catalogue.passages([row for of_movie in rows for row in of_movie]))
    for each, of_movie in zip(looked, rows, strict=True):
        each.seen += len(of_movie)
        for row in of_movie:
            passage = next(passages)
            cosine = float(each.cosines[row - each.movie.passage_start])
            text = plain(passage.text)
            found = asked.found_in(text)
            if (passage.spoiler and spoilers == "hide") or (
                has_rules and (is_pan(text, passage.rating) or asked.contradicted_by(text, found))
            ):
                each.refused = max(each.refused, cosine)
                continue
            each.agreeing.append(_Agreeing(cosine, passage, found))
            each.shared = max(each.shared, asked.shared(found))


def _falls_short(each: _Looked, count: int) -> bool:
    """Whether more passages may hold a better one, or one at all."""
    if len(each.agreeing) < count:
        return each.seen < len(each.cosines)
    return is_low(each.agreeing[0].passage.rating) and each.has_more(MORE_PASSAGES)


def _chosen(each: _Looked, count: int, asked: Asked) -> tuple[EvidencePassage, ...]:
    agreeing = each.agreeing
    if len(agreeing) > 1:
        agreeing = sorted(agreeing, key=_merit, reverse=True)  # stable: nearest first
        kept = scoring.distinct_first([each.passage.review_id for each in agreeing], count)
        agreeing = sorted((agreeing[n] for n in kept), key=_cosine, reverse=True)
    evidence = [
        EvidencePassage(
            passage, scoring.shown_cosine(cosine), "review", marks(passage.text, asked, found)
        )
        for cosine, passage, found in agreeing
    ]
    if each.quoted is not None:
        return (each.quoted, *evidence[: count - 1])
    return tuple(evidence)


def _merit(agreeing: _Agreeing) -> float:
    return agreeing.cosine - (LOW_RATING_COST if is_low(agreeing.passage.rating) else 0.0)


def _cosine(agreeing: _Agreeing) -> float:
    return agreeing.cosine


def _scores(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], vector: Vector, known: Candidates | None
) -> PassageScores:
    """The scores of the passages of each movie."""
    places = known.places(rows) if known is not None else None
    if known is not None and places is not None:
        return known.passages.take(places)
    return snapshot.passages.scores(rows, vector)
