"""Every name that the services use in Redis: streams, groups, the channel, and keys. Pure.

The spellings are part of the stored data: a new version reads what the version before has written,
so they must not change.
"""

from __future__ import annotations

REVIEWS_STREAM = "reviews"
DEAD_LETTERS_STREAM = "reviews.dead"
COMMANDS_STREAM = "ingest.commands"
DEAD_COMMANDS_STREAM = "ingest.commands.dead"
EMBEDDER_GROUP = "embedder"
INGEST_GROUP = "ingest"
SNAPSHOTS_CHANNEL = "snapshots"
"""Announces new snapshots; only a hint, because pub/sub delivers at most once."""

RUNS = "runs"
ACTIVE_RUNS = "runs.active"
SOURCES = "sources"
STORED_SOURCES = "sources.stored"
ACTIVATIONS_QUEUE = "activations.queued"
REMOVALS_QUEUE = "removals.queued"


def run_key(run_id: str) -> str:
    """Hash: the record of a run."""
    return f"run:{run_id}"


def unreadable_run_key(run_id: str) -> str:
    """Key to which an unreadable record of a run is moved."""
    return f"unreadable:{run_id}"


def unread_key(run_id: str) -> str:
    """Sorted set: examples of what a run could not read."""
    return f"unread:{run_id}"


def run_lease_key(run_id: str) -> str:
    """String: who is crawling a run."""
    return f"lease:{run_id}"


def active_run_key(source: str) -> str:
    """String: the id of the source's one run that has not ended."""
    return f"active:{source}"


def last_run_key(source: str) -> str:
    """String: the id of the source's run that ended last."""
    return f"last:{source}"


def last_request_key(source: str) -> str:
    """String: when the source's newest run was requested, as a Unix time."""
    return f"requested:{source}"


def idempotency_key(source: str, key: str) -> str:
    """String: the id of the run that a repeated request gets.

    Args:
        source: The source that the run crawls.
        key: The client's ``Idempotency-Key``.
    """
    return f"idempotency:{source}:{key}"


def activation_key(activation_id: str) -> str:
    """Hash: a request to activate a snapshot."""
    return f"activation:{activation_id}"


def removal_key(removal_id: str) -> str:
    """Hash: a request to remove something for good."""
    return f"removal:{removal_id}"


def heartbeat_key(service: str, host: str | None = None) -> str:
    """String that expires: set while a service is alive.

    Args:
        service: The service's name.
        host: The host that it runs on; None for any host.
    """
    return f"heartbeat:{service}" if host is None else f"heartbeat:{service}:{host}"
