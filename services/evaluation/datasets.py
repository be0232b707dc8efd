"""The collections that ``make evaluate`` measures, as sources of the real pipeline.

They are other people's texts, so they are beside the checkout (``../shared/data``) and never in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.evaluation.snapshot_build import ensure_snapshot
from shared.snapshot.storage.store import SnapshotStore


@dataclass(frozen=True)
class Collection:
    """A collection of reviews, and the judged queries and floors for it.

    Attributes:
        name: Its folder below the data folder, and the name of the source.
        reviews_per_movie: Reviews kept for each movie; 0 keeps all.
        query_sets: Folders below ``queries``.
        floors: Minimum values in the form that ``shared.evaluation.floors`` parses.
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
    """The store with a collection's snapshot, which is built unless it is up to date.

    Args:
        collection: The collection to build.
        data: The folder of all collections.
        work: The folder of the stores; it is kept from one evaluation to the next.
        say: Prints a line of progress.

    Raises:
        services.evaluation.snapshot_build.BuildFailed: the snapshot cannot be built.
        OSError: a file cannot be read or written.
    """
    folder = work / collection.name
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: data / collection.name / f"{name}.parquet" for name in ("movies", "reviews")}
    if collection.titled_only:
        files = _titled(files, folder)
    sources = folder / "sources.toml"
    sources.write_text(
        f'[sources.{collection.name}]\nspider = "dataset"\n'
        f'movies = "{files["movies"].absolute()}"\nreviews = "{files["reviews"].absolute()}"\n'
        f"reviews_per_movie = {collection.reviews_per_movie}\n"
    )
    return ensure_snapshot(
        folder / "data", sources=sources, source=collection.name, files=files.values(), say=say
    )


def _titled(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Write the movies that have a title, and their reviews; returns the new files."""
    movies = pq.read_table(files["movies"])
    movies = movies.filter(pc.is_valid(movies["title"]))
    reviews = pq.read_table(files["reviews"])
    reviews = reviews.filter(pc.is_in(reviews["movie_id"], value_set=movies["movie_id"]))
    written = {}
    for name, table in (("movies", movies), ("reviews", reviews)):
        written[name] = folder / f"{name}.parquet"
        pq.write_table(table, written[name])
    return written
