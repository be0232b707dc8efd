"""Dead letters of the stream ``reviews``: list them, replay them, or discard them.

``shared.delivery.streams`` moves an entry that cannot be processed to the dead letters: its own
fields, byte for byte, and beside them what happened to it (``letter_of``)::

    entry       the entry's id on the stream that it came from
    reason      why it became a dead letter
    deliveries  how often it had been delivered
    replays     how often it has been replayed
    truncated   its size in bytes, when it was too large to be kept whole

A replay adds the entry to ``reviews`` and deletes the letter in one step. So an entry is never on
both streams, and a letter is replayed once, however many clients ask for it at the same time. An
entry that fails again becomes a dead letter again, with one more replay. A replay is not counted
for the run that first sent the entry: that run has ended, or has counted the entry as dead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.delivery.keys import DEAD_LETTERS_STREAM, REVIEWS_STREAM
from shared.delivery.lua import Key, Script
from shared.delivery.redis_client import Client

CHUNK = 200
"""Ids that ``next_ids`` returns at once."""
PAYLOAD_BYTES = 256 * 1024
"""Larger entries are truncated; every valid message is smaller."""
PREVIEW_CHARS = 4000
"""Characters that are kept of each field of a truncated entry."""
MAX_FIELDS = 100
"""Entries with more fields are truncated."""
MAX_REASON_CHARS = 500
MAX_SHOWN_CHARS = 200
ID_PATTERN = r"^[0-9]{1,19}-[0-9]{1,19}$"  # each number fits into Redis's 64 bits
_NUMBER = re.compile("[0-9]{1,15}")
LETTER_FIELDS = frozenset({"entry", "reason", "deliveries", "replays", "truncated"})

LetterId = Annotated[str, Field(pattern=ID_PATTERN)]


class DeadLetter(BaseModel):
    """An entry that could not be stored."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(description="The dead letter's own id.")]
    died_at: Annotated[datetime, Field(description="When the entry became a dead letter.")]
    kind: Annotated[str, Field(description="`movie`, `review`, `kept`, `run_end`, or unknown.")]
    run_id: str
    item_id: Annotated[str, Field(description="Id of the movie or the review.")]
    reason: str
    deliveries: Annotated[int, Field(description="How often the entry had been delivered.")]
    replays: Annotated[int, Field(description="How often it has been replayed.")]
    payload_bytes: Annotated[int, Field(description="Size of the entry in bytes.")]
    replayable: Annotated[bool, Field(description="Whether the entry was kept whole.")]


class DeadLetterDetail(DeadLetter):
    """A dead letter with its entry's own fields, truncated when the entry was too large."""

    fields: dict[str, str]


class ReplayRefused(BaseModel):
    """A dead letter that was not replayed."""

    id: str
    reason: str


class Replayed(BaseModel):
    """The outcome of a request to replay."""

    replayed: Annotated[int, Field(description="How many were replayed.")]
    refused: list[ReplayRefused]


Outcome = Literal["replayed", "gone", "truncated", "empty"]
REFUSALS: Mapping[str, str] = {
    "gone": "no such dead letter: it may have been replayed or discarded",
    "truncated": "it was too large to be kept whole",
    "empty": "its payload was lost before it became a dead letter",
}


class Replay(Script[Outcome]):
    """Put an entry back on its stream and delete its dead letter, both at once."""

    dead_letters: Key
    stream: Key
    letter_id: str

    lua = """
    local letters = redis.call('XRANGE', dead_letters, letter_id, letter_id)
    if #letters == 0 then return 'gone' end
    local fields, entry, replays = letters[1][2], {}, 0
    local added = {entry = true, reason = true, deliveries = true}
    for i = 1, #fields, 2 do
      if fields[i] == 'truncated' then return 'truncated' end
      if fields[i] == 'replays' then
        replays = tonumber(fields[i + 1]) or 0
      elseif not added[fields[i]] then
        entry[#entry + 1] = fields[i]
        entry[#entry + 1] = fields[i + 1]
      end
    end
    if #entry == 0 then return 'empty' end
    entry[#entry + 1] = 'replays'
    entry[#entry + 1] = string.format('%d', replays + 1)
    redis.call('XADD', stream, '*', unpack(entry))
    redis.call('XDEL', dead_letters, letter_id)
    return 'replayed'
    """


def letter_of(
    fields: Mapping[str, str], *, entry_id: str, reason: str, deliveries: int
) -> dict[str, str]:
    """The fields of an entry's dead letter.

    Args:
        fields: The entry's own fields; truncated when they are too large.
        entry_id: The entry's id on its stream.
        reason: Why it cannot be processed.
        deliveries: How often it has been delivered.
    """
    letter = dict(fields)
    size = payload_bytes(fields)
    if max(size, sum(map(len, fields))) > PAYLOAD_BYTES or len(fields) > MAX_FIELDS:
        letter = {
            name[:PREVIEW_CHARS]: value[:PREVIEW_CHARS]
            for name, value in islice(fields.items(), MAX_FIELDS)
        }
        letter["truncated"] = str(size)
    return {
        **letter,
        "deliveries": str(deliveries),
        "entry": entry_id,
        "reason": reason.encode(errors="backslashreplace").decode()[:MAX_REASON_CHARS],
    }


