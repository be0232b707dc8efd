"""The delivery rules of a Redis stream, once, for every service.

Sending (``append``): one pipelined ``XADD`` per batch, repeated while Redis is away or full. A
repeat after a lost reply may duplicate entries, so receivers deduplicate by id. Streams are never
trimmed: trimming drops entries that nobody has acknowledged.

Receiving (``StreamConsumer``), at least once:

1. The group is made at id ``0`` (never ``$``, which would skip what came before it). Entries that
   are neither new to it nor pending, which only a server that lost writes can leave behind, are
   delivered again.
2. The consumer's own pending entries come first: at start, and after every connection error.
3. A read is never cancelled: a stop flag is looked at between reads, which block half a second.
4. Entries of consumers that died are claimed once they have been idle for ``min_idle_ms``.
5. The handler commits its own work; only then are the entries acknowledged and deleted, in one
   ``MULTI``.
6. Redis's own delivery count finds poison: an entry delivered ``ALONE_AFTER`` times is handled
   alone, fewest deliveries first, so that it can only take itself down; after ``MAX_DELIVERIES``
   it goes to the dead letters, committed before it is acknowledged. A delivery that came to nothing
   because something else was away (``Unavailable``) does not count: waiting makes nobody poison.

A dead letter is the entry as it was, with what became of it (``shared.dead_letters`` reads it and
sends it again). It is kept whole up to ``DEAD_PAYLOAD_BYTES``, which every valid message is under.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter
from redis.exceptions import ResponseError

from shared.redis import UNAVAILABLE, Client, connect, connect_reader
from shared.telemetry import get_logger

BLOCK_MS = 500
ALONE_AFTER = 3
MAX_DELIVERIES = 6
DEAD_PAYLOAD_BYTES = 256 * 1024
DEAD_PREVIEW_CHARS = 4000  # of each field of an entry that is larger
EXIT_STUCK = 70  # sysexits.h EX_SOFTWARE

_deleted_ids = Counter(
    "stream_deleted_ids_total",
    "Pending entries whose payload was gone when they were claimed; anything but 0 is a loss",
    ["stream"],
)
_dead = Counter("stream_dead_letters_total", "Entries sent to the dead letters", ["stream"])
_acked = Counter("stream_acked_total", "Entries acknowledged and deleted", ["stream"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: its id and its fields."""

    entry_id: str
    fields: Mapping[str, str]


class EntryInvalid(ValueError):
    """A handler's word that an entry can never be processed: it goes to the dead letters."""

    def __init__(self, entry: Entry, reason: str) -> None:
        super().__init__(reason)
        self.entry = entry
        self.reason = reason


class Unavailable(Exception):
    """A handler's word that something it needs is away: nothing is wrong with the entries."""


Handler = Callable[[Sequence[Entry]], Awaitable[None]]
DeadHandler = Callable[[Entry, str], Awaitable[None]]


async def append(redis: Client, stream: str, messages: Iterable[Mapping[str, str]]) -> list[str]:
    """Add entries to a stream with one pipelined ``XADD`` and wait for the reply.

    Returns:
        The ids of the new entries, in order.
    """
    pipeline = redis.pipeline(transaction=False)
    for message in messages:
        pipeline.xadd(stream, dict(message))
    ids: list[str] = await pipeline.execute()
    return ids


async def append_patiently(
    redis: Client,
    stream: str,
    messages: Sequence[Mapping[str, str]],
    *,
    give_up_after_s: float,
) -> list[str]:
    """``append``, repeated with backoff while Redis is away or out of memory.

    Raises:
        One of ``UNAVAILABLE``: Redis was still away after ``give_up_after_s``.
    """
    deadline = time.monotonic() + give_up_after_s
    delay = 0.1
    while True:
        try:
            return await append(redis, stream, messages)
        except UNAVAILABLE as error:
            if time.monotonic() + delay > deadline:
                raise
            get_logger().warning("redis away, holding entries", error=str(error), retry_s=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)


