"""Writes the files of a snapshot movie by movie; ``shared.snapshot.commit`` makes them durable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.record import MOVIE_FIELDS, REVIEW_FACTS, MovieRecord, ReviewFacts
from shared.snapshot.files.catalogue import CatalogueMovie, CatalogueReview, CatalogueWriter
from shared.snapshot.files.index import write_index
from shared.snapshot.files.lexical import LexicalWriter
from shared.snapshot.files.passage_vectors import quantise
from shared.snapshot.files.term_counts import TermCountsWriter
from shared.snapshot.storage.manifest import (
    CATALOGUE_FILE,
    LEXICAL_FOLDER,
    PASSAGE_SCALES_FILE,
    PASSAGES_FILE,
    VECTORS_FILE,
    Counts,
)
from shared.text.languages import ENGLISH
from shared.text.passages import Span
from shared.text.phrases import phrases

FACTS_WEIGHT = 3
"""How often a movie's facts count in its lexical document; its reviews count once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedReview(ReviewFacts):
    """A review with its passages.

    Attributes:
        review_id: The review.
        text: Its whole text.
        spans: Where its passages begin and end in ``text``.
        vectors: The vectors of its passages, shape ``(n, dim)``.
    """

    review_id: str
    text: str
    spans: Sequence[Span]
    vectors: npt.NDArray[np.floating]


