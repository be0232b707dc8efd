"""Which URLs may be asked for at all: those of the source's own hosts, and nothing clever.

Scrapy's own filter of hosts lets subdomains and all ports pass, and does not look at requests that
are tried again; this one looks at every request, wherever it comes from.
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
from services.ingest.web.shutdown import CrawlEnding, CrawlShutdown
from shared.telemetry import get_logger

STAT_LINKS_DROPPED = "web/links_dropped"

_PORTS = {"http": 80, "https": 443}


class Refused(IgnoreRequest):
    """A request that is not made, or an answer that is not used; the message says why."""


class UrlFilter:
    """Decides by the URL alone. ``hosts``: ``name`` (ports 80 and 443) or ``name:port``."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._endpoints: set[tuple[str, int]] = set()
        for host in hosts:
            parts = urlsplit(f"//{host}")
            name = _ascii(parts.hostname or "")
            ports = _PORTS.values() if parts.port is None else (parts.port,)
            self._endpoints.update((name, port) for port in ports)

    def refusal(self, url: str) -> str | None:
        """Why this URL is not asked for; None when it may be."""
        if len(url) > MAX_URL_CHARS:
            return f"a URL of {len(url)} characters"
        try:
            parts = urlsplit(url)
        except ValueError:
            return "something that is no URL"
        if parts.scheme not in _PORTS:
            return f"a URL of the scheme {parts.scheme[:20]!r}"
        if parts.username is not None or parts.password is not None:
            return "a URL with a user or password"
        try:
            port = parts.port or _PORTS[parts.scheme]
        except ValueError:
            return "a URL whose port is no number"
        name = _ascii(parts.hostname or "")
        if (name, port) not in self._endpoints:
            return f"{name[:80]}:{port} is not a host of the source"
        return None


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()


class UrlFilterMiddleware:
    """The gate for every request, and a bound on how many may wait.

    More requests waiting than pages may still be fetched would only fill memory: a site that makes
    up links without end would otherwise end the crawl by that.
    """

    def __init__(self, crawler: Crawler, source: WebSource) -> None:
        self._crawler = crawler
        self._end = CrawlShutdown.of(crawler)
        self._most_waiting = source.max_pages
        self.gate = UrlFilter(source.hosts)
        crawler.signals.connect(self._scheduled, signal=signals.request_scheduled)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one.

        Raises:
            TypeError: the crawl's source is not on the web.
        """
        source = crawl_of(crawler.settings).source
        if not isinstance(source, WebSource):
            raise TypeError(f"{source.name} is not a web source")
        return cls(crawler, source)

    def process_request(self, request: Request) -> None:
        """Scrapy's hook for a request on its way.

        Raises:
            CrawlEnding: nothing is sent any more.
            Refused: the URL is not the source's.
        """
        if self._end.is_ending:
            raise CrawlEnding("the crawl is ending")
        reason = self.gate.refusal(request.url)
        if reason is not None:
            raise Refused(reason)

    def _scheduled(self, request: Request) -> None:
        waiting = getattr(self._crawler.engine.scheduler, "__len__", None)
        if request.dont_filter or waiting is None or waiting() < self._most_waiting:
            return
        stats = self._crawler.stats
        if not stats.get_value(STAT_LINKS_DROPPED):
            get_logger().warning("more links than pages may be fetched", max=self._most_waiting)
        stats.inc_value(STAT_LINKS_DROPPED)
        stats.inc_value(STAT_UNREAD)
        raise IgnoreRequest("more links than pages may be fetched")
