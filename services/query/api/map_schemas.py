"""The map as the HTTP API answers it; ``services.query.serving.map_answer`` builds the answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.query.api.examples import FILM_MAP
from shared.snapshot.files.atlas import ClusterNumber, Coordinate


class FilmCluster(BaseModel):
    """Movies whose viewers say alike."""

    number: Annotated[
        ClusterNumber,
        Field(description="Kept from one snapshot to the next, for what has its colour."),
    ]
    words: Annotated[
        list[str],
        Field(description="What tells it from the others, best first; none if there are no others"),
    ]
    movies: int
    x: Annotated[Coordinate, Field(description="Where most of it is.")]
    y: Coordinate


class FilmMap(BaseModel):
    """Every movie as a point; near ones are alike. The columns are in the same order."""

    model_config = ConfigDict(json_schema_extra={"examples": [FILM_MAP]})

    snapshot_id: str
    movie_ids: list[str]
    titles: list[str]
    years: list[int | None]
    x: Annotated[list[Coordinate], Field(description="To the right, from -1 to 1.")]
    y: Annotated[list[Coordinate], Field(description="Upwards, from -1 to 1.")]
    cluster: Annotated[list[ClusterNumber], Field(description="The number of its cluster.")]
    clusters: list[FilmCluster]
