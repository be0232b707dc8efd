"""Requests to remove something for good, from the operator to the embedder.

The query service has no database, so it records the request, and the embedder carries it out::

    removals.queued      list: ids of the requests that wait, oldest first
    removal:<id>         hash: the fields of ``Removal``; expires after ``KEPT_S``

A request is recorded whole or not at all, before it is answered. It is carried out at least once,
which is harmless: removing again what is removed changes nothing. A request waits for an embedder
for as long as it is kept.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.delivery.keys import REMOVALS_QUEUE, removal_key
from shared.delivery.redis_client import Client

KEPT_S = 7 * 24 * 3600

Kind = Literal["source", "movie", "review"]
RemovalState = Literal["queued", "done", "refused"]


class Removal(BaseModel):
    """A request to remove a source, a movie or a review, or to allow it again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    removal_id: str
    kind: Kind
    id: Annotated[str, Field(description="The name of the source, or the id.")]
    allow: Annotated[
        bool, Field(description="Whether crawls may bring it back, instead of removing it.")
    ] = False
    state: Annotated[
        RemovalState, Field(description="`done`: the next snapshot does not have it.")
    ] = "queued"
    requested_at: datetime
    ended_at: datetime | None = None
    reviews: Annotated[int | None, Field(description="How many reviews were removed.")] = None
    movies: Annotated[int | None, Field(description="How many movies searches lose.")] = None
    reason: Annotated[str | None, Field(description="Why the request was refused.")] = None


def new_removal(kind: Kind, name: str, *, allow: bool) -> Removal:
    """A new request, which is not recorded yet."""
    return Removal(
        removal_id=secrets.token_hex(8),
        kind=kind,
        id=name,
        allow=allow,
        requested_at=datetime.now(UTC),
    )


async def record_removal(redis: Client, removal: Removal) -> None:
    """Record and queue a request, both or neither; may be repeated."""
    key = removal_key(removal.removal_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(removal))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(REMOVALS_QUEUE, 0, removal.removal_id)
    pipeline.rpush(REMOVALS_QUEUE, removal.removal_id)
    await pipeline.execute()


async def get_removal(redis: Client, removal_id: str) -> Removal | None:
    """A request; None when there is none with this id, or it has expired."""
    fields = await redis.hgetall(removal_key(removal_id))
    return Removal.model_validate(fields) if fields else None


async def next_removal(redis: Client) -> Removal | None:
    """The oldest request that waits; expired ones before it are dropped."""
    while (removal_id := await redis.lindex(REMOVALS_QUEUE, 0)) is not None:
        removal = await get_removal(redis, removal_id)
        if removal is not None:
            return removal
        await redis.lrem(REMOVALS_QUEUE, 0, removal_id)
    return None


async def conclude_removal(redis: Client, removal: Removal) -> None:
    """Record the outcome of a request and remove it from the queue."""
    key = removal_key(removal.removal_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(removal))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(REMOVALS_QUEUE, 0, removal.removal_id)
    await pipeline.execute()


def _strings(removal: Removal) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in removal.model_dump().items()
        if value is not None
    }
