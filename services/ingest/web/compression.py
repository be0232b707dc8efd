"""Unpacking of answers, bounded at every layer, and what their trees would cost."""

from __future__ import annotations

from typing import Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import HtmlResponse, Response

from services.ingest.web.byte_budget import ByteBudget
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import Refused

MAX_ENCODINGS = 2
# A tag costs the page's tree some hundred bytes, however short it is: five mebibytes of "<b>" would
# take more than half a gibibyte. Pages of films have some thousand.
MAX_TAGS = 100_000


class BoundedCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's unpacking, which stops at the page limit, made to count and to refuse the rest."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self._report = SiteReport(crawler.stats)
        self._budget = ByteBudget.of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler)

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - of Scrapy before 2.14
    ) -> Request | Response:
        """Scrapy's hook for an answer.

        Raises:
            Refused: it cannot be unpacked within the limits.
        """
        layers = b",".join(response.headers.getlist("Content-Encoding")).split(b",")
        if len(layers) > MAX_ENCODINGS:
            raise self._refusal(request, f"packed {len(layers)} times over")
        try:
            unpacked = super().process_response(request, response)
        except Exception as error:  # each decoder has errors of its own
            raise self._refusal(request, f"cannot be unpacked: {error}") from error
        if not isinstance(unpacked, Response):
            return unpacked
        if unpacked.headers.get("Content-Encoding"):
            raise self._refusal(request, "packed in a way that is not known")
        if unpacked is not response:
            self._budget.unpacked(len(unpacked.body))
        tags = unpacked.body.count(b"<") if isinstance(unpacked, HtmlResponse) else 0
        if tags > MAX_TAGS:
            raise self._refusal(request, f"a page of {tags} tags")
        return unpacked

    def _refusal(self, request: Request, what: str) -> Refused:
        reason = f"{request.url}: {what}"
        self._report.unread(host_of(request.url), "refused", reason)
        return Refused(reason)
