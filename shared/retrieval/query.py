"""The query that a searcher takes, and the page of movies that it returns.

A text becomes a page in three steps::

    query = searcher.interpreted(SearchQuery(text="something like Amélie but sadder"))
    query = query.with_vectors(encoder.encode_queries(query.texts()))
    page = searcher.search(query)

Objects that a page has many of are named tuples: a frozen dataclass takes four times as long to
create.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.retrieval.filters import EVERYTHING, MovieFilter
from shared.retrieval.interpretation.parts import Correction, Interpretation
from shared.retrieval.moods.mood_phrases import NO_TONES, Weights
from shared.retrieval.moods.mood_reader import Mood, read_mood, tones_of
from shared.retrieval.moods.tones import TONES
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage

Mode = Literal["hybrid", "semantic", "lexical"]
Spoilers = Literal["hide", "show"]
EvidenceKind = Literal["review", "description"]
Vector = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

WISH = "a good movie"
"""Chooses the evidence of a search that has nothing to compare passages with."""


class UnknownMovie(LookupError):
    """Raised by a searcher for a movie id that the snapshot does not have."""

    def __init__(self, movie_id: str) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search. Vectors are unit vectors of shape ``(dim,)``.

    Attributes:
        k: How many movies the page has.
        offset: How many movies precede the page.
        evidence: Passages per movie that say why it matches; 0 for none.
        spoilers: Whether passages of reviews that are marked as spoilers may be evidence.
        mode: How movies are scored.
        text: The description as it was typed; None when there is none.
        vector: The vector of ``searched_text``.
        avoid: A description of what movies should not be like.
        avoid_vector: The vector of ``avoided_text``.
        like: Ids of movies that the results should be like.
        unlike: Ids of movies that the results should not be like.
        exclude: Ids of movies that are left out, without any other effect; unknown ids have none.
        titles: Ids of the movies that the text names, which come first; None for those that it is
            found to name.
        filters: What the movies must be.
        min_fit: The least fit of a hit, from 0 to 1. Above 0, only candidates are hits: the movies
            that are scored together, not those that follow in the order of their vectors.
        interpretation: What ``text`` was understood to mean, without the parts that the search
            states itself; None when it is searched as it was typed.
        is_interpreted: Whether ``text`` was interpreted, so that without an ``interpretation`` it
            names no title.
        tone_vectors: The vectors of the sentences of the tones that the texts ask for, by tone.
        diversity: How much neighbours in the ranking differ, from 0 to 1.
        passages: Whether ``hybrid`` scores passages; otherwise its dense part is the cosine of the
            pooled vector alone (an ablation).
    """

    k: int = 10
    offset: int = 0
    evidence: int = 1
    spoilers: Spoilers = "hide"
    mode: Mode = "hybrid"
    text: str | None = None
    vector: Vector | None = None
    avoid: str | None = None
    avoid_vector: Vector | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    titles: tuple[str, ...] | None = None
    filters: MovieFilter = EVERYTHING
    min_fit: float = 0.0
    interpretation: Interpretation | None = None
    is_interpreted: bool = False
    tone_vectors: Mapping[str, Vector] = field(default_factory=dict)
    diversity: float = 0.0
    passages: bool = True

    @property
    def searched_text(self) -> str | None:
        """The text to search by meaning and by words; None when there is none."""
        return self.text if self.interpretation is None else self.interpretation.text or None

    @property
    def avoided_text(self) -> str | None:
        """What the movies should not be like: as the search states it, or as its text does."""
        if self.avoid is not None or self.interpretation is None:
            return self.avoid
        return self.interpretation.avoid

    @property
    def mood(self) -> Mood | None:
        """What ``searched_text`` asks for where it names no topic; None for any other text."""
        text = self.searched_text
        return read_mood(text) if text is not None else None

    @property
    def avoided_tones(self) -> Weights:
        """The tones that ``avoided_text`` names."""
        text = self.avoided_text
        return tones_of(text) if text is not None else NO_TONES

    def texts(self) -> list[str]:
        """The texts to encode, for ``with_vectors``."""
        texts = [text for text in self._encoded() if text is not None]
        return [*texts, *(TONES[tone].sentence for tone in self._tones())]

    def with_vectors(self, vectors: npt.NDArray[np.float32]) -> SearchQuery:
        """The query with the vectors of its texts.

        Args:
            vectors: The unit vectors of ``texts()``, shape ``(len(texts()), dim)``.
        """
        rows = iter(vectors)
        vector, avoid_vector = (
            next(rows) if text is not None else None for text in self._encoded()
        )
        tone_vectors = dict(zip(self._tones(), rows, strict=True))
        return replace(self, vector=vector, avoid_vector=avoid_vector, tone_vectors=tone_vectors)

    def _tones(self) -> list[str]:
        """The tones that are searched, each once."""
        if self.mode != "hybrid":
            return []
        mood = self.mood
        of_mood = (mood.sought, mood.shunned) if mood is not None else ()
        return list(dict.fromkeys(chain(*of_mood, self.avoided_tones)))

    def _encoded(self) -> tuple[str | None, str | None]:
        # BM25 needs no vector, but the fit does, and the evidence is chosen with one.
        text = self.searched_text
        if text is None and not self.likes and self.evidence:
            text = WISH
        return text, self.avoided_text if self.mode == "hybrid" else None

    @property
    def likes(self) -> bool:
        """Whether the results should be like some movies."""
        return bool(self.like or (self.interpretation and self.interpretation.like))


class EvidencePassage(NamedTuple):
    """A passage that says why a movie matches.

    Attributes:
        passage: The passage; of no review where it is of the movie's description.
        score: Its cosine with the query; of a description the share of the query's words it has.
        kind: What it is a passage of.
        marks: The words of the query in it, as spans ``(start, end)`` of characters.
    """

    passage: CataloguePassage
    score: float
    kind: EvidenceKind = "review"
    marks: tuple[tuple[int, int], ...] = ()


class ScoreBreakdown(NamedTuple):
    """The parts of a movie's score; None for parts that were not computed."""

    semantic: float | None = None
    passages: float | None = None
    lexical: float | None = None
    avoided: float | None = None


class RankedMovie(NamedTuple):
    """A movie of a ranking; ranks count from 1 over all pages.

    ``fit`` is the share of such hits that a person would accept (``shared.retrieval.fit``).
    """

    rank: int
    score: float
    fit: float
    movie: CatalogueMovie
    evidence: tuple[EvidencePassage, ...]
    parts: ScoreBreakdown = ScoreBreakdown()


@dataclass(frozen=True, slots=True)
class Understood:
    """How a text was understood and searched: an ``Interpretation`` with ids instead of rows.

    Attributes:
        text: What was searched by meaning and by words; may be empty.
        corrections: Words that were corrected.
        filters: The constraints that were kept.
        avoid: What the movies should not be about; None for nothing.
        like: Ids of movies that the results should be like.
        titles: Ids of movies that the text names, best first.
        relaxed: The kinds of constraints that no movie met, and that were dropped.
    """

    text: str
    corrections: tuple[Correction, ...]
    filters: MovieFilter
    avoid: str | None
    like: tuple[str, ...]
    titles: tuple[str, ...]
    relaxed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of a ranking of ``matched`` movies.

    Attributes:
        matched: How many movies the ranking has.
        hits: The movies of the page.
        understood: What was read in the text; None for a text that is searched as it was typed.
        language: The language that the text is surely in, if it is not the catalogue's.
    """

    matched: int
    hits: tuple[RankedMovie, ...]
    understood: Understood | None = None
    language: str | None = None
