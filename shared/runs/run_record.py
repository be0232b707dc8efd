"""What a run's record holds, and how a Redis hash stores it; ``registry`` keeps the records.

Every value is text, and a field without a value is absent. Records outlive versions of this
program, so reading is lenient: unknown fields are ignored, and a value that cannot be read counts
as absent, unless it says which run it is or in which state. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field, field_validator

from shared.delivery.messages import RunId, SourceName

State = Literal[
    "queued", "crawling", "embedding", "searchable", "incomplete", "failed", "cancelled"
]
TERMINAL: frozenset[State] = frozenset({"searchable", "incomplete", "failed", "cancelled"})
TERMINAL_RANK = 3
RANK: dict[str, int] = {
    "queued": 0,
    "crawling": 1,
    "embedding": 2,
    **dict.fromkeys(TERMINAL, TERMINAL_RANK),
}
COUNTS = (
    "pages", "movies", "crawled", "kept", "stored", "duplicate", "dead_lettered", "embedded",
    "removed", "unread_values", "unread_rows", "unread_pages",
)  # fmt: skip
_ESSENTIAL = frozenset({"run_id", "source", "state", "requested_at"})


class Site(BaseModel):
    """What a crawl requested from one host, and how the host responded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    robots: Annotated[
        Literal["obeyed", "absent", "unreachable", "not asked"],
        Field(description="The state of its robots.txt; `unreachable` forbids the whole host."),
    ] = "not asked"
    crawl_delay_s: Annotated[
        float | None, Field(description="The Crawl-delay in its robots.txt.")
    ] = None
    delay_s: Annotated[float, Field(description="The longest pause kept between two requests.")] = (
        0.0
    )
    requests: int = 0
    not_modified: Annotated[int, Field(description="Responses 304 Not Modified.")] = 0
    forbidden: Annotated[int, Field(description="Pages that robots.txt forbids.")] = 0
    refused: Annotated[
        int, Field(description="Requests not made, responses cut off, and addresses refused.")
    ] = 0
    retry_after: Annotated[
        int, Field(description="Times the host asked to wait, and the crawl did.")
    ] = 0
    failed: Annotated[int, Field(description="Pages that could not be fetched.")] = 0
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
        datetime | None,
        Field(description="When the crawl ended and all its messages were on the stream."),
    ] = None
    ended_at: datetime | None = None
    movies: Annotated[int, Field(description="Movies the crawl has sent.")] = 0
    crawled: Annotated[int, Field(description="Reviews the crawl has sent.")] = 0
    stored: Annotated[int, Field(description="Sent reviews that were new or changed.")] = 0
    duplicate: Annotated[int, Field(description="Sent reviews that were known and unchanged.")] = 0
    dead_lettered: Annotated[int, Field(description="Sent reviews that became dead letters.")] = 0
    embedded: Annotated[int, Field(description="Stored reviews that are encoded.")] = 0
    snapshot_id: Annotated[
        str | None, Field(description="The snapshot in which the run became searchable.")
    ] = None
    error: Annotated[str | None, Field(description="Why the run did not succeed.")] = None
    attempts: Annotated[int, Field(description="Crawl processes started for the run.")] = 0
    trigger: Annotated[
        Literal["request", "schedule"], Field(description="What started the run.")
    ] = "request"
    allow_removals: Annotated[
        bool, Field(description="Whether it may remove more than half of its source's reviews.")
    ] = False
    pages: Annotated[int, Field(description="Pages read, including unchanged ones.")] = 0
    kept: Annotated[
        int, Field(description="Reviews on unchanged pages, which are not sent again.")
    ] = 0
    removed: Annotated[
        int, Field(description="Reviews removed because their source no longer has them.")
    ] = 0
    unread_values: Annotated[
        int, Field(description="Fields that could not be read and were left out.")
    ] = 0
    unread_rows: Annotated[int, Field(description="Rows of files that could not be read.")] = 0
    unread_pages: Annotated[
        int,
        Field(description="Pages, parts of pages and sitemaps that could not be fetched or read."),
    ] = 0
    freshness_median_s: Annotated[
        float | None,
        Field(description="Median time from fetched to searchable, of the stored reviews."),
    ] = None
    freshness_max_s: Annotated[
        float | None, Field(description="The longest time from fetched to searchable.")
    ] = None
    kept_page: Annotated[
        str | None,
        Field(description="File on the ingest host with the page that made the run fail."),
    ] = None
    sites: Annotated[
        dict[str, Site], Field(description="By host: robots.txt, delays and requests.")
    ] = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def counts(self) -> dict[str, int]:
        """All counts of the run by name; the same numbers as the fields of these names."""
        return {name: getattr(self, name) for name in COUNTS}

    @field_validator("sites", mode="before")
    @classmethod
    def _from_hash(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @property
    def is_baseline(self) -> bool:
        """Whether all that the run read is stored, so that the next may fetch only changes."""
        return self.state == "searchable" and self.dead_lettered == 0


def read_record(fields: Mapping[str, str]) -> Run | None:
    """The run of a hash; None when its id, source, state or request time is unreadable."""
    try:
        return Run.model_validate(fields)
    except ValidationError as error:
        invalid = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
    if invalid & _ESSENTIAL:
        return None
    return Run.model_validate(
        {name: value for name, value in fields.items() if name not in invalid}
    )


def to_hash(values: Mapping[str, object]) -> dict[str, str]:
    """The fields of a hash, without those that have no value."""
    return {key: _string(value) for key, value in values.items() if value is not None}


def _string(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):  # ``sites``
        return json.dumps(
            {
                key: part.model_dump() if isinstance(part, Site) else part
                for key, part in value.items()
            }
        )
    return str(value)
