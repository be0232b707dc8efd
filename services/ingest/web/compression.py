"""Decompression of responses with a limit at every layer, and a limit on the tags of a page."""

from __future__ import annotations

from typing import Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import HtmlResponse, Response

from services.ingest.web.byte_budget import ByteBudget
from services.ingest.web.extensions import extension_of
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import Refused

MAX_ENCODINGS = 2
# A tag takes some hundred bytes in the page's tree, however short it is: 5 MiB of "<b>" would take
# more than half a gibibyte. Pages about movies have some thousand tags.
MAX_TAGS = 100_000


class BoundedCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's decompression, which stops at the page limit, with counting and further checks."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self._report = SiteReport(crawler.stats)
        self._budget = extension_of(crawler, ByteBudget)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware; called by Scrapy."""
        return cls(crawler)

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - of Scrapy before 2.14
    ) -> Request | Response:
        """Decompress a response; called by Scrapy.

        Raises:
            Refused: it cannot be decompressed within the limits.
        """
        layers = b",".join(response.headers.getlist("Content-Encoding")).split(b",")
        if len(layers) > MAX_ENCODINGS:
            raise self._refusal(request, f"{len(layers)} layers of compression")
        try:
            decompressed = super().process_response(request, response)
        except Exception as error:  # each decoder raises different errors
            raise self._refusal(request, f"cannot be decompressed: {error}") from error
        if not isinstance(decompressed, Response):
            return decompressed
        if decompressed.headers.get("Content-Encoding"):
            raise self._refusal(request, "unknown compression")
        if decompressed is not response:
            self._budget.add_decompressed(len(decompressed.body))
        tags = decompressed.body.count(b"<") if isinstance(decompressed, HtmlResponse) else 0
        if tags > MAX_TAGS:
            raise self._refusal(request, f"a page with {tags} tags")
        return decompressed

    def _refusal(self, request: Request, problem: str) -> Refused:
        reason = f"{request.url}: {problem}"
        self._report.add_unread(host_of(request.url), "refused", reason, url=request.url)
        return Refused(reason)
