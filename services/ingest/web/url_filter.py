"""Restricts requests to the hosts of the source.

Scrapy's offsite filter allows subdomains and all ports, and does not check retried requests; this
one checks every request, wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from services.ingest.context import MAX_URL_CHARS, crawl_of
from services.ingest.sources.sources import WebSource
from services.ingest.stats import STAT_UNREAD
from services.ingest.web.extensions import extension_of
from services.ingest.web.shutdown import CrawlShutdown, CrawlShuttingDown
from shared.telemetry import get_logger

STAT_LINKS_DROPPED = "web/links_dropped"

_PORTS = {"http": 80, "https": 443}


class Refused(IgnoreRequest):
    """Raised for a request that is not sent, or a response that is not used.

    The message says why.
    """


class UrlFilter:
    """Decides by the URL whether a request is allowed.

    Args:
        hosts: The allowed hosts: ``name`` (ports 80 and 443) or ``name:port``.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._endpoints: set[tuple[str, int]] = set()
        for host in hosts:
            parts = urlsplit(f"//{host}")
            name = _ascii(parts.hostname or "")
            ports = _PORTS.values() if parts.port is None else (parts.port,)
            self._endpoints.update((name, port) for port in ports)

    def refusal(self, url: str) -> str | None:
        """Why a URL is not allowed, as a noun phrase; None when it is allowed."""
        if len(url) > MAX_URL_CHARS:
            return f"a URL of {len(url)} characters"
        try:
            parts = urlsplit(url)
        except ValueError:
            return "an invalid URL"
        if parts.scheme not in _PORTS:
            return f"a URL with the scheme {parts.scheme[:20]!r}"
        if parts.username is not None or parts.password is not None:
            return "a URL with a user or password"
        try:
            port = parts.port or _PORTS[parts.scheme]
        except ValueError:
            return "a URL with an invalid port"
        name = _ascii(parts.hostname or "")
        if (name, port) not in self._endpoints:
            return f"{name[:80]}:{port}, which is not a host of the source"
        return None


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()


class UrlFilterMiddleware:
    """Checks every request with the URL filter, and limits the number of queued requests.

    Queued requests beyond the page limit would only fill memory: a site that generates links
    without end could stop the crawl that way.
    """

    def __init__(self, crawler: Crawler, source: WebSource) -> None:
        self._crawler = crawler
        self._shutdown = extension_of(crawler, CrawlShutdown)
        self._max_queued = source.max_pages
        self._url_filter = UrlFilter(source.hosts)
        crawler.signals.connect(self._scheduled, signal=signals.request_scheduled)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware; called by Scrapy.

        Raises:
            TypeError: the source of the crawl is not a web source.
        """
        source = crawl_of(crawler.settings).source
        if not isinstance(source, WebSource):
            raise TypeError(f"{source.name} is not a web source")
        return cls(crawler, source)

    def process_request(self, request: Request) -> None:
        """Check a request; called by Scrapy.

        Raises:
            CrawlShuttingDown: the crawl is ending.
            Refused: the URL is not allowed.
        """
        if self._shutdown.is_shutting_down:
            raise CrawlShuttingDown("the crawl is ending")
        reason = self._url_filter.refusal(request.url)
        if reason is not None:
            raise Refused(reason)

    def _scheduled(self, request: Request) -> None:
        queued = getattr(self._crawler.engine.scheduler, "__len__", None)
        if request.dont_filter or queued is None or queued() < self._max_queued:
            return
        stats = self._crawler.stats
        if not stats.get_value(STAT_LINKS_DROPPED):
            get_logger().warning("too many links, further ones dropped", max=self._max_queued)
        stats.inc_value(STAT_LINKS_DROPPED)
        stats.inc_value(STAT_UNREAD)
        raise IgnoreRequest("more links than pages may be fetched")
