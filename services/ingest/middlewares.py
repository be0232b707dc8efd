"""Downloader middlewares: robots.txt by RFC 9309, and a plain word for refused addresses."""

from __future__ import annotations

from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from services.ingest.addresses import PublicResolver
from shared.telemetry import get_logger

ROBOTS_UNREACHABLE = "robotstxt/unreachable"
ADDRESS_REFUSED = "address/refused"
FETCH_FAULT = "fetch/first_fault"

_DISALLOW_ALL = b"User-agent: *\nDisallow: /\n"


class StrictRobotsTxtMiddleware(RobotsTxtMiddleware):
    """robots.txt that cannot be had forbids the site (RFC 9309, 2.3.1.4).

    Scrapy takes an error page for an empty robots.txt, and no answer for permission. A missing
    one (4xx) does permit; "too many requests" does not, as it says nothing about the file.
    """

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500 or response.status == 429:
            self._note_unreachable(netloc, f"HTTP status {response.status}")
            response = response.replace(body=_DISALLOW_ALL)
        elif response.status >= 400:
            response = response.replace(body=b"")
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        self._note_unreachable(netloc, str(exc) or type(exc).__name__)
        parser = self._parserimpl.from_crawler(self.crawler, _DISALLOW_ALL)
        waiting: Any = self._parsers[netloc]
        self._parsers[netloc] = parser
        waiting.callback(parser)

    def _note_unreachable(self, netloc: str, reason: str) -> None:
        self._stats.inc_value(ROBOTS_UNREACHABLE)
        self._stats.set_value(FETCH_FAULT, f"robots.txt of {netloc} cannot be had: {reason}")
        get_logger().warning("robots.txt cannot be had, keeping away", host=netloc, reason=reason)


class FaultMiddleware:
    """Keeps the first fault of the crawl, for the run's error.

    "Cannot resolve" becomes "address refused" where that was the reason, before it is retried.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Scrapy's hook for a download that failed.

        Raises:
            IgnoreRequest: the host's address is not public.
        """
        from twisted.internet import reactor  # noqa: PLC0415 - importing it installs a reactor

        stats = self._crawler.stats
        resolver = getattr(reactor, "nameResolver", None)
        host = urlparse_cached(request).hostname
        if isinstance(resolver, PublicResolver) and host in resolver.refused:
            reason = f"{host} has a private address, and the source does not say allow_private"
            stats.inc_value(ADDRESS_REFUSED)
            stats.set_value(FETCH_FAULT, reason)
            raise IgnoreRequest(reason)
        is_fault = not isinstance(exception, IgnoreRequest)  # a refusal of ours is none
        if is_fault and stats.get_value(FETCH_FAULT) is None:
            stats.set_value(
                FETCH_FAULT, f"{request.url}: {str(exception) or type(exception).__name__}"
            )
