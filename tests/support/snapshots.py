"""Small real snapshots: real files, the real commit protocol, vectors of any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.encoder import Encoder
from shared.passages import split
from shared.snapshot.catalogue import CatalogueMovie, CatalogueReview, CatalogueWriter
from shared.snapshot.commit import Draft, publish
from shared.snapshot.index import write_index
from shared.snapshot.manifest import CATALOGUE, PASSAGES, VECTORS, Counts, EncoderName, Manifest
from shared.snapshot.store import SnapshotStore


@dataclass(frozen=True)
class Film:
    """A movie for a snapshot, with the texts of its reviews."""

    movie_id: str
    reviews: Sequence[str]
    title: str | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    description: str | None = None
    rating: float | None = None
    url: str | None = None


BOXER = Film(
    "tt0075148",
    (
        "A boxer nobody believes in trains on cold streets. You cheer at the end.",
        "Sweat, stairs and a shy love story in Philadelphia. It lifts you up.",
    ),
    title="The Underdog",
    year=1976,
    genres=("Drama", "Sport"),
    directors=("J. Doe",),
    description="A small-time boxer gets one shot at the champion.",
    rating=8.1,
    url="https://films.example/tt0075148",
)
SPACE = Film(
    "tt0083658",
    ("Rain, neon and machines that dream. Slow and beautiful.", "Who is human? It never says."),
    title="Neon Rain",
    year=1982,
    genres=("Science Fiction",),
)
COMEDY = Film(
    "tt0107048",
    ("The same day again and again, and it gets funnier. A kind comedy.",),
    title="Once More",
    year=1993,
    genres=("Comedy",),
)
NAMELESS = Film("nm:1", ("A quiet walk along the sea.",))
FILMS = (BOXER, SPACE, COMEDY, NAMELESS)


@dataclass
class SnapshotBuilder:
    """Publishes snapshots into one store, numbered from 1."""

    store: SnapshotStore
    encoder: Encoder
    sequence: int = field(default=0)

    def publish(self, films: Sequence[Film] = FILMS, *, force: bool = True) -> Manifest:
        """Publish a snapshot of these films and make it current."""
        self.sequence += 1
        return publish(
            self.store,
            sequence=self.sequence,
            write=lambda folder: write_files(folder, films, self.encoder),
            force=force,
        )


def write_files(folder: Path, films: Sequence[Film], encoder: Encoder) -> Draft:
    """Write all files of a snapshot, as the embedder would."""
    spec = encoder.spec
    vectors = np.empty((len(films), spec.dim), np.float32)
    passages: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    first_passage = review_row = 0
    with CatalogueWriter(folder / CATALOGUE) as catalogue:
        for row, film in enumerate(films):
            spans = split(film.reviews, encoder.count_tokens, spec.passage_tokens)
            texts = [
                text[slice(*span)]
                for text, own in zip(film.reviews, spans, strict=True)
                for span in own
            ]
            matrix = encoder.encode_passages(texts)
            pooled = matrix.mean(axis=0)
            vectors[row] = pooled / np.linalg.norm(pooled)
            passages.append(matrix)
            catalogue.add_movie(
                CatalogueMovie(
                    row=row,
                    movie_id=film.movie_id,
                    title=film.title,
                    year=film.year,
                    genres=film.genres,
                    directors=film.directors,
                    description=film.description,
                    rating=film.rating,
                    url=film.url,
                    review_count=len(film.reviews),
                    passage_start=first_passage,
                    passage_count=len(texts),
                )
            )
            for number, (text, own) in enumerate(zip(film.reviews, spans, strict=True), 1):
                catalogue.add_review(
                    CatalogueReview(
                        row=review_row,
                        review_id=f"{film.movie_id}-{number}",
                        movie=row,
                        text=text,
                        rating=float(number),
                        title=None,
                        author="A. Viewer",
                        published="2020-01-31",
                        url=f"{film.url}#review-{number}" if film.url else None,
                        language="en",
                    )
                )
                catalogue.add_passages(
                    (first_passage + n, review_row, span.start, span.end)
                    for n, span in enumerate(own)
                )
                first_passage += len(own)
                review_row += 1
    np.save(folder / PASSAGES, np.concatenate(passages).astype(np.float16))
    write_index(folder / VECTORS, vectors)
    return Draft(
        counts=Counts(movies=len(films), reviews=review_row, passages=first_passage),
        encoder=EncoderName(
            encoder_id=spec.encoder_id,
            model=spec.model,
            dim=spec.dim,
            passage_precision="f32",
        ),
    )
