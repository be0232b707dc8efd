"""Everything that a Redis server holds is read here, with commands of Redis only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dump(client: Any) -> dict[str, Any]:
    """Read everything that a Redis server holds, as JSON; ``loading.load_redis`` writes it back.

    Bytes that are not UTF-8 stand in texts as lone surrogates. What expires is recorded with the
    time that it has left, and what has been delivered with the time since then, so that both are
    as fresh whenever it is loaded.

    Args:
        client: A ``redis.Redis``, which is not asynchronous and does not decode.
    """
    keys = {}
    for key in sorted(client.scan_iter()):
        kind = _text(client.type(key))
        entry: dict[str, Any] = {"type": kind, "value": _READERS[kind](client, key)}
        left_ms = client.pttl(key)
        if left_ms >= 0:
            entry["ttl_ms"] = left_ms
        keys[_text(key)] = entry
    return keys


def _text(value: Any) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in values.items()}


def _stream(client: Any, key: bytes) -> dict[str, Any]:
    about = client.xinfo_stream(key)
    return {
        "entries": [[_text(entry_id), _texts(fields)] for entry_id, fields in client.xrange(key)],
        "last_id": _text(about["last-generated-id"]),
        "entries_added": about["entries-added"],
        "max_deleted_id": _text(about["max-deleted-entry-id"]),
        "groups": [_group(client, key, group) for group in client.xinfo_groups(key)],
    }


def _group(client: Any, key: bytes, group: Mapping[str, Any]) -> dict[str, Any]:
    name = _text(group["name"])
    pending = client.xpending_range(key, name, "-", "+", 1000)
    return {
        "name": name,
        "last_delivered_id": _text(group["last-delivered-id"]),
        "entries_read": group["entries-read"],
        "consumers": sorted(_text(one["name"]) for one in client.xinfo_consumers(key, name)),
        "pending": [
            {
                "id": _text(row["message_id"]),
                "consumer": _text(row["consumer"]),
                "idle_ms": row["time_since_delivered"],
                "deliveries": row["times_delivered"],
            }
            for row in pending
        ],
    }


_READERS: dict[str, Any] = {
    "string": lambda client, key: _text(client.get(key)),
    "hash": lambda client, key: dict(sorted(_texts(client.hgetall(key)).items())),
    "set": lambda client, key: sorted(_text(one) for one in client.smembers(key)),
    "zset": lambda client, key: [
        [_text(one), score] for one, score in client.zrange(key, 0, -1, withscores=True)
    ],
    "list": lambda client, key: [_text(one) for one in client.lrange(key, 0, -1)],
    "stream": _stream,
}
