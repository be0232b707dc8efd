"""Redirects: at most five hops, and each must be one that could have been asked for at first."""

from __future__ import annotations

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from services.ingest.context import crawl_of
from services.ingest.sources.sources import WebSource
from services.ingest.web.site_report import SiteReport, host_of
from services.ingest.web.url_filter import Refused, UrlFilter

REDIRECTING = frozenset({301, 302, 303, 307, 308})
# They tell of another page than the one redirected to.
_CONDITIONS = ("If-None-Match", "If-Modified-Since")


class AlreadyRead(IgnoreRequest):
    """The page redirects to one that was asked for before: nothing is missing."""


class CheckedRedirectMiddleware(RedirectMiddleware):
    """Checks each hop here, where the page that sends us there is known and can be counted.

    A redirect into a page already asked for is an error of its own: Scrapy would drop the request
    in silence, and a spider that waits for its answer would wait for ever.
    """

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - of Scrapy before 2.14
    ) -> Request | Response:
        """Scrapy's hook for an answer.

        Raises:
            Refused: the next hop is not one of the source, or is one too many.
            AlreadyRead: the next hop was asked for before.
        """
        report, host = SiteReport(self.crawler.stats), host_of(request.url)
        try:
            following = super().process_response(request, response)
        except IgnoreRequest as error:
            reason = f"{request.url}: more than {self.max_redirect_times} redirects"
            report.unread(host, "failed", reason)
            raise Refused(reason) from error
        except ValueError as error:
            report.add(host, "refused")
            raise Refused(f"{request.url} redirects to something that is no URL") from error
        if isinstance(following, Request):
            return self._checked(request, following, report, host)
        if response.status in REDIRECTING and "Location" in response.headers:
            report.add(host, "refused")
            raise Refused(f"{request.url} redirects to something that is not on the web")
        return following

    def _checked(
        self, request: Request, following: Request, report: SiteReport, host: str
    ) -> Request:
        source = crawl_of(self.crawler.settings).source
        reason = UrlFilter(source.hosts if isinstance(source, WebSource) else ()).refusal(
            following.url
        )
        if reason is not None:
            reason = f"{request.url} redirects to {reason}"
            # An answer, as "not found" is one: the page is not on this site any more.
            report.add(host, "refused")
            report.fault(reason)
            raise Refused(reason)
        for name in _CONDITIONS:
            following.headers.pop(name, None)
        if following.url in following.meta["redirect_urls"]:
            reason = f"{request.url} redirects to itself in the end"
            report.unread(host, "failed", reason)
            raise Refused(reason)
        for_a_page = not request.meta.get("dont_obey_robotstxt") and not request.dont_filter
        if for_a_page:
            seen = getattr(self.crawler.engine.scheduler, "df", None)
            if seen is not None and seen.request_seen(following):
                raise AlreadyRead(f"{request.url} redirects to a page that was asked for before")
            following.dont_filter = True  # it is noted as seen just now
        return following
