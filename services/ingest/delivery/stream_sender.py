"""The buffer between a crawl and the stream ``reviews``; independent of Scrapy.

1. An id that this attempt has already accepted is not sent again.
2. Messages wait in a buffer until there are ``BATCH`` of them, or for ``LINGER_S``. Then they are
   held on disk (``Visits.hold``) and sent with one pipelined ``XADD``, whose reply the sender waits
   for. While Redis is unavailable they wait, and after ``STALL_S`` the crawl waits too.
3. Only items that the reply confirmed are counted as sent, in one transaction with the visits of
   the pages whose last item was among them. Messages are sent in the order in which they were
   accepted, so a page is finished as soon as the number of confirmed messages reaches the number
   that had been accepted after its last item.
4. When the stream reaches ``stream_high`` entries, the crawl pauses until the embedder has reduced
   it to ``stream_low``. The stream is never trimmed.
5. Messages that an earlier attempt at the run held and did not confirm are sent first (``start``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from redis.exceptions import RedisError

from services.ingest.delivery.run_totals import RunTotals
from services.ingest.visits.page_results import Visit
from services.ingest.visits.visits import Fields, Visits
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage, ledger_id
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.delivery.streams import append_patiently
from shared.telemetry import get_logger

BATCH = 100
LINGER_S = 0.2
PAUSE_POLL_S = 0.25
STALL_S = 1.0

Message = MovieMessage | ReviewMessage


class Limits(Protocol):
    """The limits that the sender needs; ``services.ingest.context.Crawl`` has them."""

    @property
    def stream_high(self) -> int:
        """Stream length, in entries, at which the crawl pauses."""

    @property
    def stream_low(self) -> int:
        """Stream length, in entries, at which a paused crawl continues."""

    @property
    def give_up_after_s(self) -> float:
        """Seconds for which Redis may be unavailable before the sender gives up."""


@dataclass
class StreamSender:
    """Accepts messages and visits in order, and sends the messages in batches.

    Args:
        redis: Connection for the stream.
        limits: The stream's marks, and how long to wait for Redis.
        visits: Records the visits whose items are all confirmed.
        on_lost: Called once, with the reason, when nothing more can be sent.
        on_full: Called with True when the crawl should pause, because the stream has reached its
            upper mark or Redis does not answer, and with False when it may continue.

    Example::

        sender = StreamSender(redis, crawl, visits, on_lost=print, on_full=pause_or_resume)
        await sender.start()
        for message in messages_of_page:
            await sender.send(message)
        sender.record_when_confirmed(visit)  # the visit of that page
        await sender.close()
    """

    redis: Client
    limits: Limits
    visits: Visits
    on_lost: Callable[[str], None]
    on_full: Callable[[bool], None]
    totals: RunTotals = field(init=False)
    _buffer: list[tuple[str, Message]] = field(default_factory=list, init=False)
    _accepted_ids: set[str] = field(default_factory=set, init=False)
    _accepted: int = field(default=0, init=False)
    _confirmed: int = field(default=0, init=False)
    _unrecorded: deque[tuple[int, Visit]] = field(default_factory=deque, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _has_room: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _timer: asyncio.Task[None] | None = field(default=None, init=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False)
    _flushing: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _is_lost: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._has_room.set()
        self.totals = RunTotals.of(self.visits.sent_items())

    @property
    def accepted(self) -> int:
        """Number of messages that this attempt has accepted."""
        return self._accepted

    @property
    def unsent(self) -> int:
        """Number of accepted messages that the stream has not confirmed."""
        return len(self._buffer)

    async def start(self) -> None:
        """Send the messages that an earlier attempt held; they may already be on the stream."""
        held = self.visits.held()
        if held:
            get_logger().info("resending held messages", messages=len(held))
            async with self._lock:
                await self._deliver(held)

    async def send(self, message: Message) -> bool:
        """Accept a message; waits while the buffer is full.

        Returns:
            False when this attempt has already accepted a message with the same id.
        """
        item = ledger_id(message.kind, message.item_id)
        if item in self._accepted_ids:
            return False
        self._accepted_ids.add(item)
        self._buffer.append((item, message))
        self._accepted += 1
        if len(self._buffer) >= BATCH:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._flush_soon())
            self._flushing.add(self._timer)  # the event loop holds tasks only weakly
            self._timer.add_done_callback(self._flushing.discard)
        return True

    def record_when_confirmed(self, visit: Visit) -> None:
        """Record a visit as soon as every message accepted so far is confirmed."""
        if self._confirmed < self._accepted:
            self._unrecorded.append((self._accepted, visit))
            return
        try:
            self.visits.record(visit)
        except sqlite3.Error as error:
            self._give_up(f"visits cannot be recorded: {error}")

    async def wait_for_room(self) -> None:
        """Wait until the buffer has room and the stream is not full; for a fast producer."""
        await self._has_room.wait()
        if len(self._buffer) >= BATCH or self._lock.locked():
            async with self._lock:
                pass

    async def flush(self) -> None:
        """Send all buffered messages in batches, and wait until the stream confirms them."""
        async with self._lock:
            while self._buffer and not self._is_lost:
                batch = self._buffer[:BATCH]
                fields = [(item, message.to_fields()) for item, message in batch]
                if not await self._deliver(fields, is_buffered=True):
                    return
                await self._pause_if_stream_is_full()

    async def close(self) -> None:
        """Flush, and cancel the background tasks."""
        for task in (self._timer, self._watch):
            if task is not None:
                task.cancel()
        await self.flush()

    async def _deliver(
        self, messages: Sequence[tuple[str, Fields]], *, is_buffered: bool = False
    ) -> bool:
        """Hold messages on disk, send them, and confirm them.

        Args:
            messages: Ledger id and stream fields of each message.
            is_buffered: Whether they are the first messages of the buffer.

        Returns:
            False when nothing more can be sent.
        """
        try:
            self.visits.hold(messages)
            with self._pausing_when_slow():
                await append_patiently(
                    self.redis,
                    REVIEWS_STREAM,
                    [fields for _, fields in messages],
                    give_up_after_s=self.limits.give_up_after_s,
                )
            # Only now, so that the buffer still has them if the task is cancelled meanwhile.
            number = len(messages) if is_buffered else 0
            self._confirm([item for item, _ in messages], number)
        except (*UNAVAILABLE, RedisError) as error:
            self._give_up(f"Redis did not accept {self.unsent} items: {error}")
        except sqlite3.Error as error:
            self._give_up(f"visits cannot be recorded: {error}")
        return not self._is_lost

    @contextmanager
    def _pausing_when_slow(self) -> Iterator[None]:
        """Pause the crawl while the body takes longer than ``STALL_S``."""
        stall = asyncio.get_running_loop().call_later(STALL_S, self.on_full, True)
        try:
            yield
        finally:
            has_stalled = stall.when() <= asyncio.get_running_loop().time()
            stall.cancel()
            if has_stalled and self._has_room.is_set():
                self.on_full(False)

    def _confirm(self, items: Sequence[str], number: int) -> None:
        """Count items as sent, and drop the first ``number`` messages of the buffer."""
        confirmed = self._confirmed + number
        finished = []
        for accepted, visit in self._unrecorded:
            if accepted > confirmed:
                break
            finished.append(visit)
        for item in self.visits.confirm(items, finished):
            self.totals.add(item)
        self._confirmed = confirmed
        del self._buffer[:number]
        for _ in finished:
            self._unrecorded.popleft()

    def _give_up(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self.on_lost(reason)

    async def _flush_soon(self) -> None:
        await asyncio.sleep(LINGER_S)
        # Cleared first: a message that arrives during the flush starts the next timer.
        self._timer = None
        await self.flush()

    async def _pause_if_stream_is_full(self) -> None:
        try:
            length = await self.redis.xlen(REVIEWS_STREAM)
        except UNAVAILABLE as error:
            get_logger().warning("stream length unknown", error=str(error))
            return
        if length >= self.limits.stream_high and self._has_room.is_set():
            get_logger().info("stream full, crawl paused", entries=length)
            self._has_room.clear()
            self.on_full(True)
            self._watch = asyncio.create_task(self._resume_when_drained())

    async def _resume_when_drained(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_POLL_S)
            try:
                length = await self.redis.xlen(REVIEWS_STREAM)
            except UNAVAILABLE:
                continue
            if length <= self.limits.stream_low:
                get_logger().info("stream drained, crawl resumed", entries=length)
                self._has_room.set()
                self.on_full(False)
                return
