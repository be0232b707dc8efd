"""This step leaves what expires, so it comes last, just before everything is read from Redis."""

from __future__ import annotations

from .crawl import idle_supervisor
from .old import HOST, SUPERVISOR, old
from .program import OldProgram

SOURCES = ("archive", "club", "demo", "later", "mirror", "other", "site", "wire")


async def leave_what_expires(program: OldProgram) -> None:
    """Leave a queued run and activation, leases, an idempotency key and heartbeats."""
    await program.request("queued", "later", idempotency_key="8e03978e-40d5", trigger="schedule",
                          allow_removals=True)  # fmt: skip
    await _queue_activation(program)
    archive_id = program.named["half crawled"]
    await program.runs.take_lease(program.redis, archive_id, SUPERVISOR, lease_ms=15_000)
    await _beat(program)


async def _queue_activation(program: OldProgram) -> None:
    """Ask for the older snapshot to be activated, and lease both snapshots to readers."""
    activations = old("shared.activations")
    leases = old("shared.snapshot.leases").Leases
    ids = program.store.snapshot_ids()
    activation = activations.new_activation(ids[-1])
    holder = activations.lease_holder(activation.activation_id)
    leases(program.settings.leases, holder).take(ids[-1], for_s=3600.0)
    leases(program.settings.leases, f"{HOST}-4711").take(ids[0])
    await activations.record(program.redis, activation)
    program.named["queued activation"] = activation.activation_id


async def _beat(program: OldProgram) -> None:
    """Leave a heartbeat of the embedder and one of ingest, with the sources that it knows."""
    service = old("services.embedder.service")
    for key in (service.HEARTBEAT_KEY, service.heartbeat_key()):
        await program.redis.set(key, "1", ex=service.HEARTBEAT_TTL_S)
    await idle_supervisor(program, dict.fromkeys(SOURCES))._beat()
