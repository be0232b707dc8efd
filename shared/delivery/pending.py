"""A consumer's pending list: what Redis has delivered to it and it has not acknowledged.

Redis counts the deliveries of each entry, and this count finds poison
(``shared.delivery.streams``). So it must rise when an entry is handed to a handler, and at no other
time. Each change of it states the new count, never "one more": a command that is repeated because
its reply was lost counts once.

An entry leaves the stream and the pending list in one step: acknowledged and deleted, or moved to
the dead letters. These steps are scripts that may run on a server that is out of memory, which
refuses ``MULTI`` then: what frees its memory must not wait for memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from shared.delivery.dead_letters import letter_of
from shared.delivery.lua import Key, Script
from shared.delivery.redis_client import Client
from shared.telemetry import get_logger

PAGE = 1000
"""Entries of a pending list that one command reads."""

_deleted_ids = Counter(
    "movie_search_stream_deleted_ids_total",
    "Pending entries whose payload was missing when they were claimed: lost, so always 0",
    ["stream"],
)
_dead = Counter(
    "movie_search_stream_dead_letters_total", "Entries moved to the dead letters", ["stream"]
)
_acked = Counter("movie_search_stream_acked_total", "Entries acknowledged and deleted", ["stream"])


class Acknowledge(Script[str]):
    """Acknowledge and delete entries."""

    stream: Key
    group: str
    entry_ids: Sequence[str]

    lua = """#!lua flags=allow-oom
    redis.call('XACK', stream, group, unpack(entry_ids))
    redis.call('XDEL', stream, unpack(entry_ids))
    return redis.status_reply('OK')
    """


class WriteDeadLetter(Script[int]):
    """Move an entry to the dead letters: write the letter, acknowledge and delete the entry.

    Does nothing unless the entry is pending, so that a repeat writes no second letter. Returns
    whether it was written, as 1 or 0.
    """

    stream: Key
    dead_stream: Key
    group: str
    entry_id: str
    letter: Mapping[str, str]

    lua = """#!lua flags=allow-oom
    local pending = redis.pcall('XPENDING', stream, group, entry_id, entry_id, 1)
    if pending.err or #pending == 0 then return 0 end
    redis.call('XADD', dead_stream, '*', unpack(letter))
    redis.call('XACK', stream, group, entry_id)
    redis.call('XDEL', stream, entry_id)
    return 1
    """


class EnsureGroup(Script[int]):
    """Create a group at ``0``, or start it over at ``0`` when entries would never be delivered.

    An acknowledged entry is deleted with its acknowledgement, so an entry that is neither pending
    nor new has been lost sight of. Returns how many such entries there are.
    """

    stream: Key
    group: str

    lua = """#!lua flags=allow-oom
    local created = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
    if not created.err then return 0 end
    if not string.find(created.err, 'BUSYGROUP', 1, true) then return created end
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local facts = {}
      for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
      if facts['name'] == group and facts['lag'] then  -- no lag: Redis does not know it
        local left = redis.call('XLEN', stream) - facts['pending'] - facts['lag']
        if left > 0 then redis.call('XGROUP', 'SETID', stream, group, '0') end
        return math.max(left, 0)
      end
    end
    return 0
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: its id and its fields.

    Fields are text, in which lone surrogates stand for bytes that are not UTF-8
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
        """Create the group at ``0`` when it is absent; start it over when it has lost entries."""
        left = await EnsureGroup(stream=self.stream, group=self.group).run(self.redis)
        if left:
            get_logger().error(
                "lost entries found, delivering them again",
                stream=self.stream,
                count=left,
            )

    async def counts(self) -> dict[str, int]:
        """The deliveries of up to ``PAGE`` entries by id, the fewest deliveries first."""
        rows = await self.redis.xpending_range(
            self.stream, self.group, min="-", max="+", count=PAGE, consumername=self.name
        )
        rows.sort(key=lambda row: row["times_delivered"])
        return {row["message_id"]: row["times_delivered"] for row in rows}

    async def deliver(self, counts: Mapping[str, int]) -> list[Entry]:
        """Deliver entries to this consumer again.

        Args:
            counts: The deliveries so far, by entry id; each gets one more.

        Returns:
            The entries that still have a payload.
        """
        entries: list[Entry] = []
        for count in sorted(set(counts.values())):
            claimed = await self.redis.xclaim(
                self.stream, self.group, self.name, min_idle_time=0, retrycount=count + 1,
                message_ids=[entry_id for entry_id, before in counts.items() if before == count],
            )  # fmt: skip
            entries += [Entry(entry_id, fields) for entry_id, fields in claimed if fields]
        # Redis 7 drops a claimed entry whose payload was deleted from the pending list.
        self._count_lost(len(counts) - len(entries))
        return entries

    async def restore(self, counts: Mapping[str, int]) -> None:
        """Set the deliveries of the entries that are still pending for this consumer."""
        pipeline = self.redis.pipeline(transaction=False)
        for entry_id in counts:
            pipeline.xpending_range(
                self.stream, self.group, entry_id, entry_id, 1, consumername=self.name
            )
        still_pending = [row["message_id"] for rows in await pipeline.execute() for row in rows]
        for entry_id in still_pending:
            pipeline.xclaim(
                self.stream, self.group, self.name, min_idle_time=0, message_ids=[entry_id],
                retrycount=counts[entry_id], justid=True,
            )  # fmt: skip
        await pipeline.execute()

    async def claim(self, cursor: str, *, min_idle_ms: int) -> tuple[str, int]:
        """Take over idle entries of other consumers; does not count as a delivery.

        Args:
            cursor: Where to continue; ``0-0`` for the first call.
            min_idle_ms: How long an entry must have been idle.

        Returns:
            The next cursor, which is ``0-0`` after the last page, and how many entries were taken.
        """
        next_cursor, claimed, *deleted = await self.redis.execute_command(
            "XAUTOCLAIM", self.stream, self.group, self.name, min_idle_ms, cursor,
            "COUNT", PAGE, "JUSTID",
        )  # fmt: skip
        self._count_lost(len(deleted[0]) if deleted else 0)
        return next_cursor, len(claimed)

    def _count_lost(self, count: int) -> None:
        if count:
            _deleted_ids.labels(self.stream).inc(count)
            get_logger().error("pending entries have no payload", count=count)

    async def payload(self, entry_id: str) -> Entry:
        """An entry with its fields; without any when the stream does not have it."""
        rows = await self.redis.xrange(self.stream, min=entry_id, max=entry_id)
        return Entry(entry_id, rows[0][1] if rows else {})

    async def deliveries(self, entry_id: str) -> int | None:
        """How often an entry has been delivered to any consumer; None when it is not pending."""
        rows = await self.redis.xpending_range(self.stream, self.group, entry_id, entry_id, 1)
        return int(rows[0]["times_delivered"]) if rows else None

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and delete entries."""
        ids = [entry.entry_id for entry in entries]
        await Acknowledge(stream=self.stream, group=self.group, entry_ids=ids).run(self.redis)
        _acked.labels(self.stream).inc(len(ids))

    async def dead_letter(self, dead_stream: str, entry: Entry, reason: str) -> None:
        """Move an entry to the dead letters; does nothing when it is not pending.

        Args:
            dead_stream: The stream of the dead letters.
            entry: The pending entry, with its fields.
            reason: Why it cannot be processed.
        """
        letter = letter_of(
            entry.fields,
            entry_id=entry.entry_id,
            reason=reason,
            deliveries=await self.deliveries(entry.entry_id) or 1,
        )
        written = await WriteDeadLetter(
            stream=self.stream,
            dead_stream=dead_stream,
            group=self.group,
            entry_id=entry.entry_id,
            letter=letter,
        ).run(self.redis)
        if written:
            _dead.labels(self.stream).inc()
            get_logger().error(
                "entry dead-lettered", entry=entry.entry_id, reason=letter["reason"][:200]
            )
