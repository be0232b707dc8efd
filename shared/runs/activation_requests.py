"""Requests to make another snapshot current, from the operator to the embedder.

The query service sees the snapshot store read-only, so it records the request, and the embedder,
which owns the store, carries it out (``shared.snapshot.activation``)::

    activations.queued      list: ids of the requests that wait, oldest first
    activation:<id>         hash: the fields of ``Activation``; expires after ``KEPT_S``

A request is recorded whole or not at all, before it is answered, and carried out at least once: its
outcome is recorded and it leaves the queue in one transaction. A request that expires before it is
carried out is dropped, so that no embedder rolls back to what an operator asked for last week.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.delivery.keys import ACTIVATIONS_QUEUE, activation_key
from shared.delivery.redis_client import Client

KEPT_S = 24 * 3600

State = Literal["queued", "done", "refused"]


class Activation(BaseModel):
    """A request to make a snapshot current, and its outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    activation_id: str
    snapshot_id: str
    state: Annotated[
        State, Field(description="`done`: the snapshot is current, and is served within seconds.")
    ] = "queued"
    requested_at: datetime
    ended_at: datetime | None = None
    replaced: Annotated[
        str | None, Field(description="The snapshot that was current before; activate it to undo.")
    ] = None
    reason: Annotated[str | None, Field(description="Why the request was refused.")] = None


def lease_holder(activation_id: str) -> str:
    """The holder of the lease that keeps the snapshot of a request from being deleted."""
    return f"activation-{activation_id}"


def new_activation(snapshot_id: str) -> Activation:
    """A new request, which is not recorded yet."""
    return Activation(
        activation_id=secrets.token_hex(8),
        snapshot_id=snapshot_id,
        requested_at=datetime.now(UTC),
    )


async def record(redis: Client, activation: Activation) -> None:
    """Record and queue a request, both or neither; may be repeated."""
    key = activation_key(activation.activation_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(activation))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(ACTIVATIONS_QUEUE, 0, activation.activation_id)
    pipeline.rpush(ACTIVATIONS_QUEUE, activation.activation_id)
    await pipeline.execute()


async def get_activation(redis: Client, activation_id: str) -> Activation | None:
    """A request; None when there is none with this id, or it has expired."""
    fields = await redis.hgetall(activation_key(activation_id))
    return Activation.model_validate(fields) if fields else None


async def next_queued(redis: Client) -> Activation | None:
    """The oldest request that waits; expired ones before it are dropped."""
    while (activation_id := await redis.lindex(ACTIVATIONS_QUEUE, 0)) is not None:
        activation = await get_activation(redis, activation_id)
        if activation is not None:
            return activation
        await redis.lrem(ACTIVATIONS_QUEUE, 0, activation_id)
    return None


async def conclude(redis: Client, activation: Activation) -> None:
    """Record the outcome of a request and remove it from the queue."""
    key = activation_key(activation.activation_id)
    pipeline = redis.pipeline(transaction=True)
    pipeline.hset(key, mapping=_strings(activation))
    pipeline.expire(key, KEPT_S)
    pipeline.lrem(ACTIVATIONS_QUEUE, 0, activation.activation_id)
    await pipeline.execute()


def _strings(activation: Activation) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in activation.model_dump().items()
        if value is not None
    }
