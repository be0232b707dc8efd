"""Small real snapshots: real files, the real commit protocol, vectors of any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.embedder.publishing.map_build import PreviousMap, previous_map, write_map
from services.embedder.publishing.pooling import pool
from shared.encoder import Encoder
from shared.snapshot.commit import Draft, publish
from shared.snapshot.storage.manifest import EncoderName, Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.writer import EncodedReview, MovieFacts, SnapshotWriter
from shared.text.passages import split


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

    def publish(
        self, films: Sequence[Film] = FILMS, *, force: bool = True, mapped: bool = True
    ) -> Manifest:
        """Publish a snapshot of these films and make it current."""
        previous = previous_map(self.store)
        self.sequence += 1
        return publish(
            self.store,
            sequence=self.sequence,
            write=lambda folder: write_files(folder, films, self.encoder, previous, mapped=mapped),
            force=force,
        )


def write_files(
    folder: Path,
    films: Sequence[Film],
    encoder: Encoder,
    previous: PreviousMap | None = None,
    *,
    mapped: bool = False,
) -> Draft:
    """Write all files of a snapshot, as the embedder would; the map only if it is wanted."""
    spec = encoder.spec
    spans = [split(film.reviews, encoder.count_tokens, spec.passage_tokens) for film in films]
    passages = sum(len(own) for found in spans for own in found)
    with SnapshotWriter(folder, dim=spec.dim, passages=passages) as writer:
        for film, found in zip(films, spans, strict=True):
            reviews = [
                EncodedReview(
                    review_id=f"{film.movie_id}-{number}",
                    text=text,
                    spans=own,
                    vectors=encoder.encode_passages([text[slice(*span)] for span in own]),
                    rating=float(number),
                    author="A. Viewer",
                    published="2020-01-31",
                    url=f"{film.url}#review-{number}" if film.url else None,
                    language="en",
                )
                for number, (text, own) in enumerate(zip(film.reviews, found, strict=True), 1)
            ]
            vector = pool(np.concatenate([review.vectors for review in reviews]))
            assert vector is not None
            facts = MovieFacts(
                movie_id=film.movie_id,
                title=film.title,
                year=film.year,
                genres=film.genres,
                directors=film.directors,
                description=film.description,
                rating=film.rating,
                url=film.url,
            )
            writer.add(facts, reviews, vector)
    if mapped:
        write_map(folder, previous, movies=writer.counts.movies, dim=spec.dim)
    return Draft(
        counts=writer.counts,
        encoder=EncoderName(
            encoder_id=spec.encoder_id,
            model=spec.model,
            dim=spec.dim,
            passage_precision="f32",
        ),
    )
