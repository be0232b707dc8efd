"""The collections that ``make evaluate`` is about, as sources of the real pipeline.

They are other people's texts and lie beside the checkout, never in it (``../shared/data``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.evaluation.pipeline import ensure_snapshot
from shared.snapshot.storage.store import SnapshotStore


@dataclass(frozen=True)
class Collection:
    """A collection of reviews, and what is asked of the ranking over it.

    Attributes:
        query_sets: Folders below ``queries``.
        floors: As ``shared.evaluation.floors`` reads them.
        titled_only: Whether movies without a title, and their reviews, are left out.
    """

    name: str
    reviews_per_movie: int
    query_sets: tuple[str, ...]
    floors: tuple[str, ...] = ()
    titled_only: bool = False


SMALL = Collection(
    "imdb500",
    reviews_per_movie=5,
    query_sets=("imdb500-plot", "imdb500-mood", "imdb500-people", "imdb500-avoid"),
    floors=(
        "plot:MRR@10>=0.80", "plot:R@10>=0.92", "mood:nDCG@10>=0.66", "people:nDCG@10>=0.95",
        "avoid:nDCG@10>=0.50", "avoid:violations@10<=1.5",
    ),
)  # fmt: skip
LARGE = Collection("imdb75k", reviews_per_movie=0, query_sets=("imdb75k-plot",), titled_only=True)


def snapshot_of(
    collection: Collection, *, data: Path, work: Path, say: Callable[[str], None]
) -> SnapshotStore:
    """The collection's snapshot, in a store below ``work``; built unless it is up to date.

    Args:
        collection: Of ``data``.
        data: The folder of all collections.
        work: Kept from one evaluation to the next.
        say: Takes a line of progress.

    Raises:
        services.evaluation.pipeline.BuildFailed: it cannot be built.
        OSError: a file cannot be read or written.
    """
    folder = work / collection.name
    folder.mkdir(parents=True, exist_ok=True)
    read = {name: data / collection.name / f"{name}.parquet" for name in ("movies", "reviews")}
    if collection.titled_only:
        read = _titled(read, folder)
    sources = folder / "sources.toml"
    sources.write_text(
        f'[sources.{collection.name}]\nspider = "dataset"\n'
        f'movies = "{read["movies"].absolute()}"\nreviews = "{read["reviews"].absolute()}"\n'
        f"reviews_per_movie = {collection.reviews_per_movie}\n"
    )
    return ensure_snapshot(
        folder / "data", sources=sources, source=collection.name, files=read.values(), say=say
    )


def _titled(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Files of the movies that have a title, and of their reviews."""
    movies = pq.read_table(files["movies"])
    movies = movies.filter(pc.is_valid(movies["title"]))
    reviews = pq.read_table(files["reviews"])
    reviews = reviews.filter(pc.is_in(reviews["movie_id"], value_set=movies["movie_id"]))
    written = {}
    for name, table in (("movies", movies), ("reviews", reviews)):
        written[name] = folder / f"{name}.parquet"
        pq.write_table(table, written[name])
    return written
