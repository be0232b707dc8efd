"""Scrapy's item pipeline: validates what spiders read and sends it to the stream ``reviews``.

Each item is validated (``shared.delivery.messages``); an invalid one is dropped, counted, and
logged with the reason. ``stream_sender`` sends the valid items, and ``visits`` records the pages
that were read. While the crawl runs, the pipeline publishes its counts in the run's record. Closing
flushes the sender, and stores the counts in Scrapy's stats. The last messages of the run are sent
not here but by ``crawl`` (``run_end``), which knows whether the crawl as a whole succeeded.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from pydantic import ValidationError
from redis.exceptions import RedisError
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from services.ingest.context import MAX_ITEMS, crawl_of
from services.ingest.delivery.stream_sender import Message, StreamSender
from services.ingest.delivery.unread_log import UnreadLog
from services.ingest.pages.cleaning import clean_text
from services.ingest.pages.items import MovieItem, ReviewItem, to_movie, to_review
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import excerpt
from services.ingest.sources.sources import DatasetSource, SchemaOrgSource, TmdbSource, WebSource
from services.ingest.stats import (
    STAT_DRIFT,
    STAT_FACTS_DECLARED,
    STAT_FACTS_ONLY,
    STAT_FAULT,
    STAT_FIRST_UNREAD,
    STAT_INVALID,
    STAT_KEPT,
    STAT_MOVIES,
    STAT_REMOVALS_ALLOWED,
    STAT_REVIEWS,
    STAT_SITES,
    STAT_UNREAD,
    STAT_UNREAD_EXAMPLES,
    STAT_UNREAD_ROWS,
    STAT_UNREADABLE,
    STAT_VANISHED,
)
from services.ingest.visits.drift import Tally, drift
from services.ingest.visits.page_results import PageResult
from services.ingest.visits.visits import Visits, fingerprint_of, open_visits
from shared.delivery.messages import MovieMessage, ReviewMessage, ledger_id
from shared.delivery.redis_client import UNAVAILABLE, Client, connect, until_available
from shared.runs import registry
from shared.runs.run_record import Run
from shared.system.cpu_bound import CpuBound, CpuBoundExceeded
from shared.system.retry import wait_for
from shared.telemetry import get_logger

PROGRESS_EVERY_S = 0.5
ITEM_CPU_S = 5.0  # a text of the largest page, all of it markup, takes less than two
MAX_INVALID_LOGGED = 20  # invalid items of a crawl; further ones are only counted


class StreamPipeline:
    """The item pipeline: takes page results and single items, and counts them."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._crawl = crawl_of(crawler.settings)
        self._invalid = 0
        self._textless = 0
        self._has_seen_review = False
        self._unread = UnreadLog()
        self._unread_values_before = 0
        self._allow_removals = False
        self._is_open = False
        self._is_closing = asyncio.Event()
        self._redis: Client = connect(self._crawl.redis_url)
        self._visits: Visits | None = None
        self._sender: StreamSender | None = None
        self._progress_task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the pipeline; called by Scrapy."""
        return cls(crawler)

    @property
    def sender(self) -> StreamSender:
        """The sender to the stream.

        Raises:
            RuntimeError: the spider is not open.
        """
        if self._sender is None:
            raise RuntimeError("the spider is not open")
        return self._sender

    @property
    def visits(self) -> Visits:
        """The visits of the source; the crawl process closes them at its end.

        Raises:
            RuntimeError: the spider is not open.
        """
        if self._visits is None:
            raise RuntimeError("the spider is not open")
        return self._visits

    async def open_spider(self) -> None:
        """Connect, and load what earlier runs and attempts have read; called by Scrapy.

        Raises:
            RuntimeError: the messages that an earlier attempt held cannot be sent.
            OSError: the folder cannot be created, or Redis stays unavailable.
            sqlite3.Error: the visits file cannot be written.
        """
        source = self._crawl.source
        baseline = await self._find_baseline()
        self._visits = open_visits(
            self._crawl.folder,
            self._crawl.run_id,
            baseline=baseline,
            fingerprint=fingerprint_of(source),
        )
        get_logger().info("crawling", baseline=baseline, finished_pages=self._visits.pages)
        self._sender = StreamSender(
            self._redis, self._crawl, self._visits, self._on_lost, self._on_full
        )
        await self._sender.start()
        fault = self._crawler.stats.get_value(STAT_FAULT)
        if fault is not None:
            raise RuntimeError(fault)
        self._is_open = True
        self._progress_task = asyncio.create_task(self._publish_progress_repeatedly())

    @property
    def allows_removals(self) -> bool:
        """Whether the operator has confirmed that what is gone is gone."""
        return self._allow_removals

    def note_unread(self, unread: Iterable[Unread]) -> None:
        """Count what could not be read outside of the page results."""
        self._unread.add(unread)

    async def process_item(self, item: PageResult | MovieItem | ReviewItem) -> object:
        """Validate what was read and send it; called by Scrapy.

        Raises:
            DropItem: a single item is invalid, or was sent before.
            Exception: it could not be processed. Scrapy goes on without it, so the crawl ends, and
                cannot count as done.
        """
        try:
            return await self._process(item)
        except DropItem:
            raise
        except Exception as error:
            self._on_lost(f"an item could not be processed: {error!r}")
            raise

    async def _process(self, item: PageResult | MovieItem | ReviewItem) -> object:
        if isinstance(item, PageResult):
            await self._process_page_result(item)
            return item
        message = self._message(item, datetime.now(UTC))
        if message is None:
            raise DropItem("invalid", log_level="DEBUG")
        if not await self.sender.send(message):
            raise DropItem("duplicate", log_level="DEBUG")
        return item

    async def close_spider(self) -> None:
        """Flush the sender, and store the counts in the stats; called by Scrapy."""
        self._is_closing.set()
        try:
            if self._progress_task is not None:
                await self._progress_task
            if self._is_open:
                await self._flush_and_count()
        finally:
            await self._redis.aclose()

    async def _flush_and_count(self) -> None:
        sender, stats = self.sender, self._crawler.stats
        try:
            await sender.close()
            await until_available(self._send_progress, give_up_after_s=self._crawl.give_up_after_s)
            tally = self._tally()
            drifted = drift(tally, allow_removals=self._allow_removals)
            stats.set_value(STAT_DRIFT, drifted)
            stats.set_value(STAT_FACTS_ONLY, self._is_facts_only(tally))
            stats.set_value(STAT_REMOVALS_ALLOWED, self._allow_removals)
            source = self._crawl.source
            is_declared = isinstance(source, TmdbSource) and not source.with_reviews
            stats.set_value(STAT_FACTS_DECLARED, is_declared)
        except sqlite3.Error as error:
            self._on_lost(f"visits cannot be read: {error}")
        except (*UNAVAILABLE, RedisError) as error:
            self._on_lost(f"Redis did not accept the counts: {error}")
        finally:
            if sender.unsent and stats.get_value(STAT_FAULT) is None:
                stats.set_value(STAT_FAULT, f"{sender.unsent} items were not sent")
            stats.set_value(STAT_MOVIES, sender.totals.movies)
            stats.set_value(STAT_REVIEWS, sender.totals.reviews)
            stats.set_value(STAT_KEPT, self.visits.kept_reviews)
            stats.set_value(STAT_INVALID, self._invalid)
            stats.set_value(STAT_UNREAD_ROWS, self._unread.counts["row"])
            first = self._unread.first_unread
            if first is not None:
                stats.set_value(STAT_FIRST_UNREAD, f"{first.where}: {first.why}")

    def _is_facts_only(self, tally: Tally) -> bool:
        """Whether movies were read, and nothing suggests that their source has reviews."""
        source = self._crawl.source
        if not self.sender.totals.movies + self.visits.kept_movies():
            return False
        if isinstance(source, DatasetSource):
            return source.reviews is None
        emptied = tally.emptied > 0 and not self._allow_removals
        seen = self._has_seen_review or tally.textless > 0 or emptied
        return isinstance(source, (SchemaOrgSource, TmdbSource)) and not seen

    def _tally(self) -> Tally:
        if isinstance(self._crawl.source, WebSource):
            stats = self._crawler.stats
            tally = self.visits.tally(stats.get_value(STAT_UNREADABLE))
            # Pages without a visit, because they may be error pages.
            vanished = stats.get_value(STAT_VANISHED, 0)
            return replace(
                tally, changed=tally.changed + vanished, emptied=tally.emptied + vanished
            )
        return Tally(reviews=self.sender.totals.reviews, textless=self._textless)

    async def _process_page_result(self, page_result: PageResult) -> None:
        self._unread.add(page_result.unread)
        unread_rows = self._unread.counts["row"]
        ledger_ids = []
        posters: dict[str, str | None] = {}
        for item in page_result.items:
            message = self._message(item, page_result.fetched_at)
            if message is not None:
                ledger_ids.append(ledger_id(message.kind, message.item_id))
                is_new = await self.sender.send(message)
                if is_new and isinstance(message, MovieMessage):
                    posters[ledger_ids[-1]] = message.movie.poster_url
        if posters and self._crawl.source.posters:
            self.visits.posters.note(posters)
        # A page with an item that is not valid gets no visit, so that the next crawl, or the next
        # attempt, reads it again: unchanged, it would count as read to the last item.
        if page_result.visit is not None and self._unread.counts["row"] == unread_rows:
            items = tuple(dict.fromkeys(ledger_ids))
            self.sender.record_when_confirmed(replace(page_result.visit, items=items))
        if self.sender.accepted >= MAX_ITEMS:
            self._close_spider_soon("closespider_itemcount")

    def _message(self, item: object, fetched_at: datetime) -> Message | None:
        """The message of an item; None, after counting it, when the item is invalid."""
        run_id, source = self._crawl.run_id, self._crawl.source.name
        unread: list[Unread] = []
        try:
            if isinstance(item, MovieItem):
                with CpuBound(ITEM_CPU_S):
                    movie = to_movie(item, unread)
                self._unread.add(unread)
                return MovieMessage(
                    run_id=run_id,
                    source=source,
                    fetched_at=fetched_at,
                    movie=movie,
                    trust=self._crawl.source.trust,
                )
            if isinstance(item, ReviewItem):
                self._has_seen_review = True
                with CpuBound(ITEM_CPU_S):
                    review = to_review(item, source, unread)
                self._unread.add(unread)
                return ReviewMessage(
                    run_id=run_id, source=source, fetched_at=fetched_at, review=review
                )
            reason = "neither a movie nor a review"
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            reason = f"{field}: {first['msg']}"
            self._textless += isinstance(item, ReviewItem) and field == "text"
        except CpuBoundExceeded as error:
            reason = str(error)
        self._invalid += 1
        self._unread.add([_unread_item(item, reason)])
        if self._invalid <= MAX_INVALID_LOGGED:
            get_logger().warning(
                "item dropped",
                kind=type(item).__name__,
                movie_id=str(getattr(item, "movie_id", None))[:80],
                reason=reason,
            )
        return None

    async def _find_baseline(self) -> str | None:
        """The id of the run whose visits may be relied on, if any; also reads this run's options.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable for longer than the crawl waits.
        """

        async def read() -> tuple[Run | None, Run | None]:
            run = await registry.get_run(self._redis, self._crawl.run_id)
            return run, await registry.last_ended_run(self._redis, self._crawl.source.name)

        run, last = await until_available(read, give_up_after_s=self._crawl.give_up_after_s)
        self._allow_removals = run is not None and run.allow_removals
        if run is not None and isinstance(self._crawl.source, WebSource):
            # Pages that an earlier attempt has read are not read again; files are.
            self._unread_values_before = run.unread_values
        return last.run_id if last is not None and last.is_baseline else None

    async def _publish_progress_repeatedly(self) -> None:
        # Not cancelled at the end, because a cancelled command may be lost, or go on.
        while not self._is_closing.is_set():
            await wait_for(self._is_closing, PROGRESS_EVERY_S)
            with suppress(*UNAVAILABLE):  # the next call retries; the sender logs that it waits
                await self._send_progress()

    async def _send_progress(self) -> None:
        """Write the counts so far to the run's record.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable; the next call writes them.
        """
        noted = self._crawler.stats.get_value(STAT_UNREAD_EXAMPLES, [])
        self._unread.add(noted)
        noted.clear()
        totals, counts = self.sender.totals, self._unread.counts
        await self._unread.send(self._redis, self._crawl.run_id)
        await registry.set_fields(
            self._redis,
            self._crawl.run_id,
            movies=totals.movies,
            crawled=totals.reviews,
            kept=self.visits.kept_reviews,
            pages=self.visits.pages,
            sites=self._crawler.stats.get_value(STAT_SITES, {}),
            unread_values=self._unread_values_before + counts["value"],
            unread_rows=counts["row"],
            unread_pages=self._crawler.stats.get_value(STAT_UNREAD, 0),
        )

    def _on_lost(self, reason: str) -> None:
        if self._crawler.stats.get_value(STAT_FAULT) is None:
            self._crawler.stats.set_value(STAT_FAULT, reason)
        if self._is_open:
            self._close_spider_soon("stream_lost")

    def _close_spider_soon(self, reason: str) -> None:
        engine = self._crawler.engine
        if engine.spider is not None and self._closing is None:
            # In a task, because closing waits for the item that is being sent.
            self._closing = asyncio.create_task(engine.close_spider_async(reason=reason))

    def _on_full(self, full: bool) -> None:
        engine = self._crawler.engine
        (engine.pause if full else engine.unpause)()


def _unread_item(item: object, reason: str) -> Unread:
    """An item that could not be sent; a review without text is no loss of what the source has."""
    movie_id = str(getattr(item, "movie_id", None))[:80]
    text = getattr(item, "text", None)
    with suppress(CpuBoundExceeded), CpuBound(ITEM_CPU_S):
        if isinstance(item, ReviewItem) and not clean_text(item.text):
            return Unread("value", f"{movie_id} text", "a review without text")
    return Unread("row", movie_id, reason, excerpt(text or ""))
