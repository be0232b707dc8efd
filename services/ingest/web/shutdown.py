"""Ending a crawl: why, and at once.

Scrapy, told to close, first sends the requests that wait for their turn, which a host's delay may
hold for minutes, and which a site that has asked us to leave must not get.
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


class CrawlEnding(IgnoreRequest):
    """The request is not sent any more, because the crawl is ending."""


class CrawlShutdown:
    """Extension: ends the crawl; ``is_ending`` for whoever still holds requests."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._closing: asyncio.Task[None] | None = None
        self.is_ending = False
        crawler.signals.connect(self._opened, signal=signals.spider_opened)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The crawl's one."""
        end: Self | None = crawler.get_extension(cls)
        if end is None:
            raise RuntimeError(f"{cls.__name__} is not among the extensions")
        return end

    def end(self, reason: str, fault: str | None = None) -> None:
        """End the crawl, once.

        Args:
            reason: Scrapy's finish reason.
            fault: Why the crawl cannot count as done, in a sentence for the operator.
        """
        if self._closing is not None:
            return
        if fault is not None:
            self._crawler.stats.set_value(STAT_FAULT, fault)
        get_logger().warning("ending the crawl", reason=reason, fault=fault)
        # A task, because closing waits for the answer that is being looked at right now.
        self._closing = asyncio.create_task(self._crawler.engine.close_spider_async(reason=reason))

    def _opened(self) -> None:
        engine = self._crawler.engine
        close = engine.close_spider_async

        async def let_go_and_close(*, reason: str = "cancelled") -> None:
            self._let_go()
            await close(reason=reason)

        # Every way to the end leads through here: limits, signals, a lost stream, our own.
        engine.close_spider_async = let_go_and_close  # type: ignore[method-assign]

    def _let_go(self) -> None:
        self.is_ending = True
        for slot in self._crawler.engine.downloader.slots.values():
            while slot.queue:
                _, waiting = slot.queue.popleft()
                waiting.errback(CrawlEnding("the crawl is ending"))
