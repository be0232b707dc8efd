"""The delivery rules of a Redis stream, once, for every service.

Sending (``append``): one pipelined ``XADD`` per batch, repeated while Redis is away or full. A
repeat after a lost reply may duplicate entries, so receivers deduplicate by id. Streams are never
trimmed: trimming drops entries that nobody has acknowledged.

Receiving (``StreamConsumer``), at least once:

1. The group is made at id ``0`` (never ``$``, which would skip what came before it). Entries that
   are neither new to it nor pending, which only a server that lost writes can leave behind, are
   looked for at each connection and claim, and delivered again.
2. The consumer's own pending entries come first: at start, and after every connection error.
3. A read is never cancelled: a stop flag is looked at between reads, which block half a second.
4. Entries of consumers that died are claimed once they have been idle for ``min_idle_ms``.
5. The handler commits its own work; only then are the entries acknowledged and deleted, in one
   step (``shared.delivery.pending``).
6. Redis's own delivery count finds poison: an entry delivered ``ALONE_AFTER`` times is handled
   alone, fewest deliveries first, so that it can only take itself down; after ``MAX_DELIVERIES``
   it goes to the dead letters, committed before it is acknowledged. A delivery that came to nothing
   because something else was away (Redis, or what the handler calls ``Unavailable``) does not
   count: waiting makes nobody poison.

A dead letter is the entry as it was, with what became of it (``shared.delivery.dead_letters``
writes it, reads it and sends it again).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from redis.exceptions import ResponseError

from shared.delivery.pending import Entry, PendingList
from shared.delivery.redis_client import UNAVAILABLE, Client, connect, connect_reader
from shared.telemetry import get_logger

__all__ = [
    "ALONE_AFTER", "BLOCK_MS", "MAX_DELIVERIES", "DeadHandler", "Entry", "EntryInvalid", "Handler",
    "StreamConsumer", "Unavailable", "append", "append_patiently", "wait_for",
]  # fmt: skip

BLOCK_MS = 500
ALONE_AFTER = 3
MAX_DELIVERIES = 6
EXIT_STUCK = 70  # sysexits.h EX_SOFTWARE
_MAX_DELAY_S = 2.0

# Answers of a server that will do it later: its group was flushed away; it cannot write its disk.
_PASSING = ("NOGROUP", "UNBLOCKED", "MISCONF")


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
        One of ``UNAVAILABLE``, or a ``ResponseError``: Redis was still away after
            ``give_up_after_s``, or refuses for good.
    """
    deadline = time.monotonic() + give_up_after_s
    delay = 0.1
    ids: dict[int, str] = {}
    while True:
        left = [number for number in range(len(messages)) if number not in ids]
        try:
            # What it took of a batch before it was full is not sent again: it could fill it anew
            # each time, and the rest would never come.
            replies = await _append_each(redis, stream, [messages[number] for number in left])
            pairs = list(zip(left, replies, strict=True))
            ids.update((number, reply) for number, reply in pairs if isinstance(reply, str))
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        except (*UNAVAILABLE, ResponseError) as error:
            if not _passes(error) or time.monotonic() + delay > deadline:
                raise
            get_logger().warning("redis away, holding entries", error=str(error), retry_s=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _MAX_DELAY_S)
        else:
            return [ids[number] for number in range(len(messages))]


async def _append_each(
    redis: Client, stream: str, messages: Iterable[Mapping[str, str]]
) -> list[str | Exception]:
    pipeline = redis.pipeline(transaction=False)
    for message in messages:
        pipeline.xadd(stream, dict(message))
    replies: list[str | Exception] = await pipeline.execute(raise_on_error=False)
    return replies


