"""Small real snapshots: real files, the real commit protocol, vectors of any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.embedder.publishing.map_build import PreviousMap, previous_map, write_map
from services.embedder.publishing.pooling import pool
from shared.encoder import Encoder
from shared.record import MovieRecord
from shared.snapshot.commit import Draft, publish
from shared.snapshot.storage.manifest import EncoderName, Manifest
from shared.snapshot.storage.poster_files import PosterFiles
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.writer import EncodedReview, SnapshotWriter
from shared.text.passages import split


@dataclass(frozen=True)
class SampleMovie:
    """A movie for a snapshot, with the texts of its reviews.

    Attributes:
        ratings: The ratings of the reviews; of those beyond, their number from 1.
        spoilers: The numbers of the reviews, from 1, that are marked as spoilers.
        poster: Its picture, as WebP.
    """

    movie_id: str
    reviews: Sequence[str]
    title: str | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    description: str | None = None
    rating: float | None = None
    url: str | None = None
    people: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    runtime_minutes: int | None = None
    votes: int | None = None
    ratings: tuple[float | None, ...] = ()
    spoilers: frozenset[int] = frozenset()
    poster: bytes | None = None


BOXER = SampleMovie(
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
SPACE = SampleMovie(
    "tt0083658",
    ("Rain, neon and machines that dream. Slow and beautiful.", "Who is human? It never says."),
    title="Neon Rain",
    year=1982,
    genres=("Science Fiction",),
)
COMEDY = SampleMovie(
    "tt0107048",
    ("The same day again and again, and it gets funnier. A kind comedy.",),
    title="Once More",
    year=1993,
    genres=("Comedy",),
)
NAMELESS = SampleMovie("nm:1", ("A quiet walk along the sea.",))
MOVIES = (BOXER, SPACE, COMEDY, NAMELESS)


@dataclass
class SnapshotBuilder:
    """Publishes snapshots into one store, numbered from 1."""

    store: SnapshotStore
    encoder: Encoder
    sequence: int = field(default=0)

    def publish(
        self, movies: Sequence[SampleMovie] = MOVIES, *, force: bool = True, mapped: bool = True
    ) -> Manifest:
        """Publish a snapshot of these movies and make it current."""
        previous = previous_map(self.store)
        self.sequence += 1
        return publish(
            self.store,
            sequence=self.sequence,
            write=lambda folder: write_files(folder, movies, self.encoder, previous, mapped=mapped),
            force=force,
        )


def write_files(
    folder: Path,
    movies: Sequence[SampleMovie],
    encoder: Encoder,
    previous: PreviousMap | None = None,
    *,
    mapped: bool = False,
) -> Draft:
    """Write all files of a snapshot, as the embedder does; the map only when ``mapped``."""
    spec = encoder.spec
    spans = [split(movie.reviews, encoder.count_tokens, spec.passage_tokens) for movie in movies]
    passages = sum(len(review_spans) for movie_spans in spans for review_spans in movie_spans)
    with SnapshotWriter(folder, dim=spec.dim, passages=passages) as writer:
        for movie, movie_spans in zip(movies, spans, strict=True):
            reviews = [
                EncodedReview(
                    review_id=f"{movie.movie_id}-{number}",
                    text=text,
                    spans=review_spans,
                    vectors=encoder.encode_passages([text[slice(*span)] for span in review_spans]),
                    rating=movie.ratings[number - 1]
                    if number <= len(movie.ratings)
                    else float(number),
                    spoiler=True if number in movie.spoilers else None,
                    author="A. Viewer",
                    published="2020-01-31",
                    url=f"{movie.url}#review-{number}" if movie.url else None,
                    language="en",
                )
                for number, (text, review_spans) in enumerate(
                    zip(movie.reviews, movie_spans, strict=True), 1
                )
            ]
            vector = np.zeros(spec.dim, np.float32)
            if reviews:
                pooled = pool(np.concatenate([review.vectors for review in reviews]))
                assert pooled is not None
                vector = pooled
            facts = MovieRecord(
                movie_id=movie.movie_id,
                title=movie.title,
                year=movie.year,
                genres=movie.genres,
                directors=movie.directors,
                description=movie.description,
                rating=movie.rating,
                url=movie.url,
                people=movie.people,
                countries=movie.countries,
                languages=movie.languages,
                runtime_minutes=movie.runtime_minutes,
                votes=movie.votes,
            )
            poster = PosterFiles(folder.parent).put(movie.poster) if movie.poster else None
            writer.add(facts, reviews, vector, poster)
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
