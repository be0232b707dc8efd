"""Requests to make another snapshot current, from the operator to the owner of the store.

The query service sees the store read-only, so it writes down what is wanted, and the embedder does
it (``shared.snapshot.activation``)::

    activations.queued      list: ids of the requests that wait, oldest first
    activation:<id>         hash: the fields of ``Activation``; forgotten after ``KEPT_S``

A request is recorded whole or not at all, before it is answered, and is carried out at least once:
its verdict and its leaving of the queue are one transaction. One that nobody has carried out while
it was remembered is dropped, so that no embedder rolls back what was wanted last week.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.delivery.redis_client import Client

QUEUE = "activations.queued"
KEPT_S = 24 * 3600

State = Literal["queued", "done", "refused"]


class Activation(BaseModel):
    """A request to make a snapshot current, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    activation_id: str
    snapshot_id: str
    state: Annotated[
        State, Field(description="`done`: it is current, and will be served within seconds.")
    ] = "queued"
    requested_at: datetime
    ended_at: datetime | None = None
    replaced: Annotated[
        str | None, Field(description="What was current before; activate it to undo.")
    ] = None
    reason: Annotated[str | None, Field(description="Why it was refused.")] = None


def lease_holder(activation_id: str) -> str:
    """Whose lease keeps the snapshot of a request from being deleted."""
    return f"activation-{activation_id}"


def new_activation(snapshot_id: str) -> Activation:
    """A request that nobody has recorded yet."""
    return Activation(
        activation_id=secrets.token_hex(8),
        snapshot_id=snapshot_id,
        requested_at=datetime.now(UTC),
    )


async def record(redis: Client, activation: Activation) -> None:
    """Record a request and queue it, both or neither; may be repeated."""
    key = _key(activation.activation_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(activation))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(QUEUE, 0, activation.activation_id)
    pipeline.rpush(QUEUE, activation.activation_id)
    await pipeline.execute()


async def get_activation(redis: Client, activation_id: str) -> Activation | None:
    """One request, or None when it is not known (any more)."""
    fields = await redis.hgetall(_key(activation_id))
    return Activation.model_validate(fields) if fields else None


async def next_queued(redis: Client) -> Activation | None:
    """The oldest request that waits; forgotten ones before it are dropped."""
    while (activation_id := await redis.lindex(QUEUE, 0)) is not None:
        found = await get_activation(redis, activation_id)
        if found is not None:
            return found
        await redis.lrem(QUEUE, 0, activation_id)
    return None


async def conclude(redis: Client, activation: Activation) -> None:
    """Record the verdict on a request and take it out of the queue."""
    key = _key(activation.activation_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(activation))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(QUEUE, 0, activation.activation_id)
    await pipeline.execute()


def _key(activation_id: str) -> str:
    return f"activation:{activation_id}"


def _strings(activation: Activation) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in activation.model_dump().items()
        if value is not None
    }
