"""Builds the map of a snapshot that is being written, from its files and the current map.

Positions and clusters come from ``movie_map.map_layout``. Clusters get their names at a full layout
and keep them until the next one, so that a change of one movie does not require reading the reviews
of all others again. A movie without reviews has no vector and is not on the map.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.embedder.movie_map.cluster_names import WordCount
from services.embedder.movie_map.map_layout import MapLayout, lay_out
from services.embedder.movie_map.placement import Positions
from shared.snapshot.files.atlas import (
    ATLAS,
    DECIMALS,
    UNPLACED,
    Atlas,
    Cluster,
    read_atlas,
    write_atlas,
)
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.files.index import VectorIndex
from shared.snapshot.storage.manifest import CATALOGUE_FILE, VECTORS_FILE
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file
from shared.telemetry import get_logger
from shared.text.languages import ENGLISH

_CELLS = 24

Names = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PreviousMap:
    """The map to stay close to, and the names of its clusters by number."""

    layout: MapLayout
    names: Names


def write_map(
    folder: Path,
    previous: PreviousMap | None,
    *,
    movies: int,
    dim: int,
    language: str = ENGLISH,
) -> None:
    """Build the map of a snapshot and write its file.

    Args:
        folder: The snapshot's folder, with all other files in it.
        previous: The map to stay close to, if there is one.
        movies: Number of movies.
        dim: Dimension of their vectors.
        language: The catalogue's language.
    """
    began = time.monotonic()
    # Copied, because the mapped vectors are not aligned.
    vectors = np.array(VectorIndex(folder / VECTORS_FILE, rows=movies, dim=dim).vectors())
    catalogue = Catalogue(folder / CATALOGUE_FILE)
    try:
        rows = [row for row, (_, count) in enumerate(catalogue.passage_ranges()) if count]
        ids = catalogue.movie_ids()
        previous_layout = previous.layout if previous is not None else None
        layout = lay_out([ids[row] for row in rows], vectors[rows], previous_layout)
        names = previous.names if previous is not None and not layout.is_full else {}
        if not set(layout.cluster.tolist()) <= set(names):
            names = _names(layout, catalogue, rows, language)
    finally:
        catalogue.close()
    write_atlas(folder / ATLAS, _of_all(with_cluster_names(layout, names), rows, movies))
    get_logger().debug(
        "map built", movies=movies, moved=layout.moved, took_s=round(time.monotonic() - began, 2)
    )


def _of_all(placed: Atlas, rows: Sequence[int], movies: int) -> Atlas:
    """Return the map with a line for every movie, of which those in ``rows`` have a place."""
    positions = np.full((movies, 2), np.nan, np.float32)
    cluster = np.full(movies, UNPLACED, np.uint8)
    positions[rows], cluster[rows] = placed.positions, placed.cluster
    return Atlas(positions, cluster, placed.clusters, placed.moved)


def _names(layout: MapLayout, catalogue: Catalogue, rows: Sequence[int], language: str) -> Names:
    words = WordCount(len(layout.movie_ids), language)
    sampled = words.sampled_rows
    for place, movie in zip(sampled, catalogue.movies([rows[n] for n in sampled]), strict=True):
        # Genres in lower case: with a capital letter they would count as proper names.
        facts = [" ".join(movie.genres).lower(), movie.description or ""]
        reviews = (review.text for review in catalogue.reviews_of(movie.row))
        words.add(place, [*facts, *reviews])
    return words.names(layout.cluster)


def with_cluster_names(layout: MapLayout, names: Names) -> Atlas:
    """Return the map as its file holds it, with the name, size and position of each cluster."""
    clusters = []
    for number in np.unique(layout.cluster).tolist():
        members = layout.positions[layout.cluster == number]
        x, y = _densest(members)
        clusters.append(Cluster(number=number, words=names[number], movies=len(members), x=x, y=y))
    return Atlas(layout.positions, layout.cluster, tuple(clusters), layout.moved)


def _densest(positions: Positions) -> tuple[float, float]:
    """Return the centre of a cluster's densest region; its mean may be inside another cluster."""
    cells = np.clip((positions + 1) / 2 * _CELLS, 0, _CELLS - 1).astype(np.int64)
    counts = np.zeros((_CELLS + 2, _CELLS + 2))
    np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1)
    # Sums over a cell and its eight neighbours; half the cell's count is added to centre the best.
    around = np.lib.stride_tricks.sliding_window_view(counts, (3, 3)).sum(axis=(2, 3))
    best = np.unravel_index(np.argmax(around + counts[1:-1, 1:-1] / 2), around.shape)
    near = np.abs(cells - best).max(axis=1) <= 1
    x, y = positions[near].mean(axis=0, dtype=np.float64).tolist()
    return round(x, DECIMALS), round(y, DECIMALS)


def previous_map(
    store: SnapshotStore,
    verified: VerificationCache | None = None,
    *,
    language: str | None = None,
) -> PreviousMap | None:
    """Read the map of the current snapshot, with its vectors; None if there is no usable map.

    Args:
        store: The snapshots.
        verified: Cache of the files that have been verified before.
        language: The language that clusters are to be named in; of a map that was made in another
            one, the names are left out. None to keep all names.
    """
    try:
        current = store.current()
        manifest = store.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        if ATLAS not in manifest.files:
            return None
        folder = store.folder(current.snapshot_id)
        for name in (ATLAS, VECTORS_FILE, CATALOGUE_FILE):
            verify_file(folder / name, manifest.files[name], verified=verified)
        movies, dim = manifest.counts.movies, manifest.encoder.dim
        atlas = read_atlas(folder / ATLAS, rows=movies)
        # Copied to align it, and because the snapshot may be deleted while the next is written.
        rows = atlas.placed
        vectors = np.array(VectorIndex(folder / VECTORS_FILE, rows=movies, dim=dim).vectors())[rows]
        catalogue = Catalogue(folder / CATALOGUE_FILE)
        try:
            all_ids = catalogue.movie_ids()
        finally:
            catalogue.close()
    except NoSnapshot:
        return None
    except SnapshotCorrupt as error:
        get_logger().warning("previous map unreadable, building a new map", error=str(error))
        return None
    ids = [all_ids[row] for row in rows.tolist()]
    layout = MapLayout(ids, vectors, atlas.positions[rows], atlas.cluster[rows], atlas.moved)
    clusters = () if language not in (None, manifest.language) else atlas.clusters
    return PreviousMap(layout, {cluster.number: cluster.words for cluster in clusters})
