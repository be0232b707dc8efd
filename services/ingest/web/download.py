"""The download handler: Scrapy's, with a limit on headers and a count of requests.

Scrapy limits the body only. Headers may continue until the page's time limit, which on a fast
connection is gigabytes, and Twisted keeps all of them. Here they end at ``MAX_HEADER_BYTES``,
including those of interim responses (1xx). The time limit of a page (``DOWNLOAD_TIMEOUT``) is
Scrapy's: it lasts from the resolution of the name to the last byte of the body, so that it also
cuts off a body that is sent slowly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.web._newclient import HTTP11ClientProtocol, ParseError

from services.ingest.web.site_report import SiteReport, host_of

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IAddress
    from twisted.web._newclient import Request as WireRequest
    from twisted.web.iweb import IResponse

MAX_HEADER_BYTES = 64 * 2**10


class _BoundedParser(_LenientHTTPClientParser):
    _header_bytes = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        self._header_bytes += len(line) + 1
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ParseError(  # type: ignore[no-untyped-call]
                f"more than {MAX_HEADER_BYTES} bytes of headers", line[:80]
            )
        super().lineReceived(line)


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    def request(self, request: WireRequest) -> Deferred[IResponse]:
        response = super().request(request)
        # Twisted hard-codes the parser's class in request(), so Scrapy replaces the class of the
        # object, and this class does the same.
        if self._parser is None:
            raise RuntimeError("the request has no parser")
        self._parser.__class__ = _BoundedParser
        return response


class _BoundedFactory(_LenientHTTP11ClientFactory):
    noisy = False

    def buildProtocol(  # noqa: N802
        self,
        addr: IAddress | None,  # noqa: ARG002
    ) -> HTTP11ClientProtocol:
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class BoundedHandler(HTTP11DownloadHandler):
    """Downloads over HTTP/1.1 with limited headers, and counts the requests to each host."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _BoundedFactory  # in the way that Scrapy sets its own factory
        self._report = SiteReport(crawler.stats)

    async def download_request(self, request: Request) -> Response:
        """Download a page; called by Scrapy."""
        self._report.add(host_of(request.url), "requests")
        return await super().download_request(request)
