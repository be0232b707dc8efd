"""A consumer's pending list: what Redis has delivered to it and it has not acknowledged.

Redis keeps how often each entry was delivered, and that count finds poison
(``shared.delivery.streams``). So it must rise when an entry is handed to a handler, and for nothing
else. Each change of it names the new count, never "one more": a command that is repeated because
its reply was lost counts once.

An entry leaves the stream and the pending list in one step: acknowledged and deleted, or buried.
These steps are scripts that may run on a server that is out of memory, which refuses ``MULTI``
then: what frees its memory must not wait for room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from shared.delivery.dead_letters import letter_of
from shared.delivery.redis_client import Client
from shared.telemetry import get_logger

PAGE = 1000  # entries of a pending list looked at together

_deleted_ids = Counter(
    "stream_deleted_ids_total",
    "Pending entries whose payload was gone when they were claimed; anything but 0 is a loss",
    ["stream"],
)
_dead = Counter("stream_dead_letters_total", "Entries sent to the dead letters", ["stream"])
_acked = Counter("stream_acked_total", "Entries acknowledged and deleted", ["stream"])

# KEYS: stream. ARGV: group, entry ids.
_ACKNOWLEDGE = """#!lua flags=allow-oom
redis.call('XACK', KEYS[1], unpack(ARGV))
redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
return redis.status_reply('OK')
"""

# KEYS: stream, dead letters. ARGV: group, entry id, the letter's fields. The letter is written only
# while the entry is pending, so that a repeat writes no second one.
_DEAD_LETTER = """#!lua flags=allow-oom
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if pending.err or #pending == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
"""

# KEYS: stream. ARGV: group. An acknowledged entry is deleted with its acknowledgement, so what is
# neither pending nor new is left over: the group begins again at 0. Returns how many there were.
_ENSURE_GROUP = """#!lua flags=allow-oom
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if not made.err then return 0 end
if not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local facts = {}
  for i = 1, #group, 2 do facts[group[i]] = group[i + 1] end
  if facts['name'] == ARGV[1] and facts['lag'] then  -- no lag: Redis cannot tell
    local left = redis.call('XLEN', KEYS[1]) - facts['pending'] - facts['lag']
    if left > 0 then redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '0') end
    return math.max(left, 0)
  end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: its id and its fields.

    Fields are text; bytes that are not UTF-8 stand in it as lone surrogates
    (``shared.delivery.redis_client``).
    """

    entry_id: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PendingList:
    """The pending list of one consumer of a group."""

    redis: Client
    stream: str
    group: str
    name: str

    async def ensure_group(self) -> None:
        """Make the group at ``0`` when it is absent; deliver again what nobody else would."""
        left = await self.redis.eval(_ENSURE_GROUP, 1, self.stream, self.group)
        if left:
            get_logger().error(
                "entries were neither pending nor new, delivering them again",
                stream=self.stream,
                count=left,
            )

    async def counts(self) -> dict[str, int]:
        """Up to ``PAGE`` entries by id, with their deliveries; the fewest deliveries first."""
        rows = await self.redis.xpending_range(
            self.stream, self.group, min="-", max="+", count=PAGE, consumername=self.name
        )
        rows.sort(key=lambda row: row["times_delivered"])
        return {row["message_id"]: row["times_delivered"] for row in rows}

    async def deliver(self, counts: Mapping[str, int]) -> list[Entry]:
        """Deliver entries to ourselves again: one delivery more than these ``counts``."""
        entries: list[Entry] = []
        for count in sorted(set(counts.values())):
            claimed = await self.redis.xclaim(
                self.stream, self.group, self.name, min_idle_time=0, retrycount=count + 1,
                message_ids=[entry_id for entry_id, found in counts.items() if found == count],
            )  # fmt: skip
            entries += [Entry(entry_id, fields) for entry_id, fields in claimed if fields]
        # Redis 7 drops a claimed entry whose payload was deleted from the pending list.
        self._note_gone(len(counts) - len(entries))
        return entries

    async def restore(self, counts: Mapping[str, int]) -> None:
        """Set the deliveries of entries, as far as they are still ours."""
        pipeline = self.redis.pipeline(transaction=False)
        for entry_id in counts:
            pipeline.xpending_range(
                self.stream, self.group, entry_id, entry_id, 1, consumername=self.name
            )
        ours = [row["message_id"] for rows in await pipeline.execute() for row in rows]
        for entry_id in ours:
            pipeline.xclaim(
                self.stream, self.group, self.name, min_idle_time=0, message_ids=[entry_id],
                retrycount=counts[entry_id], justid=True,
            )  # fmt: skip
        await pipeline.execute()

    async def claim(self, cursor: str, *, min_idle_ms: int) -> tuple[str, int]:
        """Take over entries that have been idle; does not count as a delivery.

        Returns:
            The next cursor, ``0-0`` after the last, and how many entries are ours now.
        """
        following, claimed, *deleted = await self.redis.execute_command(
            "XAUTOCLAIM", self.stream, self.group, self.name, min_idle_ms, cursor,
            "COUNT", PAGE, "JUSTID",
        )  # fmt: skip
        self._note_gone(len(deleted[0]) if deleted else 0)
        return following, len(claimed)

    def _note_gone(self, count: int) -> None:
        if count:
            _deleted_ids.labels(self.stream).inc(count)
            get_logger().error("pending entries had no payload", count=count)

    async def payload(self, entry_id: str) -> Entry:
        """An entry as it is on the stream; without fields if it is not there any more."""
        rows = await self.redis.xrange(self.stream, min=entry_id, max=entry_id)
        return Entry(entry_id, rows[0][1] if rows else {})

    async def deliveries(self, entry_id: str) -> int | None:
        """How often an entry has been delivered, to whomever; None when it is not pending."""
        rows = await self.redis.xpending_range(self.stream, self.group, entry_id, entry_id, 1)
        return int(rows[0]["times_delivered"]) if rows else None

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and delete."""
        ids = [entry.entry_id for entry in entries]
        await self.redis.eval(_ACKNOWLEDGE, 1, self.stream, self.group, *ids)
        _acked.labels(self.stream).inc(len(ids))

    async def dead_letter(self, dead_stream: str, entry: Entry, reason: str) -> None:
        """Write a dead letter, acknowledge and delete; nothing if it is not pending any more."""
        letter = letter_of(
            entry.fields,
            entry_id=entry.entry_id,
            reason=reason,
            deliveries=await self.deliveries(entry.entry_id) or 1,
        )
        parts: Iterable[str] = (part for pair in letter.items() for part in pair)
        buried = await self.redis.eval(
            _DEAD_LETTER, 2, self.stream, dead_stream, self.group, entry.entry_id, *parts
        )
        if buried:
            _dead.labels(self.stream).inc()
            get_logger().error("dead letter", entry=entry.entry_id, reason=letter["reason"][:200])
