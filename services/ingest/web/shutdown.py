"""Ends a crawl at once, with a reason.

When Scrapy closes, it first sends the requests in its queues. A host's delay may hold these for
minutes, and a site that blocks the crawler must not get them.
"""

from __future__ import annotations

import asyncio
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from services.ingest.stats import STAT_FAULT
from shared.telemetry import get_logger

BLOCKED = "blocked"
TOO_MANY_BYTES = "too_many_bytes"


class CrawlShuttingDown(IgnoreRequest):
    """Raised for a request that is not sent because the crawl is ending."""


class CrawlShutdown:
    """Extension: ends the crawl; ``is_shutting_down`` is True from then on."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._closing: asyncio.Task[None] | None = None
        self.is_shutting_down = False
        crawler.signals.connect(self._opened, signal=signals.spider_opened)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the extension; called by Scrapy."""
        return cls(crawler)

    def end(self, reason: str, fault: str | None = None) -> None:
        """End the crawl; further calls have no effect.

        Args:
            reason: Scrapy's finish reason.
            fault: Why the crawl cannot count as done, in a sentence for the operator.
        """
        if self._closing is not None:
            return
        if fault is not None:
            self._crawler.stats.set_value(STAT_FAULT, fault)
        get_logger().warning("ending crawl", reason=reason, fault=fault)
        # In a task, because closing waits for the response that is being processed.
        self._closing = asyncio.create_task(self._crawler.engine.close_spider_async(reason=reason))

    def _opened(self) -> None:
        engine = self._crawler.engine
        close = engine.close_spider_async

        async def drop_queued_and_close(*, reason: str = "cancelled") -> None:
            self._drop_queued()
            await close(reason=reason)

        # Scrapy ends every crawl here: at limits, on signals, for a lost stream, and for end().
        engine.close_spider_async = drop_queued_and_close  # type: ignore[method-assign]

    def _drop_queued(self) -> None:
        self.is_shutting_down = True
        for slot in self._crawler.engine.downloader.slots.values():
            while slot.queue:
                _, waiting = slot.queue.popleft()
                waiting.errback(CrawlShuttingDown("the crawl is ending"))
