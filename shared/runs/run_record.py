"""What a run's record holds, and how a Redis hash stores it; ``registry`` keeps the records.

Every value is text, and a field that has none is absent. Records outlive versions of this program,
so reading is lenient: what is not known is passed over, and what cannot be read counts as absent,
but for what the run is and how far it has come. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from shared.delivery.messages import RunId, SourceName

State = Literal[
    "queued", "crawling", "embedding", "searchable", "incomplete", "failed", "cancelled"
]
TERMINAL: frozenset[State] = frozenset({"searchable", "incomplete", "failed", "cancelled"})
RANK: dict[str, int] = {
    "queued": 0, "crawling": 1, "embedding": 2,
    "searchable": 3, "incomplete": 3, "failed": 3, "cancelled": 3,
}  # fmt: skip
_ESSENTIAL = frozenset({"run_id", "source", "state", "requested_at"})


class Site(BaseModel):
    """How a crawl behaved towards one host, and the host towards it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    robots: Annotated[
        Literal["obeyed", "absent", "unreachable", "not asked"],
        Field(description="What became of its robots.txt; `unreachable` forbids the host."),
    ] = "not asked"
    crawl_delay_s: Annotated[
        float | None, Field(description="The Crawl-delay that its robots.txt asks for.")
    ] = None
    delay_s: Annotated[float, Field(description="The longest pause kept between two requests.")] = (
        0.0
    )
    requests: int = 0
    not_modified: Annotated[int, Field(description="Answers 304: pages that cost nothing.")] = 0
    forbidden: Annotated[int, Field(description="Pages not asked for: robots.txt forbids.")] = 0
    refused: Annotated[
        int, Field(description="Requests not made, answers cut off, and addresses refused.")
    ] = 0
    retry_after: Annotated[int, Field(description="Times it asked to wait, and we did.")] = 0
    failed: Annotated[int, Field(description="Pages that could not be had.")] = 0
    received_bytes: int = 0


class Run(BaseModel):
    """One crawl of a source, from request to searchable. Counts are of reviews."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: RunId
    source: SourceName
    state: State = "queued"
    requested_at: datetime
    started_at: datetime | None = None
    crawled_at: Annotated[
        datetime | None, Field(description="When the crawl ended and all was on the stream.")
    ] = None
    ended_at: datetime | None = None
    movies: Annotated[int, Field(description="Movies the crawl has sent.")] = 0
    crawled: Annotated[int, Field(description="Reviews the crawl has sent.")] = 0
    stored: Annotated[int, Field(description="Of these, new or changed.")] = 0
    duplicate: Annotated[int, Field(description="Of these, known and unchanged.")] = 0
    dead_lettered: Annotated[int, Field(description="Of these, refused.")] = 0
    embedded: Annotated[int, Field(description="Of the stored ones, encoded.")] = 0
    snapshot_id: Annotated[
        str | None, Field(description="The snapshot in which the run became searchable.")
    ] = None
    error: Annotated[str | None, Field(description="Why the run did not succeed.")] = None
    attempts: Annotated[int, Field(description="Crawl processes started for the run.")] = 0
    trigger: Annotated[
        Literal["request", "schedule"], Field(description="Who asked for the run.")
    ] = "request"
    allow_removals: Annotated[
        bool, Field(description="Whether it may remove more than half of what its source had.")
    ] = False
    pages: Annotated[int, Field(description="Pages read, unchanged ones among them.")] = 0
    kept: Annotated[
        int, Field(description="Reviews on unchanged pages, which are not sent again.")
    ] = 0
    removed: Annotated[int, Field(description="Reviews removed: gone from their source.")] = 0
    freshness_median_s: Annotated[
        float | None, Field(description="From page fetched to searchable, of the stored reviews.")
    ] = None
    freshness_max_s: Annotated[
        float | None, Field(description="The longest such time of the run.")
    ] = None
    kept_page: Annotated[
        str | None,
        Field(description="File on the ingest host with the page that made the run fail."),
    ] = None
    sites: Annotated[
        dict[str, Site], Field(description="By host: robots.txt, delays, and what was asked.")
    ] = {}

    @field_validator("sites", mode="before")
    @classmethod
    def _from_hash(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @property
    def is_baseline(self) -> bool:
        """Whether all that the run saw is stored, so that the next may ask only for changes."""
        return self.state == "searchable" and self.dead_lettered == 0


def read_record(fields: Mapping[str, str]) -> Run | None:
    """The run of a hash; None when it cannot be told what it is or how far it has come."""
    try:
        return Run.model_validate(fields)
    except ValidationError as error:
        bad = {str(fault["loc"][0]) for fault in error.errors(include_url=False)}
    if bad & _ESSENTIAL:
        return None
    return Run.model_validate({name: value for name, value in fields.items() if name not in bad})


def to_hash(values: Mapping[str, object]) -> dict[str, str]:
    """The fields of a hash; without those that have no value."""
    return {key: _string(value) for key, value in values.items() if value is not None}


def _string(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):  # of sites
        return json.dumps(
            {
                key: part.model_dump() if isinstance(part, Site) else part
                for key, part in value.items()
            }
        )
    return str(value)
