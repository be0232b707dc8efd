"""Dead letters of the stream ``reviews``: looked at, sent again, or discarded.

``shared.delivery.streams`` buries an entry that cannot be processed: its own fields as they were,
byte for byte, and beside them what became of it (``letter_of``)::

    entry       the entry's id on the stream it came from
    reason      why it was buried
    deliveries  how often it had been delivered
    replays     how often it has been sent again
    truncated   how many bytes it had, when it was too large to be kept whole

A replay adds the entry to ``reviews`` and takes the letter away, both or neither, whoever else asks
for the same at the same time: so an entry is never on both streams, and a letter is sent once,
however often it is asked for. What fails again comes back with one replay more. A replay is not
counted for the run that sent the entry first: that run has ended, or has counted it as dead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.delivery.messages import DEAD_LETTERS_STREAM, REVIEWS_STREAM
from shared.delivery.redis_client import Client

CHUNK = 200
PAYLOAD_BYTES = 256 * 1024  # of an entry that is kept whole; every valid message is smaller
PREVIEW_CHARS = 4000  # of each field of an entry that is larger
MAX_FIELDS = 100  # of an entry that is kept whole
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
    died_at: Annotated[datetime, Field(description="When it was given up.")]
    kind: Annotated[str, Field(description="`movie`, `review`, `kept`, `run_end`, or unknown.")]
    run_id: str
    item_id: Annotated[str, Field(description="What it is about: id of the movie or the review.")]
    reason: str
    deliveries: Annotated[int, Field(description="How often it had been delivered.")]
    replays: Annotated[int, Field(description="How often it has been replayed before.")]
    payload_bytes: Annotated[int, Field(description="How large the entry was.")]
    replayable: Annotated[bool, Field(description="Whether it was kept whole.")]


class DeadLetterDetail(DeadLetter):
    """A dead letter with its entry's own fields; cut off where the entry was too large."""

    fields: dict[str, str]


class ReplayRefused(BaseModel):
    """A dead letter that was not replayed."""

    id: str
    reason: str


class Replayed(BaseModel):
    """What became of a request to replay."""

    replayed: Annotated[int, Field(description="How many were sent again.")]
    refused: list[ReplayRefused]


Outcome = Literal["replayed", "gone", "truncated", "empty"]
REFUSALS: Mapping[str, str] = {
    "gone": "no such dead letter: it may have been replayed or discarded",
    "truncated": "it was too large to be kept whole",
    "empty": "its payload was lost before it was buried",
}

# KEYS: dead letters, stream. ARGV: id. A script, so that letter and entry change places at once.
_REPLAY = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 'gone' end
local fields, entry, replays = found[1][2], {}, 0
local ours = {entry = true, reason = true, deliveries = true}
for i = 1, #fields, 2 do
  if fields[i] == 'truncated' then return 'truncated' end
  if fields[i] == 'replays' then
    replays = tonumber(fields[i + 1]) or 0
  elseif not ours[fields[i]] then
    entry[#entry + 1] = fields[i]
    entry[#entry + 1] = fields[i + 1]
  end
end
if #entry == 0 then return 'empty' end
entry[#entry + 1] = 'replays'
entry[#entry + 1] = string.format('%d', replays + 1)
redis.call('XADD', KEYS[2], '*', unpack(entry))
redis.call('XDEL', KEYS[1], ARGV[1])
return 'replayed'
"""


def letter_of(
    fields: Mapping[str, str], *, entry_id: str, reason: str, deliveries: int
) -> dict[str, str]:
    """The fields of an entry's dead letter: whole, or cut off if they are too large."""
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
    """The size of an entry's values."""
    return sum(len(value.encode(errors="surrogateescape")) for value in fields.values())


async def count_letters(redis: Client) -> int:
    """How many dead letters there are."""
    return int(await redis.xlen(DEAD_LETTERS_STREAM))


async def list_letters(
    redis: Client, *, before: str | None = None, limit: int = 50
) -> list[DeadLetter]:
    """Dead letters, newest first.

    Args:
        redis: Client.
        before: Only those older than the letter of this id.
        limit: Most letters.
    """
    newest = f"({before}" if before is not None else "+"
    rows = await redis.xrevrange(DEAD_LETTERS_STREAM, max=newest, count=limit)
    return [_letter(entry_id, fields) for entry_id, fields in rows]


async def get_letter(redis: Client, letter_id: str) -> DeadLetterDetail | None:
    """One dead letter with its payload, or None."""
    rows = await redis.xrange(DEAD_LETTERS_STREAM, min=letter_id, max=letter_id)
    if not rows:
        return None
    [(entry_id, fields)] = rows
    own = {
        _shown(name): _shown(value) for name, value in fields.items() if name not in LETTER_FIELDS
    }
    return DeadLetterDetail(**_letter(entry_id, fields).model_dump(), fields=own)


async def replay(redis: Client, letter_ids: Sequence[str]) -> Replayed:
    """Send dead letters again, in this order; each once, however often its id is given."""
    wanted = list(dict.fromkeys(letter_ids))
    pipeline = redis.pipeline(transaction=False)
    for letter_id in wanted:
        pipeline.eval(_REPLAY, 2, DEAD_LETTERS_STREAM, REVIEWS_STREAM, letter_id)
    outcomes: list[Outcome] = await pipeline.execute()
    refused = [
        ReplayRefused(id=letter_id, reason=REFUSALS[outcome])
        for letter_id, outcome in zip(wanted, outcomes, strict=True)
        if outcome != "replayed"
    ]
    return Replayed(replayed=len(wanted) - len(refused), refused=refused)


async def newest_id(redis: Client) -> str | None:
    """Id of the newest letter; None when there is none."""
    rows = await redis.xrevrange(DEAD_LETTERS_STREAM, count=1)
    return rows[0][0] if rows else None


async def next_ids(redis: Client, *, after: str | None, until: str) -> list[str]:
    """Ids of up to ``CHUNK`` letters, oldest first.

    Args:
        redis: Client.
        after: The last id before them; None: from the oldest.
        until: The last id wanted, so that what comes back meanwhile is left alone.
    """
    oldest = f"({after}" if after is not None else "-"
    rows = await redis.xrange(DEAD_LETTERS_STREAM, min=oldest, max=until, count=CHUNK)
    return [entry_id for entry_id, _ in rows]


async def discard(redis: Client, letter_id: str) -> bool:
    """Delete a dead letter for good; False when there is none of this id."""
    return bool(await redis.xdel(DEAD_LETTERS_STREAM, letter_id))


def _letter(entry_id: str, fields: Mapping[str, str]) -> DeadLetter:
    own = {name: value for name, value in fields.items() if name not in LETTER_FIELDS}
    kept_bytes = payload_bytes(own)
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
        replayable=truncated is None and bool(own),
    )


def _shown(value: str) -> str:
    """What can be shown of a field: its bytes that are not UTF-8 are named."""
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _count(value: str | None, otherwise: int) -> int:
    """A number as a field holds it; entries come from anybody."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else otherwise
