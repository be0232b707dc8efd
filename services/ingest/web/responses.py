"""What became of each request in the end: counted, and looked at for a word to keep away."""

from __future__ import annotations

from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from services.ingest.stats import ADDRESS_REFUSED
from services.ingest.web.addresses import PublicResolver
from services.ingest.web.blocks import BlockWatch
from services.ingest.web.shutdown import BLOCKED, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import Refused

_MISSING = frozenset({404, 410})  # answers as good as a page: there is none


class AddressRefused(Refused):
    """The host's address is not public, and its source does not allow private ones."""


def is_for_robots(request: Request) -> bool:
    """Whether it asks for a robots.txt, which Scrapy does by itself, and not for a page."""
    return bool(request.meta.get("dont_obey_robotstxt"))


class AddressMiddleware:
    """Next to the wire, so that a refusal is seen before it is tried again."""

    def __init__(self, crawler: Crawler) -> None:
        self._stats = crawler.stats
        self._report = SiteReport(crawler.stats)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Scrapy's hook for a download that failed.

        Raises:
            AddressRefused: because of the host's address.
        """
        from twisted.internet import reactor  # noqa: PLC0415 - importing it installs a reactor

        resolver = getattr(reactor, "nameResolver", None)
        name = urlparse_cached(request).hostname
        if isinstance(exception, IgnoreRequest) or not isinstance(resolver, PublicResolver):
            return
        if name not in resolver.refused:
            return
        reason = f"{name} has a private address, and the source does not say allow_private"
        self._stats.inc_value(ADDRESS_REFUSED)
        self._report.fault(reason)
        raise AddressRefused(reason)


class ResponseMiddleware:
    """Next to the spider, where an answer is final: retries and redirects are behind it."""

    def __init__(self, crawler: Crawler) -> None:
        self._end = CrawlShutdown.of(crawler)
        self._report = SiteReport(crawler.stats)
        self._watches: dict[str, BlockWatch] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Scrapy's hook for an answer.

        Raises:
            Refused: it is not a page, though it says it is one.
        """
        if is_for_robots(request):
            return response
        host, status = host_of(request.url), response.status
        watch = self._watches.setdefault(host, BlockWatch())
        headers = {
            name.decode("latin-1").lower(): b",".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        verdict = watch.look(status, headers, response.body)
        if verdict is not None:
            reason = f"{host} {verdict.rule}"
            self._report.unread(host, "failed", reason)
            if verdict.blocked:
                self._end.end(
                    BLOCKED,
                    f"{host} blocks the crawl: it {verdict.rule}. Nothing is tried in another "
                    "way; ask its operator for permission, or remove the source",
                )
            if status < 400:
                raise Refused(reason)
        elif _is_failure(request, status):
            self._report.unread(host, "failed", f"{request.url}: HTTP status {status}")
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Scrapy's hook for a download that failed, after the last try."""
        host = host_of(request.url)
        if is_for_robots(request):
            return
        if isinstance(exception, AddressRefused):
            self._report.add(host, "refused")
        elif not isinstance(exception, IgnoreRequest):
            reason = str(exception) or type(exception).__name__
            self._report.unread(host, "failed", f"{request.url}: {reason}")


def _is_failure(request: Request, status: int) -> bool:
    if status == 304:
        asked = "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
        return not asked
    return status >= 300 and status not in _MISSING
