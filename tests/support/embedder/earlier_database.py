"""A database as an earlier version wrote it: plain ids, and what sources tell stored together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from services.embedder.database import models
from services.embedder.database.review_store import content_sha256
from shared.record import MOVIE_FIELDS, REVIEW_FACTS, MovieRecord, ReviewRecord

ADDED_SINCE = {
    "told_facts",
    "former_movie_ids",
    "upgrade_steps",
    "posters",
    "other_reviews",
    "withheld_items",
}
ENCODER = "encoder"
_TABLES = SQLModel.metadata.tables


@dataclass(frozen=True)
class EarlierReview:
    """A review as it was stored; without vectors it is on the work list."""

    review_id: str
    movie_id: str
    source: str
    text: str
    also_in: Sequence[str] = ()
    is_encoded: bool = True


@dataclass(frozen=True)
class EarlierMovie:
    """A movie as it was stored: ``source`` told last, ``sources`` have it."""

    movie_id: str
    sources: Sequence[str]
    source: str
    facts: Mapping[str, Any]


def build_earlier_database(
    url: str, movies: Sequence[EarlierMovie], reviews: Sequence[EarlierReview]
) -> None:
    """Write the tables and rows of the version before, without the embedder's code."""
    assert models.MOVIES.name == "movies"
    plain = create_engine(url)
    with plain.begin() as connection:
        SQLModel.metadata.create_all(
            connection,
            tables=[table for name, table in _TABLES.items() if name not in ADDED_SINCE],
        )
        connection.execute(_TABLES["revision"].insert().values(only=1, value=7))
        for movie in movies:
            connection.execute(_TABLES["movies"].insert().values(**_movie_row(movie)))
            _claim(connection, f"movie/{movie.movie_id}", movie.sources)
        for review in reviews:
            row = _review_row(review)
            connection.execute(_TABLES["reviews"].insert().values(**row))
            _claim(connection, f"review/{review.review_id}", (review.source, *review.also_in))
            if review.is_encoded:
                connection.execute(
                    _TABLES["review_vectors"]
                    .insert()
                    .values(
                        review_id=review.review_id,
                        encoder_id=ENCODER,
                        text_sha256=row["text_sha256"],
                        passages=1,
                        spans=np.array([[0, 4]], dtype="<i4").tobytes(),
                        vectors=np.ones((1, 2), dtype="<f2").tobytes(),
                    )
                )
            else:
                connection.execute(
                    _TABLES["unencoded_reviews"]
                    .insert()
                    .values(review_id=review.review_id, movie_id=review.movie_id)
                )
    plain.dispose()


def _movie_row(movie: EarlierMovie) -> dict[str, Any]:
    record = MovieRecord(movie.movie_id, **movie.facts)
    facts = {field.name: getattr(record, field.name) for field in MOVIE_FIELDS}
    lists = {name: list(value) for name, value in facts.items() if isinstance(value, tuple)}
    return {**facts, **lists, "source": movie.source, "fetched_at": 1000.0, "revision": 5}


def _review_row(review: EarlierReview) -> dict[str, Any]:
    record = ReviewRecord(review_id=review.review_id, movie_id=review.movie_id, text=review.text)
    return {
        "review_id": review.review_id,
        "movie_id": review.movie_id,
        "text": review.text,
        **{field.name: getattr(record, field.name) for field in REVIEW_FACTS},
        "source": review.source,
        "content_sha256": content_sha256(record),
        "text_sha256": hashlib.sha256(review.text.encode()).hexdigest(),
        "fetched_at": 1000.0,
    }


def _claim(connection: Any, item: str, sources: Sequence[str]) -> None:
    for source in sources:
        connection.execute(
            _TABLES["source_items"].insert().values(source=source, item=item, added_by="run-0")
        )
