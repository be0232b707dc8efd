"""Response models of the operations for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ServedEncoder(BaseModel):
    """The encoder of the passages and the queries."""

    encoder_id: str
    model: str
    dim: int
    passage_precision: str
    query_precision: str


class SnapshotInfo(BaseModel):
    """The snapshot being served."""

    snapshot_id: str
    created_at: datetime
    movies: int
    reviews: int
    passages: int
    encoder: ServedEncoder
    degraded: Annotated[
        str | None, Field(description="Why the newest snapshot is not served; null when it is.")
    ]


class Alive(BaseModel):
    """The process answers requests."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """A snapshot is being served."""

    status: Literal["ready"] = "ready"
    snapshot_id: str
