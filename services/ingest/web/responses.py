"""The final result of each request: counts failures, and recognises blocks."""

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
from services.ingest.web.extensions import extension_of
from services.ingest.web.shutdown import BLOCKED, CrawlShutdown
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import Refused

_MISSING = frozenset({404, 410})  # definite answers: there is no page


class AddressRefused(Refused):
    """Raised for a request to a host with a private address, where the source allows none."""


def is_robots_request(request: Request) -> bool:
    """Whether a request is Scrapy's own request for a robots.txt, and not for a page."""
    return bool(request.meta.get("dont_obey_robotstxt"))


class AddressMiddleware:
    """Reports refused addresses; close to the network, so that Scrapy does not retry them."""

    def __init__(self, crawler: Crawler) -> None:
        self._stats = crawler.stats
        self._report = SiteReport(crawler.stats)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware; called by Scrapy."""
        return cls(crawler)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Handle a failed download; called by Scrapy.

        Raises:
            AddressRefused: it failed because of the host's address.
        """
        from twisted.internet import reactor  # noqa: PLC0415 - importing it installs a reactor

        resolver = getattr(reactor, "nameResolver", None)
        name = urlparse_cached(request).hostname
        if isinstance(exception, IgnoreRequest) or not isinstance(resolver, PublicResolver):
            return
        if name not in resolver.refused:
            return
        reason = f"{name} has a private address, and allow_private of the source is not set"
        self._stats.inc_value(ADDRESS_REFUSED)
        self._report.note_fault(reason)
        raise AddressRefused(reason)


class ResponseMiddleware:
    """Counts failures and recognises blocks; close to the spider, after retries and redirects."""

    def __init__(self, crawler: Crawler) -> None:
        self._shutdown = extension_of(crawler, CrawlShutdown)
        self._report = SiteReport(crawler.stats)
        self._watches: dict[str, BlockWatch] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware; called by Scrapy."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Check a final response; called by Scrapy.

        Raises:
            Refused: its status says that it is a page, but it is not.
        """
        if is_robots_request(request):
            return response
        host, status = host_of(request.url), response.status
        watch = self._watches.setdefault(host, BlockWatch())
        headers = {
            name.decode("latin-1").lower(): b",".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        verdict = watch.check(status, headers, response.body)
        if verdict is not None:
            reason = f"{host} {verdict.rule}"
            self._report.add_unread(host, "failed", reason, url=request.url)
            if verdict.blocked:
                self._shutdown.end(
                    BLOCKED,
                    f"{host} blocks the crawl: it {verdict.rule}. Ask its operator for "
                    "permission, or remove the source",
                )
            if status < 400:
                raise Refused(reason)
        elif _is_failure(request, status):
            self._report.add_unread(
                host, "failed", f"{request.url}: HTTP status {status}", url=request.url
            )
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count a download that failed after the last retry; called by Scrapy."""
        host = host_of(request.url)
        if is_robots_request(request):
            return
        if isinstance(exception, AddressRefused):
            self._report.add(host, "refused")
        elif not isinstance(exception, IgnoreRequest):
            reason = str(exception) or type(exception).__name__
            self._report.add_unread(host, "failed", f"{request.url}: {reason}", url=request.url)


def _is_failure(request: Request, status: int) -> bool:
    if status == 304:
        is_conditional = (
            "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
        )
        return not is_conditional
    return status >= 300 and status not in _MISSING