@dataclass
class StreamConsumer:
    """One consumer of a group. ``run`` until the stop flag is set; see the module's rules.

    Args:
        url: Redis URL.
        stream: The stream to read.
        group: The consumer group, made at ``0`` when absent.
        name: This consumer's name; stable per slot, so that a restart finds its pending entries.
        handle: Commits a batch. May raise ``EntryInvalid`` for one entry of it, ``Unavailable``,
            or anything else, after which the batch is handled entry by entry.
        on_dead: Commits that an entry is dead, before its dead letter is written; idempotent.
        dead_stream: Where dead letters go.
        batch: Most entries handled at once.
        min_idle_ms: How long an entry of another consumer must be idle to be claimed; at least
            three times the worst batch.
        stuck_after_s: A batch that takes longer ends the process (its supervisor starts it
            again, and the delivery count finds the entry that did it).
    """

    url: str
    stream: str
    group: str
    name: str
    handle: Handler
    on_dead: DeadHandler
    dead_stream: str
    batch: int = 256
    block_ms: int = BLOCK_MS
    min_idle_ms: int = 60_000
    stuck_after_s: float = 300.0
    on_idle: Callable[[], Awaitable[None]] | None = None
    _last_claim: float = field(default=0.0, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; the batch in hand is finished first."""
        log = get_logger().bind(stream=self.stream)
        delay = 0.1
        while not stop.is_set():
            reader = connect_reader(self.url, block_ms=self.block_ms)
            commands = connect(self.url)
            try:
                await self._ensure_group(commands)
                while not stop.is_set():
                    settled = await self._drain_own(commands, stop)
                    await self._claim(commands, stop)
                    entries = await self._read_new(
                        reader, block_ms=self.block_ms if settled else 250
                    )
                    delay = 0.1
                    if entries:
                        await self._process(commands, entries)
                    if self.on_idle is not None:
                        await self.on_idle()
            except (*UNAVAILABLE, Unavailable) as error:
                log.warning("waiting", error=str(error) or type(error).__name__, retry_s=delay)
                await wait_for(stop, delay)
                delay = min(delay * 2, 2.0)
            except ResponseError as error:
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                log.warning("consumer group is gone, making it again")
                await wait_for(stop, delay)
                delay = min(delay * 2, 2.0)
            finally:
                await reader.aclose()
                await commands.aclose()

    async def _ensure_group(self, redis: Client) -> None:
        try:
            await redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
            await self._recover_orphans(redis)

    async def _recover_orphans(self, redis: Client) -> None:
        """An acknowledged entry is deleted with its acknowledgement, so none may be left over."""
        pipeline = redis.pipeline(transaction=True)
        pipeline.xlen(self.stream)
        pipeline.xinfo_groups(self.stream)
        length, groups = await pipeline.execute()
        group = next(found for found in groups if found["name"] == self.group)
        lag = group.get("lag")  # None when Redis cannot tell
        if lag is not None and length > group["pending"] + lag:
            get_logger().error(
                "entries were neither pending nor new, delivering them again",
                stream=self.stream,
                count=length - group["pending"] - lag,
            )
            await redis.xgroup_setid(self.stream, self.group, id="0")

    async def _read_new(self, reader: Client, *, block_ms: int) -> list[Entry]:
        reply = await reader.xreadgroup(
            self.group, self.name, {self.stream: ">"}, count=self.batch, block=block_ms
        )
        return [Entry(entry_id, fields) for _, rows in reply or [] for entry_id, fields in rows]

    async def _drain_own(self, redis: Client, stop: asyncio.Event) -> bool:
        """Handle what is pending for this consumer; True when nothing is left of it."""
        pending = await redis.xpending_range(
            self.stream, self.group, min="-", max="+", count=1000, consumername=self.name
        )
        if not pending:
            return True
        pending.sort(key=lambda row: row["times_delivered"])
        fresh = [row["message_id"] for row in pending if row["times_delivered"] < ALONE_AFTER]
        for start in range(0, len(fresh), self.batch):
            if stop.is_set():
                return False
            await self._process(redis, await self._take(redis, fresh[start : start + self.batch]))
        for row in pending[len(fresh) :]:
            if stop.is_set():
                return False
            if row["times_delivered"] >= MAX_DELIVERIES:
                await self._bury_undelivered(redis, row["message_id"], row["times_delivered"])
            else:
                await self._process(redis, await self._take(redis, [row["message_id"]]))
        return False

    async def _take(self, redis: Client, ids: list[str]) -> list[Entry]:
        """Deliver pending entries to ourselves again; counts as a delivery of each."""
        claimed = await redis.xclaim(
            self.stream, self.group, self.name, min_idle_time=0, message_ids=ids
        )
        entries = [Entry(entry_id, fields) for entry_id, fields in claimed if fields]
        gone = set(ids) - {entry.entry_id for entry in entries}
        if gone:
            # Redis 7 drops a claimed entry whose payload was deleted from the pending list.
            _deleted_ids.labels(self.stream).inc(len(gone))
            get_logger().error("pending entries had no payload", count=len(gone))
        return entries

    async def _claim(self, redis: Client, stop: asyncio.Event) -> None:
        """Take over what consumers that died have left, every third of ``min_idle_ms``."""
        if time.monotonic() - self._last_claim < self.min_idle_ms / 3000:
            return
        cursor = "0-0"
        while not stop.is_set():
            # JUSTID moves the entries into our pending list without counting a delivery;
            # the drain of our own list then applies the poison rules to them.
            cursor, claimed, *deleted = await redis.execute_command(
                "XAUTOCLAIM",
                self.stream,
                self.group,
                self.name,
                self.min_idle_ms,
                cursor,
                "COUNT",
                1000,
                "JUSTID",
            )
            if deleted and deleted[0]:
                _deleted_ids.labels(self.stream).inc(len(deleted[0]))
                get_logger().error("claimed entries had no payload", count=len(deleted[0]))
            if claimed:
                get_logger().info("claimed entries", count=len(claimed))
                await self._drain_own(redis, stop)
            if cursor == "0-0":
                break
        self._last_claim = time.monotonic()

    async def _process(self, redis: Client, entries: list[Entry]) -> None:
        if not entries:
            return
        try:
            await self._handle(entries)
        except Unavailable:
            await self._uncount(redis, entries)
            raise
        except EntryInvalid as invalid:
            await self._bury(redis, invalid.entry, invalid.reason)
            await self._process(redis, [entry for entry in entries if entry is not invalid.entry])
        except Exception as error:  # noqa: BLE001 - whatever an entry did, the others go on
            if len(entries) > 1:
                get_logger().warning("batch failed, handling its entries alone", error=repr(error))
                for entry in entries:
                    await self._process(redis, [entry])
            else:
                await self._failed_alone(redis, entries[0], error)
        else:
            await self._ack(redis, entries)

    async def _handle(self, entries: Sequence[Entry]) -> None:
        task = asyncio.ensure_future(self.handle(entries))
        done, _ = await asyncio.wait({task}, timeout=self.stuck_after_s)
        if not done:
            # The work may sit in a thread, which cannot be cancelled; only a new process helps.
            get_logger().critical("batch is stuck, ending the process", entries=len(entries))
            os._exit(EXIT_STUCK)
        task.result()

    async def _uncount(self, redis: Client, entries: Sequence[Entry]) -> None:
        """Take back the delivery of entries that nothing was wrong with."""
        pipeline = redis.pipeline(transaction=False)
        for entry in entries:
            pipeline.xpending_range(
                self.stream, self.group, min=entry.entry_id, max=entry.entry_id, count=1
            )
        found = await pipeline.execute()
        for row in (row for rows in found for row in rows):
            pipeline.xclaim(
                self.stream, self.group, self.name, min_idle_time=0,
                message_ids=[row["message_id"]], retrycount=row["times_delivered"] - 1, justid=True,
            )  # fmt: skip
        await pipeline.execute()

    async def _deliveries(self, redis: Client, entry: Entry) -> int | None:
        """How often an entry has been delivered; None when it is not pending."""
        rows = await redis.xpending_range(
            self.stream, self.group, min=entry.entry_id, max=entry.entry_id, count=1
        )
        return int(rows[0]["times_delivered"]) if rows else None

    async def _failed_alone(self, redis: Client, entry: Entry, error: Exception) -> None:
        deliveries = await self._deliveries(redis, entry) or MAX_DELIVERIES
        get_logger().warning(
            "entry failed", entry=entry.entry_id, deliveries=deliveries, error=repr(error)
        )
        if deliveries >= MAX_DELIVERIES:
            await self._bury(redis, entry, f"failed {deliveries} times: {error!r}")

    async def _bury_undelivered(self, redis: Client, entry_id: str, deliveries: int) -> None:
        rows = await redis.xrange(self.stream, min=entry_id, max=entry_id)
        fields = rows[0][1] if rows else {}
        await self._bury(
            redis,
            Entry(entry_id, fields),
            f"the process ended while handling it, {deliveries} times",
        )

    async def _bury(self, redis: Client, entry: Entry, reason: str) -> None:
        await self.on_dead(entry, reason)
        fields = dict(entry.fields)
        payload_bytes = sum(len(value.encode()) for value in fields.values())
        if payload_bytes > DEAD_PAYLOAD_BYTES:
            fields = {name: value[:DEAD_PREVIEW_CHARS] for name, value in fields.items()}
            fields["truncated"] = str(payload_bytes)
        fields["deliveries"] = str(await self._deliveries(redis, entry) or 1)
        pipeline = redis.pipeline(transaction=True)
        pipeline.xadd(self.dead_stream, {**fields, "entry": entry.entry_id, "reason": reason[:500]})
        pipeline.xack(self.stream, self.group, entry.entry_id)
        pipeline.xdel(self.stream, entry.entry_id)
        await pipeline.execute()
        _dead.labels(self.stream).inc()
        get_logger().error("dead letter", entry=entry.entry_id, reason=reason[:200])

    async def _ack(self, redis: Client, entries: Sequence[Entry]) -> None:
        ids = [entry.entry_id for entry in entries]
        pipeline = redis.pipeline(transaction=True)
        pipeline.xack(self.stream, self.group, *ids)
        pipeline.xdel(self.stream, *ids)
        await pipeline.execute()
        _acked.labels(self.stream).inc(len(ids))


async def wait_for(
    stop: asyncio.Event, seconds: float, *, wake: asyncio.Event | None = None
) -> None:
    """Return after ``seconds``, or at once when ``stop`` (or ``wake``) is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, wake) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
