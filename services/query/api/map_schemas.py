"""Response models of ``GET /map``; ``services.query.serving.map_answer`` builds the response."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.query.api.examples import MOVIE_MAP
from shared.snapshot.files.atlas import ClusterNumber, Coordinate


class MapCluster(BaseModel):
    """A cluster of movies with similar reviews."""

    number: Annotated[
        ClusterNumber,
        Field(description="Number of the cluster; stable from one snapshot to the next."),
    ]
    words: Annotated[
        list[str],
        Field(
            description="Words that distinguish the cluster from the others, best first; empty "
            "when there is only one cluster."
        ),
    ]
    movies: int
    x: Annotated[Coordinate, Field(description="Centre of the cluster, as `x` and `y`.")]
    y: Coordinate


class MovieMap(BaseModel):
    """Every movie that has reviews as a point; similar movies are near.

    All columns have the same order.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE_MAP]})

    snapshot_id: str
    movie_ids: list[str]
    titles: list[str]
    years: list[int | None]
    x: Annotated[
        list[Coordinate], Field(description="Horizontal position, from -1 (left) to 1 (right).")
    ]
    y: Annotated[
        list[Coordinate], Field(description="Vertical position, from -1 (bottom) to 1 (top).")
    ]
    cluster: Annotated[list[ClusterNumber], Field(description="Number of the movie's cluster.")]
    clusters: list[MapCluster]
