"""Request and response models of the admin API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.query.api.request_parts import RequestBody
from services.query.api.requests import QueryParameters
from services.query.http.field_errors import field_error
from shared.delivery.dead_letters import DeadLetter, LetterId
from shared.delivery.messages import SourceName
from shared.runs.registry import RUNS_KEPT, Run
from shared.runs.removal_requests import Kind
from shared.runs.unread_list import UnreadExample

MAX_REPLAY_IDS = 500


class IngestRequest(RequestBody):
    """A request to crawl a source."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"source": "demo"}, {"source": "my_site", "allow_removals": True}]
        }
    )

    source: Annotated[SourceName, Field(description="Name of a configured source.")]
    allow_removals: Annotated[
        bool,
        Field(
            description="Allow the run to remove more than half of the source's reviews; otherwise "
            "such a run removes nothing and ends `incomplete`."
        ),
    ] = False


class RunsParameters(QueryParameters):
    """Which runs to list."""

    source: Annotated[
        SourceName | None, Field(description="List the runs of this source only.")
    ] = None
    limit: Annotated[
        int,
        Field(
            ge=1, le=200, description=f"Number of runs to return. The last {RUNS_KEPT} are kept."
        ),
    ] = 50


class RunAccepted(BaseModel):
    """A requested crawl. The request is durable; a repeated request gets the same response."""

    run_id: str
    source: str
    state: Literal["queued"] = "queued"


class RunList(BaseModel):
    """The newest runs, newest first."""

    runs: list[Run]


class UnreadList(BaseModel):
    """What a run could not read: the first examples. The run has the counts of all."""

    unread: list[UnreadExample]


class SourceInfo(BaseModel):
    """A source that can be crawled."""

    source: str
    last_run: Annotated[Run | None, Field(description="The newest run; null when there is none.")]


class SourceList(BaseModel):
    """The configured sources, by name. Empty until the ingest service has started once."""

    sources: list[SourceInfo]
    orphaned: Annotated[
        list[str],
        Field(
            description="Sources of which something is stored, and that are no longer configured: "
            "`movie-search remove source NAME` removes it."
        ),
    ]


class DeadLettersParameters(QueryParameters):
    """One page of dead letters."""

    cursor: Annotated[
        LetterId | None, Field(description="The `next_cursor` of the previous page.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Number of dead letters per page.")] = 50


class DeadLetterPage(BaseModel):
    """Dead letters, newest first."""

    dead_letters: list[DeadLetter]
    total: Annotated[int, Field(description="Number of all dead letters.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class ReplayRequest(RequestBody):
    """Which dead letters to send again: those with these ids, or all."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": ["1748779231654-0"]}, {"all": True}]}
    )

    ids: Annotated[list[LetterId] | None, Field(min_length=1, max_length=MAX_REPLAY_IDS)] = None
    all: bool = False

    @model_validator(mode="after")
    def _check_one_is_set(self) -> Self:
        if self.all == (self.ids is not None):
            raise field_error("ids", "Set either ids or all: true")
        return self


class RemovalRequest(RequestBody):
    """What to remove for good; with ``allow``, what crawls may bring back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "movie", "id": "tt0075148"},
                {"kind": "source", "id": "my_site", "allow": True},
            ]
        }
    )

    kind: Annotated[Kind, Field(description="What it is.")]
    id: Annotated[
        str,
        Field(min_length=1, max_length=200, description="The name of the source, or the id."),
    ]
    allow: Annotated[bool, Field(description="Let crawls bring it back.")] = False


class SnapshotEntry(BaseModel):
    """A snapshot of the store. The values from its manifest are null when it is unreadable."""

    snapshot_id: str
    created_at: datetime | None = None
    movies: int | None = None
    reviews: int | None = None
    passages: int | None = None
    encoder_id: str | None = None
    model: str | None = None
    size_bytes: Annotated[int | None, Field(description="Size of all files together.")] = None
    current: Annotated[bool, Field(description="Whether `CURRENT` names it.")]
    served: Annotated[bool, Field(description="Whether this process is serving it.")]
    leased: Annotated[
        bool, Field(description="Whether a lease of a reader or of an activation keeps it.")
    ]
    problem: Annotated[
        str | None, Field(description="Why the manifest is unreadable; null when it is readable.")
    ] = None


class SnapshotList(BaseModel):
    """The snapshots of the store, newest first."""

    current: Annotated[
        str | None, Field(description="The snapshot that `CURRENT` names; null before the first.")
    ]
    served: Annotated[str | None, Field(description="The snapshot that this process is serving.")]
    snapshots: list[SnapshotEntry]
