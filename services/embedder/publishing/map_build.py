"""The map of a snapshot that is being written: from its files, and from the current snapshot's.

Positions and clusters are ``atlas``'s. Names of clusters are made with the clusters, at a full
layout, and kept until the next one: so nobody's reviews are read again because another film has
changed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.embedder.movie_map.cluster_names import WordCount
from services.embedder.movie_map.map_layout import MapLayout, draw
from services.embedder.movie_map.placement import Positions
from shared.snapshot.files.atlas import ATLAS, DECIMALS, Atlas, Cluster, read_atlas, write_atlas
from shared.snapshot.files.catalogue import Catalogue
from shared.snapshot.files.index import VectorIndex
from shared.snapshot.storage.manifest import CATALOGUE, VECTORS
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache, verify_file
from shared.telemetry import get_logger

_CELLS = 24

Names = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PreviousMap:
    """The map to keep to, and what its clusters are called, by number."""

    drawn: MapLayout
    names: Names


def write_map(folder: Path, previous: PreviousMap | None, *, movies: int, dim: int) -> None:
    """Draw the map of a snapshot and write its file.

    Args:
        folder: The snapshot's, with all other files in it.
        previous: The map to keep to, if there is one.
        movies: How many there are.
        dim: Of their vectors.
    """
    began = time.monotonic()
    # Aligned, which the mapped ones are not.
    vectors = np.array(VectorIndex(folder / VECTORS, rows=movies, dim=dim).vectors())
    catalogue = Catalogue(folder / CATALOGUE)
    try:
        before = previous.drawn if previous is not None else None
        drawn = draw(catalogue.movie_ids(), vectors, before)
        names = previous.names if previous is not None and not drawn.anew else {}
        if not set(drawn.cluster.tolist()) <= set(names):
            names = _names(drawn, catalogue)
    finally:
        catalogue.close()
    write_atlas(folder / ATLAS, described(drawn, names))
    get_logger().debug(
        "map drawn", movies=movies, moved=drawn.moved, took_s=round(time.monotonic() - began, 2)
    )


def _names(drawn: MapLayout, catalogue: Catalogue) -> Names:
    words = WordCount(len(drawn.movie_ids))
    for movie in catalogue.movies(words.wanted):
        # Genres small, as words: with a capital they would count as names.
        said = [" ".join(movie.genres).lower(), movie.description or ""]
        reviews = (review.text for review in catalogue.reviews_of(movie.row))
        words.add(movie.row, [*said, *reviews])
    return words.names(drawn.cluster)


def described(drawn: MapLayout, names: Names) -> Atlas:
    """A map with its clusters' names, sizes and places."""
    clusters = []
    for number in np.unique(drawn.cluster).tolist():
        own = drawn.positions[drawn.cluster == number]
        x, y = _densest(own)
        clusters.append(Cluster(number=number, words=names[number], movies=len(own), x=x, y=y))
    return Atlas(drawn.positions, drawn.cluster, tuple(clusters), drawn.moved)


def _densest(positions: Positions) -> tuple[float, float]:
    """Where most of a cluster's movies are together; its mean may lie among others'."""
    cells = np.clip((positions + 1) / 2 * _CELLS, 0, _CELLS - 1).astype(np.int64)
    counts = np.zeros((_CELLS + 2, _CELLS + 2))
    np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1)
    # Of a cell and the eight around it; itself half as much again, so that it is in the middle.
    around = np.lib.stride_tricks.sliding_window_view(counts, (3, 3)).sum(axis=(2, 3))
    best = np.unravel_index(np.argmax(around + counts[1:-1, 1:-1] / 2), around.shape)
    near = np.abs(cells - best).max(axis=1) <= 1
    x, y = positions[near].mean(axis=0, dtype=np.float64).tolist()
    return round(x, DECIMALS), round(y, DECIMALS)


def previous_map(
    store: SnapshotStore, proofs: VerificationCache | None = None
) -> PreviousMap | None:
    """The map that is being served, with the vectors it was drawn from; None without one.

    Args:
        store: The snapshots.
        proofs: What need not be proven again.
    """
    try:
        current = store.current()
        manifest = store.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        if ATLAS not in manifest.files:
            return None
        folder = store.folder(current.snapshot_id)
        for name in (ATLAS, VECTORS, CATALOGUE):
            verify_file(folder / name, manifest.files[name], proofs=proofs)
        movies, dim = manifest.counts.movies, manifest.encoder.dim
        atlas = read_atlas(folder / ATLAS, rows=movies)
        # Aligned, and in memory: the snapshot may be deleted while the next one is written.
        vectors = np.array(VectorIndex(folder / VECTORS, rows=movies, dim=dim).vectors())
        catalogue = Catalogue(folder / CATALOGUE)
        try:
            ids = catalogue.movie_ids()
        finally:
            catalogue.close()
    except NoSnapshot:
        return None
    except SnapshotCorrupt as error:
        get_logger().warning("the map is drawn anew", error=str(error))
        return None
    drawn = MapLayout(ids, vectors, atlas.positions, atlas.cluster, atlas.moved)
    return PreviousMap(drawn, {cluster.number: cluster.words for cluster in atlas.clusters})
