"""What is being served, as the HTTP API answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ServedEncoder(BaseModel):
    """The encoder of the vectors and of the queries."""

    encoder_id: str
    model: str
    dim: int
    passage_precision: str
    query_precision: str


class SnapshotInfo(BaseModel):
    """What is being served."""

    snapshot_id: str
    created_at: datetime
    movies: int
    reviews: int
    passages: int
    encoder: ServedEncoder
    degraded: Annotated[
        str | None, Field(description="Why a newer snapshot is not served; null when all is well.")
    ]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Searches are answered."""

    status: Literal["ready"] = "ready"
    snapshot_id: str
