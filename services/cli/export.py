"""Export of the current snapshot as files of the original project, for its notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from shared.snapshot.files.catalogue import CatalogueMovie
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.manifest import Counts
from shared.snapshot.storage.store import SnapshotStore

BATCH_MOVIES = 500

_MOVIES = pa.schema(
    [("movie_title", pa.string()), ("movie_id", pa.string()), ("movie_desc", pa.string())]
)
_REVIEWS = pa.schema(
    [
        ("movie", pa.string()),
        ("user_review_permalink", pa.string()),
        ("user_review", pa.string()),
        ("movie_id", pa.string()),
    ]
)


def export_snapshot(
    store: Path,
    folder: Path,
    *,
    track: Callable[[list[range]], Iterable[range]] = lambda batches: batches,
) -> Counts:
    """Write ``movies.parquet``, ``reviews.parquet``, ``movie_embeddings.npy`` and
    ``embedding_idx_to_movie_id.json``.

    Row n of the embeddings (float32, unit rows, shape ``(n, dim)``) is the movie that the JSON file
    names under ``"n"``. Movies without reviews have no embedding; ``movies.parquet`` has them, too.

    Args:
        store: The snapshot store's folder.
        folder: The folder to write to; it is created if missing.
        track: Wraps the list of batches to show progress.

    Returns:
        How many movies, reviews and passages the snapshot has.

    Raises:
        shared.snapshot.storage.store.NoSnapshot: the store has no current snapshot.
        shared.snapshot.storage.verify.SnapshotCorrupt: the current snapshot cannot be opened.
        OSError: the folder cannot be written.
    """  # noqa: D205 - the names do not fit one line
    snapshots = SnapshotStore(store)
    current = snapshots.current()
    snapshot = open_snapshot(
        snapshots, current.snapshot_id, manifest_sha256=current.manifest_sha256
    )
    folder.mkdir(parents=True, exist_ok=True)
    total = snapshot.manifest.counts.movies
    batches = [
        range(start, min(start + BATCH_MOVIES, total)) for start in range(0, total, BATCH_MOVIES)
    ]
    with (
        pq.ParquetWriter(folder / "movies.parquet", _MOVIES) as movies,
        pq.ParquetWriter(folder / "reviews.parquet", _REVIEWS) as reviews,
    ):
        for batch in track(batches):
            batch_movies = snapshot.catalogue.movies(batch)
            movie_rows = [_movie_row(movie) for movie in batch_movies]
            movies.write_table(pa.Table.from_pylist(movie_rows, schema=_MOVIES))
            review_rows = [
                {
                    "movie": movie.title,
                    "user_review_permalink": review.url or review.review_id,
                    "user_review": review.text,
                    "movie_id": _title_path(movie),
                }
                for movie in batch_movies
                for review in snapshot.catalogue.reviews_of(movie.row)
            ]
            reviews.write_table(pa.Table.from_pylist(review_rows, schema=_REVIEWS))
    reviewed = np.flatnonzero(snapshot.reviewed)
    movie_ids = snapshot.catalogue.movie_ids()
    ids = {str(n): movie_ids[row] for n, row in enumerate(reviewed.tolist())}
    np.save(folder / "movie_embeddings.npy", snapshot.index.vectors()[reviewed])
    (folder / "embedding_idx_to_movie_id.json").write_bytes(orjson.dumps(ids))
    return snapshot.manifest.counts


def _movie_row(movie: CatalogueMovie) -> dict[str, str | None]:
    return {
        "movie_title": movie.title,
        "movie_id": _title_path(movie),
        "movie_desc": movie.description,
    }


def _title_path(movie: CatalogueMovie) -> str:
    """The original project's form of an IMDb id; other ids stay as they are."""
    return f"/title/{movie.movie_id}/" if movie.movie_id.startswith("tt") else movie.movie_id
