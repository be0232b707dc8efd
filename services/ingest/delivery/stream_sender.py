"""The buffer between a crawl and the stream ``reviews``; knows no Scrapy.

1. An id that this attempt has sent already is not sent again.
2. Messages wait in a buffer, at most ``BATCH`` of them or ``LINGER_S``. Then they are held on disk
   (``Visits.hold``) and go out with one pipelined ``XADD`` whose reply is waited for. While Redis
   is away they wait, and after ``STALL_S`` the crawl waits with them.
3. Only what the reply confirmed enters the ledger, in one transaction with the visits of the pages
   whose last item that was. Messages go out in the order in which they were taken, so a page is
   done as soon as as many are confirmed as had been taken when its last item was.
4. A stream as long as ``stream_high`` pauses the crawl until the embedder has brought it down to
   ``stream_low``. Nothing is ever trimmed.
5. What an earlier attempt at the run held and could not confirm is sent first (``start``).
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
from shared.delivery.messages import REVIEWS_STREAM, MovieMessage, ReviewMessage, ledger_id
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.delivery.streams import append_patiently
from shared.telemetry import get_logger

BATCH = 100
LINGER_S = 0.2
PAUSE_POLL_S = 0.25
STALL_S = 1.0

Message = MovieMessage | ReviewMessage


class Limits(Protocol):
    """What the sender knows of a crawl: ``services.ingest.crawl.scrapy_settings.Crawl`` is one."""

    @property
    def stream_high(self) -> int:
        """Stream length at which it pauses."""

    @property
    def stream_low(self) -> int:
        """Stream length at which it goes on."""

    @property
    def give_up_after_s(self) -> float:
        """How long Redis may be away."""


@dataclass
class StreamSender:
    """Takes messages and pages, in order.

    Args:
        redis: For the stream.
        limits: Of the stream, and of our patience.
        visits: Where the pages of which everything is confirmed are recorded.
        on_lost: Called with a reason, once, when nothing more can be sent.
        on_full: Called with True when the crawl should wait, as the stream has reached its upper
            mark or Redis does not answer, and with False when it may go on.
    """

    redis: Client
    limits: Limits
    visits: Visits
    on_lost: Callable[[str], None]
    on_full: Callable[[bool], None]
    ledger: RunTotals = field(init=False)
    _buffer: list[tuple[str, Message]] = field(default_factory=list, init=False)
    _seen: set[str] = field(default_factory=set, init=False)
    _taken: int = field(default=0, init=False)
    _confirmed: int = field(default=0, init=False)
    _waiting: deque[tuple[int, Visit]] = field(default_factory=deque, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _room: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _timer: asyncio.Task[None] | None = field(default=None, init=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False)
    _flushing: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _is_lost: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._room.set()
        self.ledger = RunTotals.of(self.visits.sent_items())

    @property
    def taken(self) -> int:
        """Messages taken by this attempt."""
        return self._taken

    @property
    def unsent(self) -> int:
        """Messages taken that the stream has not confirmed."""
        return len(self._buffer)

    async def start(self) -> None:
        """Send what an earlier attempt held: it may or may not be on the stream."""
        held = self.visits.held()
        if held:
            get_logger().info("sending again what was held", messages=len(held))
            async with self._lock:
                await self._deliver(held)

    async def send(self, message: Message) -> bool:
        """Take a message; False when it was taken before. Waits when the buffer is full."""
        name = ledger_id(message.kind, message.item_id)
        if name in self._seen:
            return False
        self._seen.add(name)
        self._buffer.append((name, message))
        self._taken += 1
        if len(self._buffer) >= BATCH:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._flush_soon())
            self._flushing.add(self._timer)  # the loop itself holds tasks only weakly
            self._timer.add_done_callback(self._flushing.discard)
        return True

    def done(self, visit: Visit) -> None:
        """Record a visit as soon as everything taken up to now is confirmed."""
        if self._confirmed < self._taken:
            self._waiting.append((self._taken, visit))
            return
        try:
            self.visits.record(visit)
        except sqlite3.Error as error:
            self._lose(f"visits cannot be recorded: {error}")

    async def room(self) -> None:
        """Wait until the buffer has room and the stream is not full: for a fast producer."""
        await self._room.wait()
        if len(self._buffer) >= BATCH or self._lock.locked():
            async with self._lock:
                pass

    async def flush(self) -> None:
        """Send all that is buffered, in batches, and wait for the stream's word."""
        async with self._lock:
            while self._buffer and not self._is_lost:
                batch = self._buffer[:BATCH]
                fields = [(name, message.to_fields()) for name, message in batch]
                if not await self._deliver(fields, taken=True):
                    return
                await self._heed_length()

    async def close(self) -> None:
        """Flush, and end the tasks."""
        for task in (self._timer, self._watch):
            if task is not None:
                task.cancel()
        await self.flush()

    async def _deliver(
        self, messages: Sequence[tuple[str, Fields]], *, taken: bool = False
    ) -> bool:
        """Hold, send, confirm; ``taken``: they are the first in the buffer."""
        try:
            self.visits.hold(messages)
            with self._stalling():
                await append_patiently(
                    self.redis,
                    REVIEWS_STREAM,
                    [fields for _, fields in messages],
                    give_up_after_s=self.limits.give_up_after_s,
                )
            # Only now, so that nothing is forgotten if the task is cancelled meanwhile.
            number = len(messages) if taken else 0
            self._confirm([name for name, _ in messages], number)
        except (*UNAVAILABLE, RedisError) as error:
            self._lose(f"Redis took no more, {self.unsent} items unsent: {error}")
        except sqlite3.Error as error:
            self._lose(f"visits cannot be recorded: {error}")
        return not self._is_lost

    @contextmanager
    def _stalling(self) -> Iterator[None]:
        """Make the crawl wait if this takes long."""
        stall = asyncio.get_running_loop().call_later(STALL_S, self.on_full, True)
        try:
            yield
        finally:
            has_stalled = stall.when() <= asyncio.get_running_loop().time()
            stall.cancel()
            if has_stalled and self._room.is_set():
                self.on_full(False)

    def _confirm(self, names: Sequence[str], number: int) -> None:
        confirmed = self._confirmed + number
        done = []
        for after, visit in self._waiting:
            if after > confirmed:
                break
            done.append(visit)
        for item in self.visits.confirm(names, done):
            self.ledger.add(item)
        self._confirmed = confirmed
        del self._buffer[:number]
        for _ in done:
            self._waiting.popleft()

    def _lose(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self.on_lost(reason)

    async def _flush_soon(self) -> None:
        await asyncio.sleep(LINGER_S)
        # Cleared first: what arrives during the flush starts the next timer.
        self._timer = None
        await self.flush()

    async def _heed_length(self) -> None:
        """Look how full the stream is."""
        try:
            length = await self.redis.xlen(REVIEWS_STREAM)
        except UNAVAILABLE as error:
            get_logger().warning("length of the stream unknown", error=str(error))
            return
        if length >= self.limits.stream_high and self._room.is_set():
            get_logger().info("stream is full, pausing", entries=length)
            self._room.clear()
            self.on_full(True)
            self._watch = asyncio.create_task(self._wait_for_room())

    async def _wait_for_room(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_POLL_S)
            try:
                length = await self.redis.xlen(REVIEWS_STREAM)
            except UNAVAILABLE:
                continue
            if length <= self.limits.stream_low:
                get_logger().info("stream has room, going on", entries=length)
                self._room.set()
                self.on_full(False)
                return
