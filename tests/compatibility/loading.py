"""The files that an earlier version has written, put where the present one looks for them.

``load_redis`` knows Redis's own commands only, so that nothing of the program can hide a change of
what it reads.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "c8131ff"
AWAY_MS = 3600_000
"""For how long the earlier version is taken to have been stopped."""


def read_expected() -> dict[str, Any]:
    """What the earlier version made of its own files."""
    recorded: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
    return recorded


def read_environment() -> dict[str, str]:
    """The variables of ``legacy.env``."""
    lines = (FOLDER / "legacy.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def unpack(folder: Path) -> Path:
    """Unpack the data folder of the earlier version into ``folder``; returns where it is.

    Beside it is the ``tiny-model`` that the encoder artefact in it was made of.
    """
    with tarfile.open(FOLDER / "data.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    return folder / "data"


def load_redis(client: Any) -> None:
    """Put everything that the earlier version had in Redis into an empty server.

    What expires has the time left that it had; what was delivered and not acknowledged has been
    waiting for ``AWAY_MS`` more.

    Args:
        client: A ``redis.Redis``, which is not asynchronous.
    """
    keys: dict[str, Any] = json.loads((FOLDER / "redis.json").read_text())
    for name, entry in keys.items():
        _load(client, _bytes(name), entry["type"], entry["value"])
        if "ttl_ms" in entry:
            client.pexpire(_bytes(name), entry["ttl_ms"])


def _load(client: Any, key: bytes, kind: str, value: Any) -> None:
    if kind == "string":
        client.set(key, _bytes(value))
    elif kind == "hash":
        client.hset(key, mapping=_fields(value))
    elif kind == "set":
        client.sadd(key, *map(_bytes, value))
    elif kind == "zset":
        client.zadd(key, {_bytes(member): score for member, score in value})
    elif kind == "list":
        client.rpush(key, *map(_bytes, value))
    elif kind == "stream":
        _load_stream(client, key, value)
    else:
        raise ValueError(f"{key!r} is a {kind}")


def _load_stream(client: Any, key: bytes, stream: dict[str, Any]) -> None:
    for entry_id, fields in stream["entries"]:
        client.xadd(key, _fields(fields), id=entry_id)
    for group in stream["groups"]:
        client.xgroup_create(key, group["name"], id="0", mkstream=True)
    client.execute_command(
        "XSETID", key, stream["last_id"],
        "ENTRIESADDED", stream["entries_added"], "MAXDELETEDID", stream["max_deleted_id"],
    )  # fmt: skip
    for group in stream["groups"]:
        _load_group(client, key, group)


def _load_group(client: Any, key: bytes, group: dict[str, Any]) -> None:
    name = group["name"]
    client.execute_command(
        "XGROUP SETID", key, name, group["last_delivered_id"], "ENTRIESREAD", group["entries_read"]
    )
    for consumer in group["consumers"]:
        client.xgroup_createconsumer(key, name, consumer)
    for entry in group["pending"]:
        client.xclaim(
            key, name, entry["consumer"], min_idle_time=0, message_ids=[entry["id"]],
            idle=entry["idle_ms"] + AWAY_MS, retrycount=entry["deliveries"], force=True,
            justid=True,
        )  # fmt: skip


def _fields(values: dict[str, str]) -> dict[bytes, bytes]:
    return {_bytes(name): _bytes(value) for name, value in values.items()}


def _bytes(text: str) -> bytes:
    """As it was: bytes that are not UTF-8 stand in texts as lone surrogates."""
    return text.encode(errors="surrogateescape")
