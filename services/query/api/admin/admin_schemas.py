"""What the admin API is asked, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.query.api.requests import Body, Parameters
from services.query.http.problems import of_field
from shared.delivery.dead_letters import DeadLetter, LetterId
from shared.delivery.messages import SourceName
from shared.runs.registry import RUNS_KEPT, Run

MAX_REPLAY_IDS = 500


class IngestRequest(Body):
    """Crawl a source."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"source": "demo"}, {"source": "my_site", "allow_removals": True}]
        }
    )

    source: Annotated[SourceName, Field(description="Name of a configured source.")]
    allow_removals: Annotated[
        bool,
        Field(
            description="Whether the run may remove more than half of what its source had; "
            "without it such a run removes nothing and ends `incomplete`."
        ),
    ] = False


class RunsParameters(Parameters):
    """Which runs."""

    source: Annotated[SourceName | None, Field(description="Of this source only.")] = None
    limit: Annotated[
        int, Field(ge=1, le=200, description=f"Runs wanted, of the last {RUNS_KEPT}.")
    ] = 50


class RunAccepted(BaseModel):
    """A crawl was requested; it is durable. A repeated request gets the very same answer."""

    run_id: str
    source: str
    state: Literal["queued"] = "queued"


class RunList(BaseModel):
    """The newest runs, newest first."""

    runs: list[Run]


class SourceInfo(BaseModel):
    """A source that can be crawled."""

    source: str
    last_run: Annotated[Run | None, Field(description="Its newest run; null: none is known.")]


class SourceList(BaseModel):
    """The sources that ingest has configured, by name. Empty until ingest has started once."""

    sources: list[SourceInfo]


class DeadLettersParameters(Parameters):
    """One page of the dead letters."""

    cursor: Annotated[LetterId | None, Field(description="`next_cursor` of the page before.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=100, description="Dead letters a page.")] = 50


class DeadLetterPage(BaseModel):
    """Dead letters, newest first."""

    dead_letters: list[DeadLetter]
    total: Annotated[int, Field(description="How many there are in all.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class ReplayRequest(Body):
    """Which dead letters to send again: these, or all that there are now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": ["1748779231654-0"]}, {"all": True}]}
    )

    ids: Annotated[list[LetterId] | None, Field(min_length=1, max_length=MAX_REPLAY_IDS)] = None
    all: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.all == (self.ids is not None):
            raise of_field("ids", "Either ids are wanted, or all: true")
        return self


class SnapshotEntry(BaseModel):
    """A snapshot of the store. What its manifest says is null when that cannot be read."""

    snapshot_id: str
    created_at: datetime | None = None
    movies: int | None = None
    reviews: int | None = None
    passages: int | None = None
    encoder_id: str | None = None
    model: str | None = None
    size_bytes: Annotated[int | None, Field(description="Of all its files together.")] = None
    current: Annotated[bool, Field(description="Whether it is what is to be served.")]
    served: Annotated[bool, Field(description="Whether this process serves it now.")]
    leased: Annotated[
        bool, Field(description="Whether it is kept for a reader, or for an activation.")
    ]
    problem: Annotated[
        str | None, Field(description="Why its manifest cannot be read; null when it can.")
    ] = None


class SnapshotList(BaseModel):
    """The snapshots of the store, newest first."""

    current: Annotated[str | None, Field(description="What is to be served; null: nothing yet.")]
    served: Annotated[str | None, Field(description="What this process serves now.")]
    snapshots: list[SnapshotEntry]
