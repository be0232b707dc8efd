"""The map of a snapshot that is being written: from its movies, and from the current snapshot's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.embedder.atlas import Drawn, draw
from services.embedder.cluster_names import WordCount
from services.embedder.placement import Positions, Vectors
from shared.snapshot.atlas import ATLAS, DECIMALS, Atlas, Cluster, read_atlas, write_atlas
from shared.snapshot.catalogue import Catalogue
from shared.snapshot.index import VectorIndex
from shared.snapshot.manifest import CATALOGUE, VECTORS
from shared.snapshot.store import NoSnapshot, SnapshotStore
from shared.snapshot.verify import SnapshotCorrupt, verify_file
from shared.snapshot.writer import MovieFacts
from shared.telemetry import get_logger

_CELLS = 24


class Cartographer:
    """Takes in the movies of a snapshot as they are written, then draws their map.

    Args:
        previous: The map to keep to, if there is one.
        movies: About how many movies there will be.
    """

    def __init__(self, previous: Drawn | None, movies: int) -> None:
        self._previous = previous
        self._words = WordCount(movies)
        self._ids: list[str] = []
        self._vectors: list[Vectors] = []

    def add(self, facts: MovieFacts, texts: Sequence[str], vector: Vectors) -> None:
        """Take in a movie.

        Args:
            facts: The movie.
            texts: Of its reviews.
            vector: Its pooled unit vector, float32, shape ``(dim,)``.
        """
        # Genres small, as words: with a capital they would count as names.
        said = [" ".join(facts.genres).lower(), facts.description or "", *texts]
        self._words.add(len(self._ids), said)
        self._ids.append(facts.movie_id)
        self._vectors.append(vector)

    def write(self, folder: Path) -> None:
        """Draw the map and write its file into the folder of the snapshot."""
        began = time.monotonic()
        vectors = np.stack(self._vectors) if self._vectors else np.empty((0, 1), np.float32)
        drawn = draw(self._ids, vectors, self._previous)
        write_atlas(folder / ATLAS, described(drawn, self._words))
        get_logger().debug(
            "map drawn",
            movies=len(self._ids),
            moved=drawn.moved,
            took_s=round(time.monotonic() - began, 2),
        )


def described(drawn: Drawn, words: WordCount) -> Atlas:
    """A map with its clusters' names, sizes and places."""
    names = words.names(drawn.cluster)
    clusters = []
    for number, said in sorted(names.items()):
        own = drawn.positions[drawn.cluster == number]
        x, y = _densest(own)
        clusters.append(Cluster(number=number, words=said, movies=len(own), x=x, y=y))
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


def previous_map(store: SnapshotStore) -> Drawn | None:
    """The map that is being served, with the vectors it was drawn from; None without one."""
    try:
        current = store.current()
        manifest = store.manifest(current.snapshot_id, sha256=current.manifest_sha256)
        if ATLAS not in manifest.files:
            return None
        folder = store.folder(current.snapshot_id)
        for name in (ATLAS, VECTORS, CATALOGUE):
            verify_file(folder / name, manifest.files[name])
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
    return Drawn(ids, vectors, atlas.positions, atlas.cluster, atlas.moved)