def payload_bytes(fields: Mapping[str, str]) -> int:
    """The size of an entry's values in bytes."""
    return sum(len(value.encode(errors="surrogateescape")) for value in fields.values())


async def count_letters(redis: Client) -> int:
    """The number of dead letters."""
    return int(await redis.xlen(DEAD_LETTERS_STREAM))


async def list_letters(
    redis: Client, *, before: str | None = None, limit: int = 50
) -> list[DeadLetter]:
    """Dead letters, newest first.

    Args:
        redis: Client of the server that holds the stream.
        before: Only letters older than the one with this id.
        limit: The maximal number of letters.
    """
    newest = f"({before}" if before is not None else "+"
    rows = await redis.xrevrange(DEAD_LETTERS_STREAM, max=newest, count=limit)
    return [_letter(entry_id, fields) for entry_id, fields in rows]


async def get_letter(redis: Client, letter_id: str) -> DeadLetterDetail | None:
    """A dead letter with its payload; None when there is none with this id."""
    rows = await redis.xrange(DEAD_LETTERS_STREAM, min=letter_id, max=letter_id)
    if not rows:
        return None
    [(entry_id, fields)] = rows
    payload = {
        _shown(name): _shown(value) for name, value in fields.items() if name not in LETTER_FIELDS
    }
    return DeadLetterDetail(**_letter(entry_id, fields).model_dump(), fields=payload)


async def replay(redis: Client, letter_ids: Sequence[str]) -> Replayed:
    """Replay dead letters in this order; a repeated id counts once."""
    distinct = list(dict.fromkeys(letter_ids))
    pipeline = redis.pipeline(transaction=False)
    for letter_id in distinct:
        Replay(dead_letters=DEAD_LETTERS_STREAM, stream=REVIEWS_STREAM, letter_id=letter_id).queue(
            pipeline
        )
    outcomes: list[Outcome] = await pipeline.execute()
    refused = [
        ReplayRefused(id=letter_id, reason=REFUSALS[outcome])
        for letter_id, outcome in zip(distinct, outcomes, strict=True)
        if outcome != "replayed"
    ]
    return Replayed(replayed=len(distinct) - len(refused), refused=refused)


async def newest_id(redis: Client) -> str | None:
    """The id of the newest letter; None when there is none."""
    rows = await redis.xrevrange(DEAD_LETTERS_STREAM, count=1)
    return rows[0][0] if rows else None


async def next_ids(redis: Client, *, after: str | None, until: str) -> list[str]:
    """The ids of up to ``CHUNK`` letters, oldest first.

    Args:
        redis: Client of the server that holds the stream.
        after: Only letters newer than this id; None starts with the oldest.
        until: The newest id to return, so that letters that fail again meanwhile are left out.
    """
    oldest = f"({after}" if after is not None else "-"
    rows = await redis.xrange(DEAD_LETTERS_STREAM, min=oldest, max=until, count=CHUNK)
    return [entry_id for entry_id, _ in rows]


async def discard(redis: Client, letter_id: str) -> bool:
    """Delete a dead letter; False when there is none with this id."""
    return bool(await redis.xdel(DEAD_LETTERS_STREAM, letter_id))


def _letter(entry_id: str, fields: Mapping[str, str]) -> DeadLetter:
    payload = {name: value for name, value in fields.items() if name not in LETTER_FIELDS}
    kept_bytes = payload_bytes(payload)
    truncated = fields.get("truncated")
    return DeadLetter(
        id=entry_id,
        died_at=datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC),
        kind=_shown(fields.get("kind", ""))[:MAX_SHOWN_CHARS],
        run_id=_shown(fields.get("run", ""))[:MAX_SHOWN_CHARS],
        item_id=_shown(fields.get("id", ""))[:MAX_SHOWN_CHARS],
        reason=_shown(fields.get("reason", "")),
        deliveries=_count(fields.get("deliveries"), 1),
        replays=_count(fields.get("replays"), 0),
        payload_bytes=_count(truncated, kept_bytes) if truncated is not None else kept_bytes,
        replayable=truncated is None and bool(payload),
    )


def _shown(value: str) -> str:
    """A field as it can be shown: bytes that are not UTF-8 are escaped."""
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _count(value: str | None, default: int) -> int:
    """The number in a field; a foreign producer may have written anything."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else default
