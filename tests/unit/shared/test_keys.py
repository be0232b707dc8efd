"""The names in Redis: data of the version before must be found under them."""

from __future__ import annotations

from shared.delivery import keys

SPELLINGS = {
    keys.REVIEWS_STREAM: "reviews",
    keys.DEAD_LETTERS_STREAM: "reviews.dead",
    keys.COMMANDS_STREAM: "ingest.commands",
    keys.DEAD_COMMANDS_STREAM: "ingest.commands.dead",
    keys.EMBEDDER_GROUP: "embedder",
    keys.INGEST_GROUP: "ingest",
    keys.SNAPSHOTS_CHANNEL: "snapshots",
    keys.RUNS: "runs",
    keys.ACTIVE_RUNS: "runs.active",
    keys.SOURCES: "sources",
    keys.ACTIVATIONS_QUEUE: "activations.queued",
    keys.run_key("r1"): "run:r1",
    keys.unreadable_run_key("r1"): "unreadable:r1",
    keys.run_lease_key("r1"): "lease:r1",
    keys.active_run_key("demo"): "active:demo",
    keys.last_run_key("demo"): "last:demo",
    keys.last_request_key("demo"): "requested:demo",
    keys.idempotency_key("demo", "k"): "idempotency:demo:k",
    keys.activation_key("a1"): "activation:a1",
    keys.heartbeat_key("embedder"): "heartbeat:embedder",
    keys.heartbeat_key("embedder", "host"): "heartbeat:embedder:host",
}


def test_no_name_is_spelt_in_another_way_than_before() -> None:
    assert list(SPELLINGS) == list(SPELLINGS.values())
