"""From items to the stream ``reviews``, each exactly counted.

1. An item is checked (``shared.messages``). A bad one is dropped, counted, and logged with why.
2. An id that this run has sent already is not sent again.
3. Messages wait in a buffer, at most ``BATCH`` of them or ``LINGER_S``, then go out with one
   pipelined ``XADD`` whose reply is waited for; while Redis is away they are held.
4. Only what the reply confirmed enters the ledger, and the run's record shows the counts.
5. A stream as long as ``stream_high`` pauses the engine until the embedder has brought it down to
   ``stream_low``. Nothing is ever trimmed.
6. Closing flushes. The closing ``run_end`` is not sent here but by ``crawl``, which knows whether
   the crawl as a whole went well; the ledger reaches it by way of Scrapy's stats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from pydantic import ValidationError
from redis.exceptions import RedisError
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from services.ingest.items import MovieItem, ReviewItem, to_movie, to_review
from services.ingest.settings import Crawl, crawl_of
from shared import runs
from shared.messages import (
    REVIEWS_STREAM,
    MovieMessage,
    ReviewMessage,
    checksum_of_ids,
    ledger_id,
)
from shared.redis import UNAVAILABLE, Client, connect
from shared.streams import append_patiently
from shared.telemetry import get_logger

BATCH = 100
LINGER_S = 0.2
PAUSE_POLL_S = 0.25
INVALID_LOGGED = 20  # of each run; the count tells the rest

STAT_EMITTED = "ledger/emitted"
STAT_CHECKSUM = "ledger/checksum"
STAT_MOVIES = "ledger/movies"
STAT_REVIEWS = "ledger/reviews"
STAT_INVALID = "ledger/invalid"
STAT_FAULT = "crawl/fault"  # why the crawl cannot count as done

Message = MovieMessage | ReviewMessage


@dataclass(slots=True)
class Ledger:
    """What a run has sent: distinct items, and the order-free checksum of their ids."""

    movies: int = 0
    reviews: int = 0
    checksum: int = 0

    @property
    def emitted(self) -> int:
        """Distinct items sent."""
        return self.movies + self.reviews

    def add(self, message: Message) -> None:
        """Count a message that the stream has taken."""
        if isinstance(message, MovieMessage):
            self.movies += 1
        else:
            self.reviews += 1
        one = checksum_of_ids([ledger_id(message.kind, message.item_id)])
        self.checksum = (self.checksum + one) % 2**64


@dataclass
class StreamSender:
    """The buffer between a crawl and the stream; knows no Scrapy.

    Args:
        redis: For the stream and the run's record.
        crawl: Run and limits.
        on_lost: Called with a reason, once, when Redis stayed away too long or refused.
        on_full: Called when the stream has reached its upper mark (True) and when it has come
            down to the lower one (False).
    """

    redis: Client
    crawl: Crawl
    on_lost: Callable[[str], None]
    on_full: Callable[[bool], None]
    ledger: Ledger = field(default_factory=Ledger)
    _buffer: list[Message] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _timer: asyncio.Task[None] | None = None
    _watch: asyncio.Task[None] | None = None
    _flushing: set[asyncio.Task[None]] = field(default_factory=set)
    _is_lost: bool = False

    def __post_init__(self) -> None:
        self._room.set()

    @property
    def unsent(self) -> int:
        """Messages taken that the stream has not confirmed."""
        return len(self._buffer)

    async def send(self, message: Message) -> bool:
        """Take a message; False when this run had it before. Waits when the buffer is full."""
        name = ledger_id(message.kind, message.item_id)
        if name in self._seen:
            return False
        self._seen.add(name)
        self._buffer.append(message)
        if len(self._buffer) >= BATCH:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._flush_soon())
            self._flushing.add(self._timer)  # the loop itself holds tasks only weakly
            self._timer.add_done_callback(self._flushing.discard)
        return True

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
                try:
                    await append_patiently(
                        self.redis,
                        REVIEWS_STREAM,
                        [message.to_fields() for message in batch],
                        give_up_after_s=self.crawl.give_up_after_s,
                    )
                except (*UNAVAILABLE, RedisError) as error:
                    self._is_lost = True
                    self.on_lost(f"Redis took no more, {self.unsent} items unsent: {error}")
                    return
                # Only now, so that nothing is forgotten if the task is cancelled meanwhile.
                del self._buffer[: len(batch)]
                for message in batch:
                    self.ledger.add(message)
                await self._tell()

    async def close(self) -> None:
        """Flush, and end the tasks."""
        for task in (self._timer, self._watch):
            if task is not None:
                task.cancel()
        await self.flush()

    async def _flush_soon(self) -> None:
        await asyncio.sleep(LINGER_S)
        # Cleared first: what arrives during the flush starts the next timer.
        self._timer = None
        await self.flush()

    async def _tell(self) -> None:
        """Show progress, and look how full the stream is."""
        try:
            await runs.set_fields(
                self.redis,
                self.crawl.run_id,
                movies=self.ledger.movies,
                crawled=self.ledger.reviews,
            )
            length = await self.redis.xlen(REVIEWS_STREAM)
        except UNAVAILABLE as error:
            get_logger().warning("progress not shown", error=str(error))
            return
        if length >= self.crawl.stream_high and self._room.is_set():
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
            if length <= self.crawl.stream_low:
                get_logger().info("stream has room, going on", entries=length)
                self._room.set()
                self.on_full(False)
                return


class StreamPipeline:
    """Scrapy's side of it: items in, counts out."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._crawl = crawl_of(crawler.settings)
        self._invalid = 0
        self._sender: StreamSender | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    @property
    def sender(self) -> StreamSender:
        """The buffer, once the spider is open."""
        if self._sender is None:
            raise RuntimeError("the spider is not open")
        return self._sender

    async def open_spider(self) -> None:
        """Scrapy's hook: connect."""
        self._sender = StreamSender(
            connect(self._crawl.redis_url), self._crawl, self._on_lost, self._on_full
        )

    async def process_item(self, item: MovieItem | ReviewItem) -> MovieItem | ReviewItem:
        """Scrapy's hook: check an item and send it.

        Raises:
            DropItem: it is invalid, or has been sent before.
        """
        try:
            message = self._message(item)
        except (ValidationError, TypeError) as error:
            self._refuse(item, error)
            raise DropItem("invalid", log_level="DEBUG") from error
        if not await self.sender.send(message):
            raise DropItem("seen before", log_level="DEBUG")
        return item

    async def close_spider(self) -> None:
        """Scrapy's hook: flush, and leave the ledger in the stats."""
        sender = self.sender
        try:
            await sender.close()
        finally:
            stats = self._crawler.stats
            if sender.unsent and stats.get_value(STAT_FAULT) is None:
                stats.set_value(STAT_FAULT, f"{sender.unsent} items were not sent")
            stats.set_value(STAT_EMITTED, sender.ledger.emitted)
            stats.set_value(STAT_CHECKSUM, sender.ledger.checksum)
            stats.set_value(STAT_MOVIES, sender.ledger.movies)
            stats.set_value(STAT_REVIEWS, sender.ledger.reviews)
            stats.set_value(STAT_INVALID, self._invalid)
            await sender.redis.aclose()

    def _message(self, item: object) -> Message:
        run_id, source = self._crawl.run_id, self._crawl.source.name
        if isinstance(item, MovieItem):
            return MovieMessage(run_id=run_id, source=source, movie=to_movie(item))
        if isinstance(item, ReviewItem):
            return ReviewMessage(run_id=run_id, source=source, review=to_review(item, source))
        raise TypeError(f"{type(item).__name__} is neither a movie nor a review")

    def _refuse(self, item: object, error: Exception) -> None:
        self._invalid += 1
        if self._invalid > INVALID_LOGGED:
            return
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors(include_input=False, include_url=False)[0]
            reason = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        get_logger().warning(
            "item dropped",
            kind=type(item).__name__,
            movie_id=str(getattr(item, "movie_id", None))[:80],
            reason=reason,
        )

    def _on_lost(self, reason: str) -> None:
        self._crawler.stats.set_value(STAT_FAULT, reason)
        engine = self._crawler.engine
        if engine.spider is not None and self._closing is None:
            # A task, because closing waits for the item that is being sent right now.
            self._closing = asyncio.create_task(engine.close_spider_async(reason="stream_lost"))

    def _on_full(self, full: bool) -> None:
        engine = self._crawler.engine
        (engine.pause if full else engine.unpause)()
