"""The byte limit of a whole crawl; Scrapy itself limits pages, items, depth and time."""

from __future__ import annotations

from typing import Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Headers

from services.ingest.context import crawl_of
from services.ingest.sources.sources import WebSource
from services.ingest.web.extensions import extension_of
from services.ingest.web.shutdown import TOO_MANY_BYTES, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of


class ByteBudget:
    """Extension: counts bytes while they are received, and ends the crawl at the limit.

    Received bytes (including bodies that are cut off later) and decompressed bytes are counted
    separately; the crawl ends when either count exceeds ``max_bytes``.
    """

    def __init__(self, crawler: Crawler) -> None:
        source = crawl_of(crawler.settings).source
        self._max_bytes = source.max_bytes if isinstance(source, WebSource) else 0
        self._report = SiteReport(crawler.stats)
        self._crawler = crawler
        self._received = 0
        self._decompressed = 0
        crawler.signals.connect(self._headers_received, signal=signals.headers_received)
        crawler.signals.connect(self._bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the extension; called by Scrapy."""
        return cls(crawler)

    def add_decompressed(self, number: int) -> None:
        """Count the bytes of a decompressed body."""
        self._decompressed += number
        if self._decompressed > self._max_bytes:
            extension_of(self._crawler, CrawlShutdown).end(TOO_MANY_BYTES)

    def _headers_received(self, headers: Headers, request: Request) -> None:
        self._count(request, len(headers.to_string() or b""))

    def _bytes_received(self, data: bytes, request: Request) -> None:
        self._count(request, len(data))

    def _count(self, request: Request, number: int) -> None:
        self._received += number
        self._report.add(host_of(request.url), "received_bytes", number)
        if self._received > self._max_bytes:
            extension_of(self._crawler, CrawlShutdown).end(TOO_MANY_BYTES)
            raise StopDownload(fail=True)