class SnapshotWriter:
    """Writes all files of a snapshot into a folder; use as a context manager.

    Args:
        folder: An empty folder.
        dim: The number of dimensions of the vectors.
        passages: The maximal number of passages.
        language: The catalogue's language, by which terms are made.
    """

    def __init__(self, folder: Path, *, dim: int, passages: int, language: str = ENGLISH) -> None:
        self._folder = folder
        self._language = language
        self._whole = folder / f"{PASSAGES_FILE}.all"
        with ExitStack() as parts:  # a disk that fails at the last part leaves none open
            self._catalogue = parts.enter_context(CatalogueWriter(folder / CATALOGUE_FILE))
            self._lexical = parts.enter_context(LexicalWriter(folder / LEXICAL_FOLDER))
            self._term_counts = parts.enter_context(TermCountsWriter(folder))
            self._codes = np.lib.format.open_memmap(
                self._whole, mode="w+", dtype=np.uint8, shape=(passages, dim)
            )
            self._parts = parts.pop_all()
        self._scales = np.zeros(passages, np.float32)
        self._pooled: list[npt.NDArray[np.float32]] = []
        self._reviews = 0
        self._passages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parts.__exit__(kind, error, trace)
        if kind is not None:
            return
        self._codes.flush()
        if self._passages == len(self._codes):
            self._whole.rename(self._folder / PASSAGES_FILE)
        else:  # movies were skipped
            np.save(self._folder / PASSAGES_FILE, self._codes[: self._passages])
            self._whole.unlink()
        np.save(self._folder / PASSAGE_SCALES_FILE, self._scales[: self._passages])
        pooled = np.stack(self._pooled) if self._pooled else np.empty((0, self._codes.shape[1]))
        write_index(self._folder / VECTORS_FILE, pooled.astype(np.float32))

    @property
    def counts(self) -> Counts:
        """How much has been written."""
        return Counts(movies=len(self._pooled), reviews=self._reviews, passages=self._passages)

    def add(
        self,
        facts: MovieRecord,
        reviews: Sequence[EncodedReview],
        vector: npt.NDArray[np.float32],
        poster: str | None = None,
    ) -> None:
        """Write a movie with its reviews.

        Args:
            facts: The movie.
            reviews: The movie's reviews with their passages; none if only facts are known.
            vector: Its pooled unit vector, shape ``(dim,)``; zeros without reviews.
            poster: The sha256 of its poster; None without one.
        """
        row, first = len(self._pooled), self._passages
        self._passages += write_movie(
            self._catalogue,
            row,
            facts,
            reviews,
            first_review=self._reviews,
            first_passage=first,
            poster=poster,
        )
        self._reviews += len(reviews)
        rows = slice(first, self._passages)
        self._codes[rows], self._scales[rows] = quantise(
            passage_vectors(reviews, self._codes.shape[1])
        )
        texts = (review.text for review in reviews)
        document = lexical_phrases(facts, texts, language=self._language)
        self._lexical.add(row, chain.from_iterable(document))
        self._term_counts.add(document)
        self._pooled.append(vector)

    def add_former_ids(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Write ids that movies had before, as ``(former id, movie id)``."""
        self._catalogue.add_former_ids(pairs)


def passage_vectors(reviews: Sequence[EncodedReview], dim: int) -> npt.NDArray[np.floating]:
    """The vectors of all passages of a movie's reviews, shape ``(n, dim)``."""
    if not reviews:
        return np.empty((0, dim), np.float32)
    return np.concatenate([review.vectors for review in reviews])


def lexical_phrases(
    facts: MovieRecord,
    reviews: Iterable[str],
    *,
    leave_out_description: bool = False,
    language: str = ENGLISH,
) -> list[list[str]]:
    """The terms of a movie's document in the lexical index: its reviews', and its facts' thrice.

    One document: facts in a field of their own rank worse (``docs/decisions/0048-terms.md``).

    Args:
        facts: The movie.
        reviews: The texts of its reviews.
        leave_out_description: Leave out the description, to evaluate queries that are descriptions.
        language: The catalogue's language.
    """
    said = [phrase for text in reviews for phrase in phrases(text, language)]
    fact_texts = _fact_texts(facts, leave_out_description)
    known = [phrase for text in fact_texts for phrase in phrases(text, language)]
    return said + known * FACTS_WEIGHT


def _fact_texts(facts: MovieRecord, leave_out_description: bool) -> Iterator[str]:
    """The texts and names that are known of a movie, and the words for its year."""
    for text in (facts.title, facts.original_title):
        yield text or ""
    for names in (facts.directors, facts.people, facts.genres, facts.keywords):
        yield from names
    if facts.year is not None:
        decade = facts.year // 10 * 10
        yield f"{facts.year} {decade}s {decade % 100:02}s"
    if facts.description is not None and not leave_out_description:
        yield facts.description


def write_movie(
    catalogue: CatalogueWriter,
    row: int,
    facts: MovieRecord,
    reviews: Sequence[EncodedReview],
    *,
    first_review: int,
    first_passage: int,
    poster: str | None = None,
) -> int:
    """Write a movie, its reviews and its passages into the catalogue.

    Args:
        catalogue: Where they are written.
        row: The row of the movie.
        facts: The movie.
        reviews: The movie's reviews with their passages.
        first_review: The row of the first review; the others follow it.
        first_passage: The row of the first passage; the others follow it.
        poster: The sha256 of the movie's poster; None without one.

    Returns:
        How many passages were written.
    """
    passage = first_passage
    for number, review in enumerate(reviews, first_review):
        catalogue.add_review(catalogue_review(number, row, review))
        catalogue.add_passages(
            (passage + n, number, start, end) for n, (start, end) in enumerate(review.spans)
        )
        passage += len(review.spans)
    count = passage - first_passage
    catalogue.add_movie(
        catalogue_movie(
            row, facts, reviews=len(reviews), start=first_passage, count=count, poster=poster
        )
    )
    return count


def catalogue_movie(
    row: int,
    facts: MovieRecord,
    *,
    reviews: int,
    start: int,
    count: int,
    poster: str | None = None,
) -> CatalogueMovie:
    """The row of a movie.

    Args:
        row: Its number.
        facts: The movie.
        reviews: How many reviews it has.
        start: The row of its first passage.
        count: How many passages it has.
        poster: The sha256 of its poster; None without one.
    """
    return CatalogueMovie(
        **{field.name: getattr(facts, field.name) for field in MOVIE_FIELDS},
        row=row,
        review_count=reviews,
        passage_start=start,
        passage_count=count,
        poster=poster,
    )


def catalogue_review(row: int, movie: int, review: EncodedReview) -> CatalogueReview:
    """The row of a review; ``movie`` is the row of its movie."""
    return CatalogueReview(
        **{field.name: getattr(review, field.name) for field in REVIEW_FACTS},
        row=row,
        review_id=review.review_id,
        movie=movie,
        text=review.text,
    )
