"""What is being served, and runs, as the HTTP API answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.query.examples import SNAPSHOT
from shared.runs import Run


class ServedEncoder(BaseModel):
    """The encoder of the vectors and of the queries."""

    encoder_id: str
    model: str
    dim: int
    passage_precision: str
    query_precision: str


class SnapshotInfo(BaseModel):
    """What is being served."""

    model_config = ConfigDict(json_schema_extra={"examples": [SNAPSHOT]})

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


class RunAccepted(BaseModel):
    """A crawl was requested; it is durable. A repeated request gets the very same answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"run_id": "20250601T120000-1f0c9a4b", "source": "demo", "state": "queued"}
            ]
        }
    )

    run_id: str
    source: str
    state: Literal["queued"] = "queued"


class RunList(BaseModel):
    """The newest runs, newest first."""

    runs: list[Run]
