"""From what spiders read to the stream ``reviews``, each item exactly counted.

An item is checked (``shared.delivery.messages``); a bad one is dropped, counted, and logged with
why. The rest is ``sending``'s, and what is remembered of pages is ``visits``'. While the crawl
runs, the run's record shows its counts. Closing flushes, and leaves the counts in Scrapy's stats.
The closing messages are not sent here but by ``crawl``, which knows whether the crawl as a whole
went well.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from pydantic import ValidationError
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from services.ingest.context import MAX_ITEMS, crawl_of
from services.ingest.delivery.stream_sender import Message, StreamSender
from services.ingest.pages.items import MovieItem, ReviewItem, to_movie, to_review
from services.ingest.sources.sources import WebSource
from services.ingest.stats import (
    STAT_DRIFT,
    STAT_FAULT,
    STAT_INVALID,
    STAT_KEPT,
    STAT_MOVIES,
    STAT_REVIEWS,
    STAT_SITES,
    STAT_UNREADABLE,
)
from services.ingest.visits.drift import Tally, drift
from services.ingest.visits.page_results import PageResult
from services.ingest.visits.visits import Visits, fingerprint_of, open_visits
from shared.delivery.messages import MovieMessage, ReviewMessage, ledger_id
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.runs import registry
from shared.telemetry import get_logger

TELL_EVERY_S = 0.5
INVALID_LOGGED = 20  # of each run; the count tells the rest


class StreamPipeline:
    """Scrapy's side of it: readings and items in, counts out."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._crawl = crawl_of(crawler.settings)
        self._invalid = 0
        self._textless = 0
        self._allow_removals = False
        self._is_open = False
        self._redis: Client = connect(self._crawl.redis_url)
        self._visits: Visits | None = None
        self._sender: StreamSender | None = None
        self._teller: asyncio.Task[None] | None = None
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

    @property
    def visits(self) -> Visits:
        """What is remembered of pages, once the spider is open; the caller closes it in the end."""
        if self._visits is None:
            raise RuntimeError("the spider is not open")
        return self._visits

    async def open_spider(self) -> None:
        """Scrapy's hook: connect, and find out what earlier runs and attempts have done.

        Raises:
            RuntimeError: what an earlier attempt left cannot be sent.
            OSError: the folder cannot be made, or Redis stays away.
            sqlite3.Error: the file of visits cannot be written.
        """
        source = self._crawl.source
        baseline = await self._look_up()
        self._visits = open_visits(
            self._crawl.folder,
            self._crawl.run_id,
            baseline=baseline,
            fingerprint=fingerprint_of(source),
        )
        get_logger().info("crawling", baseline=baseline, pages_finished_before=self._visits.pages)
        self._sender = StreamSender(
            self._redis, self._crawl, self._visits, self._on_lost, self._on_full
        )
        await self._sender.start()
        fault = self._crawler.stats.get_value(STAT_FAULT)
        if fault is not None:
            raise RuntimeError(fault)
        self._is_open = True
        self._teller = asyncio.create_task(self._tell_often())

    async def process_item(self, item: PageResult | MovieItem | ReviewItem) -> object:
        """Scrapy's hook: check what was read and send it.

        Raises:
            DropItem: an item that comes alone is invalid, or has been sent before.
        """
        if isinstance(item, PageResult):
            await self._take(item)
            return item
        message = self._message(item, datetime.now(UTC))
        if message is None:
            raise DropItem("invalid", log_level="DEBUG")
        if not await self.sender.send(message):
            raise DropItem("seen before", log_level="DEBUG")
        return item

    async def close_spider(self) -> None:
        """Scrapy's hook: flush, and leave the counts in the stats."""
        if self._teller is not None:
            self._teller.cancel()
        try:
            if self._is_open:
                await self._settle()
        finally:
            await self._redis.aclose()

    async def _settle(self) -> None:
        sender, stats = self.sender, self._crawler.stats
        try:
            await sender.close()
            await self._tell()
            drifted = drift(self._tally(), allow_removals=self._allow_removals)
            stats.set_value(STAT_DRIFT, drifted)
        except sqlite3.Error as error:
            self._on_lost(f"visits cannot be read: {error}")
        finally:
            if sender.unsent and stats.get_value(STAT_FAULT) is None:
                stats.set_value(STAT_FAULT, f"{sender.unsent} items were not sent")
            stats.set_value(STAT_MOVIES, sender.ledger.movies)
            stats.set_value(STAT_REVIEWS, sender.ledger.reviews)
            stats.set_value(STAT_KEPT, self.visits.kept_reviews)
            stats.set_value(STAT_INVALID, self._invalid)

    def _tally(self) -> Tally:
        if isinstance(self._crawl.source, WebSource):
            return self.visits.tally(self._crawler.stats.get_value(STAT_UNREADABLE))
        return Tally(reviews=self.sender.ledger.reviews, textless=self._textless)

    async def _take(self, reading: PageResult) -> None:
        names = []
        for item in reading.items:
            message = self._message(item, reading.fetched_at)
            if message is not None:
                names.append(ledger_id(message.kind, message.item_id))
                await self.sender.send(message)
        if reading.visit is not None:
            self.sender.done(replace(reading.visit, items=tuple(dict.fromkeys(names))))
        if self.sender.taken >= MAX_ITEMS:
            self._end("closespider_itemcount")

    def _message(self, item: object, fetched_at: datetime) -> Message | None:
        """The message of an item; None, after counting it, when it cannot be one."""
        run_id, source = self._crawl.run_id, self._crawl.source.name
        try:
            if isinstance(item, MovieItem):
                return MovieMessage(
                    run_id=run_id, source=source, fetched_at=fetched_at, movie=to_movie(item)
                )
            if isinstance(item, ReviewItem):
                return ReviewMessage(
                    run_id=run_id,
                    source=source,
                    fetched_at=fetched_at,
                    review=to_review(item, source),
                )
            reason = "neither a movie nor a review"
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            reason = f"{place}: {first['msg']}"
            self._textless += isinstance(item, ReviewItem) and place == "text"
        self._invalid += 1
        if self._invalid <= INVALID_LOGGED:
            get_logger().warning(
                "item dropped",
                kind=type(item).__name__,
                movie_id=str(getattr(item, "movie_id", None))[:80],
                reason=reason,
            )
        return None

    async def _look_up(self) -> str | None:
        """The run that may be relied on for what has not changed; notes what ours may do."""
        deadline = time.monotonic() + self._crawl.give_up_after_s
        delay = 0.1
        while True:
            try:
                run = await registry.get_run(self._redis, self._crawl.run_id)
                last = await registry.last_ended_run(self._redis, self._crawl.source.name)
            except UNAVAILABLE as error:
                if time.monotonic() + delay > deadline:
                    raise
                get_logger().warning("redis away, waiting", error=str(error), retry_s=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            else:
                self._allow_removals = run is not None and run.allow_removals
                return last.run_id if last is not None and last.is_baseline else None

    async def _tell_often(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            await self._tell()

    async def _tell(self) -> None:
        """Show progress on the run's record."""
        ledger = self.sender.ledger
        with suppress(*UNAVAILABLE):  # it is told again soon, and the sender says that it waits
            await registry.set_fields(
                self._redis,
                self._crawl.run_id,
                movies=ledger.movies,
                crawled=ledger.reviews,
                kept=self.visits.kept_reviews,
                pages=self.visits.pages,
                sites=self._crawler.stats.get_value(STAT_SITES, {}),
            )

    def _on_lost(self, reason: str) -> None:
        if self._crawler.stats.get_value(STAT_FAULT) is None:
            self._crawler.stats.set_value(STAT_FAULT, reason)
        if self._is_open:
            self._end("stream_lost")

    def _end(self, reason: str) -> None:
        engine = self._crawler.engine
        if engine.spider is not None and self._closing is None:
            # A task, because closing waits for the item that is being sent right now.
            self._closing = asyncio.create_task(engine.close_spider_async(reason=reason))

    def _on_full(self, full: bool) -> None:
        engine = self._crawler.engine
        (engine.pause if full else engine.unpause)()