def _passes(error: Exception) -> bool:
    return isinstance(error, (*UNAVAILABLE, Unavailable)) or str(error).startswith(_PASSING)


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
    # What was delivered to us and came to nothing yet: the deliveries it had before.
    _in_flight: dict[str, int] = field(default_factory=dict, init=False)
    # What is to be buried, and why; kept until it is done, however long Redis or SQL is away.
    _to_dead_letter: dict[str, str] = field(default_factory=dict, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; the batch in hand is finished first."""
        delay = 0.1
        while not stop.is_set():
            reader = connect_reader(self.url, block_ms=self.block_ms)
            commands = connect(self.url)
            pending = PendingList(commands, self.stream, self.group, self.name)
            try:
                await pending.ensure_group()
                await self._undo_delivery(pending)
                while not stop.is_set():
                    settled = await self._drain_own(pending, stop)
                    await self._claim(pending, stop)
                    entries = await self._read_new(
                        reader, block_ms=self.block_ms if settled else 250
                    )
                    delay = 0.1
                    if entries:
                        await self._process(pending, entries)
                    if self.on_idle is not None:
                        await self.on_idle()
            except (*UNAVAILABLE, Unavailable, ResponseError) as error:
                if not _passes(error):
                    raise
                get_logger().warning(
                    "waiting",
                    stream=self.stream,
                    error=str(error) or type(error).__name__,
                    retry_s=delay,
                )
                await wait_for(stop, delay)
                delay = min(delay * 2, _MAX_DELAY_S)
            finally:
                await reader.aclose()
                await commands.aclose()

    async def _read_new(self, reader: Client, *, block_ms: int) -> list[Entry]:
        reply = await reader.xreadgroup(
            self.group, self.name, {self.stream: ">"}, count=self.batch, block=block_ms
        )
        entries = [Entry(entry_id, fields) for _, rows in reply or [] for entry_id, fields in rows]
        self._in_flight.update((entry.entry_id, 0) for entry in entries)
        return entries

    async def _drain_own(self, pending: PendingList, stop: asyncio.Event) -> bool:
        """Handle what is pending for this consumer; True when nothing is left of it."""
        counts = await pending.counts()
        if not counts:
            self._to_dead_letter.clear()
            return True
        fresh = [entry_id for entry_id, count in counts.items() if count < ALONE_AFTER]
        suspects = [entry_id for entry_id, count in counts.items() if count >= ALONE_AFTER]
        for start in range(0, len(fresh), self.batch):
            if stop.is_set():
                return False
            await self._redeliver(pending, fresh[start : start + self.batch], counts)
        for entry_id in suspects:
            if stop.is_set():
                return False
            await self._redeliver(pending, [entry_id], counts)
        return False

    async def _redeliver(
        self, pending: PendingList, ids: Sequence[str], counts: Mapping[str, int]
    ) -> None:
        """Handle pending entries again, or bury those that had their chances."""
        again: dict[str, int] = {}
        for entry_id in ids:
            reason = self._to_dead_letter.get(entry_id)
            if reason is None and counts[entry_id] >= MAX_DELIVERIES:
                reason = f"the process ended while handling it, {counts[entry_id]} times"
            if reason is None:
                again[entry_id] = counts[entry_id]
            else:
                await self._dead_letter(pending, await pending.payload(entry_id), reason)
        if again:
            self._in_flight.update(again)
            await self._process(pending, await pending.deliver(again))

    async def _claim(self, pending: PendingList, stop: asyncio.Event) -> None:
        """Take over what consumers that died have left, every third of ``min_idle_ms``."""
        if time.monotonic() - self._last_claim < self.min_idle_ms / 3000:
            return
        cursor = "0-0"
        while not stop.is_set():
            cursor, claimed = await pending.claim(cursor, min_idle_ms=self.min_idle_ms)
            if claimed:
                # The drain of our own list applies the poison rules to them.
                get_logger().info("claimed entries", count=claimed)
                await self._drain_own(pending, stop)
            if cursor == "0-0":
                break
        # Also here: Redis can tell what is left over only of a group that has read all there is.
        await pending.ensure_group()
        self._last_claim = time.monotonic()

    async def _process(self, pending: PendingList, entries: list[Entry]) -> None:
        if not entries:
            return
        try:
            await self._handle(entries)
        except Unavailable:
            await self._undo_delivery(pending)
            raise
        except EntryInvalid as invalid:
            await self._dead_letter(pending, invalid.entry, invalid.reason)
            await self._process(pending, [entry for entry in entries if entry is not invalid.entry])
        except Exception as error:  # noqa: BLE001 - whatever an entry did, the others go on
            if len(entries) > 1:
                get_logger().warning("batch failed, handling its entries alone", error=repr(error))
                for entry in entries:
                    await self._process(pending, [entry])
            else:
                await self._failed_alone(pending, entries[0], error)
        else:
            await self._acknowledge(pending, entries)

    async def _handle(self, entries: Sequence[Entry]) -> None:
        task = asyncio.ensure_future(self.handle(entries))
        done, _ = await asyncio.wait({task}, timeout=self.stuck_after_s)
        if not done:
            # The work may sit in a thread, which cannot be cancelled; only a new process helps.
            get_logger().critical("batch is stuck, ending the process", entries=len(entries))
            os._exit(EXIT_STUCK)
        task.result()

    async def _undo_delivery(self, pending: PendingList) -> None:
        """Take back the deliveries of entries that nothing was found wrong with."""
        if self._in_flight:
            await pending.restore(self._in_flight)
            self._in_flight.clear()

    async def _failed_alone(self, pending: PendingList, entry: Entry, error: Exception) -> None:
        self._in_flight.pop(entry.entry_id, None)  # this delivery counts
        deliveries = await pending.deliveries(entry.entry_id) or MAX_DELIVERIES
        get_logger().warning(
            "entry failed", entry=entry.entry_id, deliveries=deliveries, error=repr(error)
        )
        if deliveries >= MAX_DELIVERIES:
            await self._dead_letter(pending, entry, f"failed {deliveries} times: {error!r}")

    async def _dead_letter(self, pending: PendingList, entry: Entry, reason: str) -> None:
        self._in_flight.pop(entry.entry_id, None)
        self._to_dead_letter[entry.entry_id] = reason
        await self.on_dead(entry, reason)
        await pending.dead_letter(self.dead_stream, entry, reason)
        del self._to_dead_letter[entry.entry_id]

    async def _acknowledge(self, pending: PendingList, entries: Sequence[Entry]) -> None:
        """Everything the handler was asked for is committed: only now."""
        await pending.acknowledge(entries)
        for entry in entries:
            self._in_flight.pop(entry.entry_id, None)


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
