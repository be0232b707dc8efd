"""The delivery rules of a Redis stream, written once for every service.

Sending (``append``): one pipelined ``XADD`` per batch, retried while Redis is unavailable or full.
A retry after a lost reply may duplicate entries, so receivers deduplicate by id. Streams are never
trimmed: trimming drops entries that no consumer has acknowledged.

Receiving (``StreamConsumer``), at least once:

1. The group is created at id ``0`` (never ``$``, which would skip all earlier entries). Entries
   that are neither new to the group nor pending, which only a server that lost writes can leave
   behind, are looked for at each connection and claim, and delivered again.
2. The consumer's own pending entries come first: at start, and after every connection error.
3. A read is never cancelled: the stop flag is checked between reads, which block half a second.
4. Entries of dead consumers are claimed once they have been idle for ``min_idle_ms``.
5. The handler commits its own work; only then are the entries acknowledged and deleted, in one
   step (``shared.delivery.pending``).
6. Redis's own delivery count finds poison: an entry delivered ``ALONE_AFTER`` times is handled
   alone, fewest deliveries first, so that it cannot make other entries fail; after
   ``MAX_DELIVERIES`` it becomes a dead letter, which is committed before it is acknowledged. A
   delivery that failed because a dependency was unavailable (Redis, or what the handler reports as
   ``Unavailable``) does not count: waiting turns no entry into poison.

A dead letter is the entry's fields with what happened to it (``shared.delivery.dead_letters``
builds it, reads it and replays it).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from redis.exceptions import ResponseError

from shared.delivery.pending import Entry, PendingList
from shared.delivery.redis_client import (
    UNAVAILABLE,
    Client,
    connect,
    connect_reader,
    log_unavailable,
)
from shared.system.retry import Backoff, retry, wait_for
from shared.telemetry import get_logger

__all__ = [
    "ALONE_AFTER", "BLOCK_MS", "MAX_DELIVERIES", "DeadHandler", "Entry", "EntryInvalid", "Handler",
    "StreamConsumer", "Unavailable", "append", "append_patiently",
]  # fmt: skip

BLOCK_MS = 500
ALONE_AFTER = 3
MAX_DELIVERIES = 6
EXIT_STUCK = 70  # sysexits.h EX_SOFTWARE

# Replies of a server that may accept the command later: its group was flushed away, or it cannot
# write to its disk.
_TEMPORARY = ("NOGROUP", "UNBLOCKED", "MISCONF")


class EntryInvalid(ValueError):
    """Raised by a handler when an entry can never be processed: it becomes a dead letter.

    Args:
        entry: The entry, one of the batch.
        reason: What is wrong with it.
    """

    def __init__(self, entry: Entry, reason: str) -> None:
        super().__init__(reason)
        self.entry = entry
        self.reason = reason


class Unavailable(Exception):
    """Raised by a handler when something it needs is unavailable: the batch is delivered again."""


Handler = Callable[[Sequence[Entry]], Awaitable[None]]
DeadHandler = Callable[[Entry, str], Awaitable[None]]


async def append(redis: Client, stream: str, messages: Iterable[Mapping[str, str]]) -> list[str]:
    """Add entries to a stream with one pipelined ``XADD`` and wait for the replies.

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
    """``append``, retried with backoff while Redis is unavailable or out of memory.

    Args:
        redis: Client of the server that holds the stream.
        stream: The stream to add to.
        messages: The fields of each entry.
        give_up_after_s: No attempt is made later than this.

    Returns:
        The ids of the new entries, in order.

    Raises:
        One of ``UNAVAILABLE``, or a ``ResponseError``: Redis was unavailable until
            ``give_up_after_s``, or refuses an entry permanently.
    """
    ids: dict[int, str] = {}

    async def append_missing() -> None:
        # What Redis took of a batch before its memory was full is not sent again: it could fill
        # the memory again each time, and the other entries would never be accepted.
        missing = [number for number in range(len(messages)) if number not in ids]
        replies = await _append_each(redis, stream, [messages[number] for number in missing])
        pairs = list(zip(missing, replies, strict=True))
        ids.update((number, reply) for number, reply in pairs if isinstance(reply, str))
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply

    await retry(
        append_missing,
        on=_is_temporary,
        give_up_after_s=give_up_after_s,
        on_retry=log_unavailable,
    )
    return [ids[number] for number in range(len(messages))]


