"""The limit of a whole crawl in bytes; those in pages, items, depth and time are Scrapy's own."""

from __future__ import annotations

from typing import Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Headers

from services.ingest.context import crawl_of
from services.ingest.sources.sources import WebSource
from services.ingest.web.shutdown import TOO_MANY_BYTES, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of


class ByteBudget:
    """Extension: counts what is received, while it is received, and ends the crawl at the limit.

    Bytes as they come off the wire, those of bodies that are then cut off too, and bytes unpacked
    are counted apart: either reaching ``max_bytes`` ends the crawl.
    """

    def __init__(self, crawler: Crawler) -> None:
        source = crawl_of(crawler.settings).source
        self._most = source.max_bytes if isinstance(source, WebSource) else 0
        self._report = SiteReport(crawler.stats)
        self._crawler = crawler
        self._received = 0
        self._unpacked = 0
        crawler.signals.connect(self._headers_received, signal=signals.headers_received)
        crawler.signals.connect(self._bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The crawl's one."""
        budget: Self | None = crawler.get_extension(cls)
        if budget is None:
            raise RuntimeError(f"{cls.__name__} is not among the extensions")
        return budget

    def unpacked(self, number: int) -> None:
        """Count the bytes of an answer that came packed."""
        self._unpacked += number
        if self._unpacked > self._most:
            CrawlShutdown.of(self._crawler).end(TOO_MANY_BYTES)

    def _headers_received(self, headers: Headers, request: Request) -> None:
        self._count(request, len(headers.to_string() or b""))

    def _bytes_received(self, data: bytes, request: Request) -> None:
        self._count(request, len(data))

    def _count(self, request: Request, number: int) -> None:
        self._received += number
        self._report.add(host_of(request.url), "received_bytes", number)
        if self._received > self._most:
            CrawlShutdown.of(self._crawler).end(TOO_MANY_BYTES)
            raise StopDownload(fail=True)
