"""The current snapshot as the files of the original project, so that its notebooks still work."""

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

    Row n of the embeddings (float32, unit rows, shape ``(movies, dim)``) is the film that the
    JSON file names under ``"n"``.

    Args:
        store: The snapshot store's folder.
        folder: Where to; made if absent.
        track: Wraps the list of batches, to show progress.

    Returns:
        What was written.

    Raises:
        shared.snapshot.storage.store.NoSnapshot, shared.snapshot.storage.verify.SnapshotCorrupt:
        nothing usable. OSError: the folder cannot be written.
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
    ids: dict[str, str] = {}
    with (
        pq.ParquetWriter(folder / "movies.parquet", _MOVIES) as movies,
        pq.ParquetWriter(folder / "reviews.parquet", _REVIEWS) as reviews,
    ):
        for batch in track(batches):
            found = snapshot.catalogue.movies(batch)
            ids.update({str(movie.row): movie.movie_id for movie in found})
            movies.write_table(pa.Table.from_pylist([_movie(m) for m in found], schema=_MOVIES))
            rows = [
                {
                    "movie": movie.title,
                    "user_review_permalink": review.url or review.review_id,
                    "user_review": review.text,
                    "movie_id": _title_path(movie),
                }
                for movie in found
                for review in snapshot.catalogue.reviews_of(movie.row)
            ]
            reviews.write_table(pa.Table.from_pylist(rows, schema=_REVIEWS))
    np.save(folder / "movie_embeddings.npy", snapshot.index.vectors())
    (folder / "embedding_idx_to_movie_id.json").write_bytes(orjson.dumps(ids))
    return snapshot.manifest.counts


def _movie(movie: CatalogueMovie) -> dict[str, str | None]:
    return {
        "movie_title": movie.title,
        "movie_id": _title_path(movie),
        "movie_desc": movie.description,
    }


def _title_path(movie: CatalogueMovie) -> str:
    """The original's form of an IMDb id; other ids stay as they are."""
    return f"/title/{movie.movie_id}/" if movie.movie_id.startswith("tt") else movie.movie_id
