"""Redirects: at most five, and each target must be a URL that the source may request."""

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
# Validators of the redirecting page, which mean nothing for the target.
_CONDITIONS = ("If-None-Match", "If-Modified-Since")


class AlreadyRead(IgnoreRequest):
    """Raised when a page redirects to one that was requested before, so that nothing is missing."""


class CheckedRedirectMiddleware(RedirectMiddleware):
    """Checks the target of each redirect.

    The check is here, and not only in the URL filter, because here the redirecting page is known
    and can be counted. A redirect to a page that was already requested is a separate error: Scrapy
    would drop the request silently, and the spider would never get a response or an error.
    """

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - of Scrapy before 2.14
    ) -> Request | Response:
        """Follow a redirect; called by Scrapy.

        Raises:
            Refused: the target is not allowed, or there are too many redirects.
            AlreadyRead: the target was requested before.
        """
        report, host = SiteReport(self.crawler.stats), host_of(request.url)
        try:
            result = super().process_response(request, response)
        except IgnoreRequest as error:
            reason = f"{request.url}: more than {self.max_redirect_times} redirects"
            report.add_unread(host, "failed", reason, url=request.url)
            raise Refused(reason) from error
        except ValueError as error:
            report.add(host, "refused")
            raise Refused(f"{request.url} redirects to an invalid URL") from error
        if isinstance(result, Request):
            return self._checked(request, result, report, host)
        if response.status in REDIRECTING and "Location" in response.headers:
            report.add(host, "refused")
            raise Refused(f"{request.url} redirects to a URL that is neither http nor https")
        return result

    def _checked(
        self, request: Request, redirected: Request, report: SiteReport, host: str
    ) -> Request:
        source = crawl_of(self.crawler.settings).source
        reason = UrlFilter(source.hosts if isinstance(source, WebSource) else ()).refusal(
            redirected.url
        )
        if reason is not None:
            reason = f"{request.url} redirects to {reason}"
            # A definite answer, like "not found": the page is no longer on this site.
            report.add(host, "refused")
            report.note_fault(reason)
            raise Refused(reason)
        for name in _CONDITIONS:
            redirected.headers.pop(name, None)
        if redirected.url in redirected.meta["redirect_urls"]:
            reason = f"{request.url} redirects to itself"
            report.add_unread(host, "failed", reason, url=request.url)
            raise Refused(reason)
        is_for_page = not request.meta.get("dont_obey_robotstxt") and not request.dont_filter
        if is_for_page:
            dupe_filter = getattr(self.crawler.engine.scheduler, "df", None)
            if dupe_filter is not None and dupe_filter.request_seen(redirected):
                raise AlreadyRead(f"{request.url} redirects to a page that was requested before")
            redirected.dont_filter = True  # the line above has just marked it as seen
        return redirected