async def _append_each(
    redis: Client, stream: str, messages: Iterable[Mapping[str, str]]
) -> list[str | Exception]:
    pipeline = redis.pipeline(transaction=False)
    for message in messages:
        pipeline.xadd(stream, dict(message))
    replies: list[str | Exception] = await pipeline.execute(raise_on_error=False)
    return replies


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, ResponseError) and str(error).startswith(_TEMPORARY):
        return True
    return isinstance(error, (*UNAVAILABLE, Unavailable))


@dataclass
class StreamConsumer:
    """One consumer of a group, by the rules of this module.

    Example::

        async def handle(entries: Sequence[Entry]) -> None:
            store(parse(entry.fields) for entry in entries)  # commits

        async def on_dead(entry: Entry, reason: str) -> None:
            count_refused(entry)  # commits

        consumer = StreamConsumer(
            url=url, stream=REVIEWS_STREAM, group=EMBEDDER_GROUP, name="embedder-1",
            handle=handle, on_dead=on_dead, dead_stream=DEAD_LETTERS_STREAM,
        )
        await consumer.run(stop)  # until the event ``stop`` is set

    Args:
        url: Redis URL.
        stream: The stream to read.
        group: The consumer group; created at ``0`` when absent.
        name: This consumer's name; the same after a restart, so that it finds its pending entries.
        handle: Commits a batch. May raise ``EntryInvalid`` for one of its entries, ``Unavailable``,
            or anything else, after which its entries are handled one by one.
        on_dead: Commits that an entry becomes a dead letter, before it does; idempotent.
        dead_stream: The stream of the dead letters.
        batch: The maximal number of entries that are handled at once.
        block_ms: How long a read waits for entries.
        min_idle_ms: How long an entry of another consumer must be idle to be claimed; at least
            three times the duration of the slowest batch.
        stuck_after_s: A batch that takes longer ends the process: its supervisor restarts it, and
            the delivery count finds the entry at fault.
        on_idle: Called after every read.
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
    # Entries that were delivered and not settled yet, with the deliveries they had before.
    _in_flight: dict[str, int] = field(default_factory=dict, init=False)
    # Entries that must become dead letters, with the reason, until that is committed.
    _to_dead_letter: dict[str, str] = field(default_factory=dict, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; the current batch is finished first."""
        backoff = Backoff()
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
                    backoff.reset()
                    if entries:
                        await self._process(pending, entries)
                    if self.on_idle is not None:
                        await self.on_idle()
            except (*UNAVAILABLE, Unavailable, ResponseError) as error:
                if not _is_temporary(error):
                    raise
                delay_s = backoff.next_s()
                get_logger().warning(
                    "consumer retrying",
                    stream=self.stream,
                    error=str(error) or type(error).__name__,
                    retry_s=delay_s,
                )
                await wait_for(stop, delay_s)
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
        """Handle the entries pending for this consumer; True when there are none."""
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
        """Handle pending entries again; those with too many deliveries become dead letters."""
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
        """Take over the entries of dead consumers, every third of ``min_idle_ms``."""
        if time.monotonic() - self._last_claim < self.min_idle_ms / 3000:
            return
        cursor = "0-0"
        while not stop.is_set():
            cursor, claimed = await pending.claim(cursor, min_idle_ms=self.min_idle_ms)
            if claimed:
                # Draining this consumer's own list applies the poison rules to them.
                get_logger().info("claimed entries", count=claimed)
                await self._drain_own(pending, stop)
            if cursor == "0-0":
                break
        # Also here: Redis finds lost entries only in a group that has read the whole stream.
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
        except Exception as error:  # noqa: BLE001 - one entry must not stop the others
            if len(entries) > 1:
                get_logger().warning("batch failed, handling entries one by one", error=repr(error))
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
            # The work may be in a thread, which cannot be cancelled; only a new process helps.
            get_logger().critical("batch stuck, exiting", entries=len(entries))
            os._exit(EXIT_STUCK)
        task.result()

    async def _undo_delivery(self, pending: PendingList) -> None:
        """Do not count the deliveries of entries that were not at fault."""
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
        """Acknowledge entries, after the handler has committed its work."""
        await pending.acknowledge(entries)
        for entry in entries:
            self._in_flight.pop(entry.entry_id, None)
