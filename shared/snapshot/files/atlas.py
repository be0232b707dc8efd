"""The map of a snapshot: a point for every movie that has a vector, and clusters with names.

``atlas.json``, in UTF-8, one object::

    {"x": [0.1207, ...], "y": [-0.7731, ...],     of every movie, by row; in [-1, 1]
     "cluster": [3, ...],                         the number of the movie's cluster
     "clusters": [{"number": 3, "words": ["boxing", "underdog", "ring"], "movies": 31,
                   "x": 0.11, "y": -0.75}, ...],  by number; where to write the name
     "moved": 4}                                  placed or gone since the last full layout

A movie without reviews has no vector, and so no place: null in all three. Positions are rounded to
four decimals, so that they are read as they were written. A cluster keeps
its number, and with it its colour, from one snapshot to the next; numbers are less than 15 and may
have gaps. A snapshot of a version without maps does not have this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.snapshot.storage.verify import SnapshotCorrupt

ATLAS = "atlas.json"
MAX_CLUSTERS = 15
UNPLACED = 255
"""The cluster number of a movie that is not on the map."""
DECIMALS = 4

Coordinate = Annotated[float, Field(ge=-1, le=1)]
ClusterNumber = Annotated[int, Field(ge=0, lt=MAX_CLUSTERS)]


class Cluster(BaseModel):
    """Movies that are near each other; ``words`` distinguish them from the others, best first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: ClusterNumber
    words: tuple[str, ...]
    movies: Annotated[int, Field(ge=1)]
    x: Coordinate
    y: Coordinate


@dataclass(frozen=True, slots=True)
class Atlas:
    """A map.

    Attributes:
        positions: float32, shape ``(movies, 2)``, in [-1, 1]; NaN for a movie that is not on it.
        cluster: uint8, shape ``(movies,)``: the number of each movie's cluster, or ``UNPLACED``.
        clusters: The clusters that have movies, by number.
        moved: How many movies were placed again or are gone since the last full layout.
    """

    positions: npt.NDArray[np.float32]
    cluster: npt.NDArray[np.uint8]
    clusters: tuple[Cluster, ...]
    moved: int

    @property
    def placed(self) -> npt.NDArray[np.int64]:
        """The rows of the movies that are on the map, ascending."""
        return np.flatnonzero(self.cluster != UNPLACED)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    x: list[Coordinate | None]
    y: list[Coordinate | None]
    cluster: list[ClusterNumber | None]
    clusters: tuple[Cluster, ...]
    moved: Annotated[int, Field(ge=0)]


def write_atlas(path: Path, atlas: Atlas) -> None:
    """Write the file of a map."""
    x, y = np.round(atlas.positions.astype(np.float64), DECIMALS).T.tolist()
    payload = {
        "x": x,
        "y": y,
        "cluster": [None if one == UNPLACED else one for one in atlas.cluster.tolist()],
        "clusters": [cluster.model_dump() for cluster in atlas.clusters],
        "moved": atlas.moved,
    }
    path.write_bytes(orjson.dumps(payload))  # which writes null for NaN


def read_atlas(path: Path, *, rows: int) -> Atlas:
    """Read a file that has been verified against its manifest.

    Raises:
        SnapshotCorrupt: it is not a map of this many movies.
    """
    try:
        content = _File.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SnapshotCorrupt(f"{path.name} cannot be read: {type(error).__name__}") from error
    if not len(content.x) == len(content.y) == len(content.cluster) == rows:
        raise SnapshotCorrupt(f"{path.name} is not a map of {rows} movies")
    cluster = np.array([UNPLACED if one is None else one for one in content.cluster], np.uint8)
    positions = np.array([content.x, content.y], np.float32).T.copy()
    if (np.isnan(positions) != (cluster == UNPLACED)[:, np.newaxis]).any():
        raise SnapshotCorrupt(f"{path.name}: a movie has a part of a place")
    sizes = np.bincount(cluster[cluster != UNPLACED], minlength=MAX_CLUSTERS)
    counted = {int(number): int(sizes[number]) for number in np.flatnonzero(sizes)}
    ordered = all(one.number < other.number for one, other in pairwise(content.clusters))
    if not ordered or {one.number: one.movies for one in content.clusters} != counted:
        raise SnapshotCorrupt(f"{path.name}: its clusters are not those of its movies")
    return Atlas(positions, cluster, content.clusters, content.moved)
