"""The rate of requests to a host: never faster than it asks for, and slower when it is slow.

Scrapy's AutoThrottle adapts to the host's response time. Two requests of the host itself take
precedence: the ``Crawl-delay`` of its robots.txt is the shortest pause, and ``Retry-After`` stops
all requests to it until then. The pause is set in the downloader's queue before the next request
leaves it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic

from scrapy import Request, Spider
from scrapy.core.downloader import Slot
from scrapy.crawler import Crawler
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response

from services.ingest.web.extensions import extension_of
from services.ingest.web.politeness import Patience, PatienceExhausted, retry_after_s
from services.ingest.web.shutdown import BLOCKED, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of
from shared.telemetry import get_logger

MAX_TRIES = 3  # for one page that is "unavailable" while other pages of its host are not

_PAUSED = "host_paused"
_TRIES = "retry_after_times"


class HostThrottle(AutoThrottle):
    """Extension that replaces AutoThrottle."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._min_s: dict[str, float] = {}
        self._patience: dict[str, Patience] = {}
        self._report = SiteReport(crawler.stats)

    def set_min_delay(self, request: Request, delay_s: float) -> None:
        """Set the shortest pause between requests to a host.

        Args:
            request: A request to the host.
            delay_s: The pause in seconds; a longer one that is already set remains.
        """
        downloader = self.crawler.engine.downloader
        key = downloader.get_slot_key(request)
        self._min_s[key] = delay_s = max(delay_s, self._min_s.get(key, self.mindelay))
        downloader.per_slot_settings[key] = {"delay": delay_s}  # for when the slot is recreated
        if key in downloader.slots:
            slot = downloader.slots[key]
            slot.delay = max(slot.delay, delay_s)

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        # AutoThrottle ignores a 304, although it says as much about the host's speed as a 200.
        counted = response.replace(status=200) if response.status == 304 else response
        super()._response_downloaded(counted, request, spider)
        key, slot = self._get_slot(request, spider)
        if key is None or slot is None:
            return
        host = host_of(request.url)
        slot.delay = max(slot.delay, self._min_s.get(key, 0.0))
        self._report.note_delay(host, slot.delay)
        if response.status == 304:
            self._report.add(host, "not_modified")
        self._pause_if_requested(host, slot, request, response)

    def _pause_if_requested(
        self, host: str, slot: Slot, request: Request, response: Response
    ) -> None:
        patience = self._patience.setdefault(host, Patience())
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        requested_s = retry_after_s(header, datetime.now(UTC))
        if response.status != 429 and (response.status != 503 or requested_s is None):
            if response.status < 500:
                patience.answered()
            return
        try:
            pause_s = patience.pause_s(requested_s, min_s=slot.delay)
        except PatienceExhausted as exhausted:
            request.meta["dont_retry"] = True
            extension_of(self.crawler, CrawlShutdown).end(
                BLOCKED,
                f"{host} blocks the crawl: it {exhausted} (status {response.status}). Crawl it "
                "less often, or with a longer delay_s, or ask its operator",
            )
            return
        get_logger().info("pausing for host", host=host, seconds=pause_s, status=response.status)
        self._report.add(host, "retry_after")
        self._report.note_delay(host, pause_s)
        request.meta[_PAUSED] = True
        # The downloader processes its queue right after this, and sends the next request after the
        # pause. A call that it scheduled before must be cancelled.
        if slot.latercall is not None:
            slot.latercall.cancel()
            slot.latercall = None
        slot.lastseen = monotonic() + pause_s - slot.delay


class RetryAfterMiddleware:
    """Repeats a request after the pause that the host asked for; the host's queue holds it."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Repeat a postponed request; called by Scrapy."""
        if not request.meta.pop(_PAUSED, False):
            return response
        tries = request.meta.get(_TRIES, 0) + 1
        if response.status == 503 and tries >= MAX_TRIES:
            request.meta["dont_retry"] = True  # give up: Scrapy must not retry it either
            return response
        repeated: Request = request.copy()
        repeated.meta[_TRIES] = tries
        repeated.dont_filter = True
        return repeated
