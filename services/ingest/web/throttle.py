"""The pace at which a host is visited: never faster than it asks, and slower when it is slow.

Scrapy's AutoThrottle follows how fast a host answers. Over it, two things the host says itself:
the ``Crawl-delay`` of its robots.txt is the least pause, and ``Retry-After`` stops all requests to
it until then. The pause is set in the downloader's queue before the next request leaves it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import Self

from scrapy import Request, Spider
from scrapy.core.downloader import Slot
from scrapy.crawler import Crawler
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response

from services.ingest.web.politeness import Patience, PatienceExhausted, retry_after_s
from services.ingest.web.shutdown import BLOCKED, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of
from shared.telemetry import get_logger

MAX_TRIES = 3  # of one page that is "unavailable", while others of its host are not

_PAUSED = "host_paused"
_TRIES = "retry_after_times"


class HostThrottle(AutoThrottle):
    """Extension in AutoThrottle's place."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._least_s: dict[str, float] = {}
        self._patience: dict[str, Patience] = {}
        self._report = SiteReport(crawler.stats)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The crawl's one."""
        throttle: Self | None = crawler.get_extension(cls)
        if throttle is None:
            raise RuntimeError(f"{cls.__name__} is not among the extensions")
        return throttle

    def keep_apart(self, request: Request, delay_s: float) -> None:
        """Let at least ``delay_s`` pass between requests to a request's host, from now on."""
        downloader = self.crawler.engine.downloader
        key = downloader.get_slot_key(request)
        self._least_s[key] = delay_s = max(delay_s, self._least_s.get(key, self.mindelay))
        downloader.per_slot_settings[key] = {"delay": delay_s}  # of a slot that is made again
        if key in downloader.slots:
            slot = downloader.slots[key]
            slot.delay = max(slot.delay, delay_s)

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        # A page that has not changed tells as much about the host's speed as one that has.
        seen = response.replace(status=200) if response.status == 304 else response
        super()._response_downloaded(seen, request, spider)
        key, slot = self._get_slot(request, spider)
        if key is None or slot is None:
            return
        host = host_of(request.url)
        slot.delay = max(slot.delay, self._least_s.get(key, 0.0))
        self._report.delay(host, slot.delay)
        if response.status == 304:
            self._report.add(host, "not_modified")
        self._heed(host, slot, request, response)

    def _heed(self, host: str, slot: Slot, request: Request, response: Response) -> None:
        """Pause, when the host asks for it."""
        patience = self._patience.setdefault(host, Patience())
        said = (response.headers.get("Retry-After") or b"").decode("latin-1")
        wanted_s = retry_after_s(said, datetime.now(UTC))
        if response.status != 429 and (response.status != 503 or wanted_s is None):
            if response.status < 500:
                patience.answered()
            return
        try:
            pause_s = patience.pause_s(wanted_s, least_s=slot.delay)
        except PatienceExhausted as exhausted:
            request.meta["dont_retry"] = True
            CrawlShutdown.of(self.crawler).end(
                BLOCKED,
                f"{host} blocks the crawl: it {exhausted} (status {response.status}). Nothing is "
                "tried again; crawl it less often, or with a longer delay_s, or ask its operator",
            )
            return
        get_logger().info("host asks to wait", host=host, seconds=pause_s, status=response.status)
        self._report.add(host, "retry_after")
        self._report.delay(host, pause_s)
        request.meta[_PAUSED] = True
        # The downloader looks at its queue right after this: the next request leaves after the
        # pause. What it had planned before is void.
        if slot.latercall is not None:
            slot.latercall.cancel()
            slot.latercall = None
        slot.lastseen = monotonic() + pause_s - slot.delay


class RetryAfterMiddleware:
    """Asks again for what a host has put off; its queue holds the request until then."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Scrapy's hook for an answer."""
        if not request.meta.pop(_PAUSED, False):
            return response
        tries = request.meta.get(_TRIES, 0) + 1
        if response.status == 503 and tries >= MAX_TRIES:
            request.meta["dont_retry"] = True  # as often as that is enough
            return response
        again: Request = request.copy()
        again.meta[_TRIES] = tries
        again.dont_filter = True
        return again
