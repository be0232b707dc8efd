"""The base class of the spiders that fetch pages: page sequences, visits, and failures.

Every page is read as a page of a ``PageSequence``, usually the only one. Before the first page is
requested, the spider looks up the visits of its URL:

- Visited by this run: it is not requested; its links are followed from the record.
- Visited by the baseline: it is requested with the recorded validators, and so is each further
  page of the sequence. If all pages are unchanged (304), the visit is kept, and nothing is sent. If
  the first page has changed, the sequence is read. If a later page has changed, the sequence is
  read from its beginning, without conditions.
- Otherwise: it is read.

A sequence that was read to its end is passed to the pipeline together with its visit. One that
ended with a failure has no visit; the items of its earlier pages are sent all the same, unless the
baseline has a visit of it. A missing page (404) ends its sequence. The middlewares of ``web`` count
the pages that could not be read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from services.ingest.context import crawl_of
from services.ingest.delivery.pipeline import StreamPipeline
from services.ingest.pages.unread import Unread
from services.ingest.pages.unreadable import PageUnreadable
from services.ingest.pages.values.texts import excerpt
from services.ingest.sources.sources import WebSource
from services.ingest.spiders.frontier import Frontier
from services.ingest.spiders.page_sequences import (
    OtherSequence,
    PageSequence,
    SequenceProgress,
    requested_url,
)
from services.ingest.stats import STAT_UNREAD, STAT_UNREADABLE, STAT_VANISHED
from services.ingest.visits.kept_page import KeptPage, Oddity
from services.ingest.visits.page_reading import PageReading, PageTooSlow
from services.ingest.visits.page_results import (
    Content,
    FetchedPage,
    Findings,
    Link,
    PageResult,
    Visit,
    page_key,
)
from services.ingest.visits.visits import Visits
from services.ingest.web.shutdown import CrawlShuttingDown
from shared.telemetry import get_logger

_MISSING = frozenset({404, 410})  # definite answers: there is no page

Yield = PageResult | Request


class PageSpider(Spider, ABC):
    """Base class of the spiders of web sites.

    Args:
        source: The source to crawl.
        kept_page: Keeps the page that suggests most that the site has changed.
        reading: Reads pages within their bounds.
        max_depth: Maximum number of links from a start page to a page.
    """

    may_be_error_page: ClassVar[bool] = False
    """Whether a page without content may be an error page: pages are known by their content only.
    """

    def __init__(
        self,
        source: WebSource,
        kept_page: KeptPage,
        reading: PageReading,
        max_depth: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self._kept_page = kept_page
        self._reading = reading
        self._max_depth = max_depth
        self._frontier = Frontier(source.hosts)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Create the spider from the crawl's context; called by Scrapy."""
        crawl = crawl_of(crawler.settings)
        return super().from_crawler(
            crawler,
            *args,
            source=crawl.source,
            kept_page=KeptPage(crawl.folder, crawl.run_id),
            reading=PageReading(crawl.folder, crawl.run_id),
            max_depth=crawler.settings.getint("DEPTH_LIMIT"),
            **kwargs,
        )

    @abstractmethod
    def start_links(self) -> Iterable[Link]:
        """The pages at which the crawl starts."""

    @abstractmethod
    def new_sequence(self, link: Link) -> PageSequence:
        """An empty page sequence for the page that a link points to."""

    def request_headers(self) -> Mapping[str, str]:
        """Further headers of every request for a page; those for robots.txt have none."""
        return {}

    async def start(self) -> AsyncIterator[Request]:
        """Yield the first requests; a repeated attempt continues with the pages that are left.

        Raises:
            RuntimeError: the stream pipeline is missing.
        """
        pipeline = self.crawler.get_item_pipeline(StreamPipeline)
        if pipeline is None:
            raise RuntimeError("spiders need the stream pipeline")
        self._pipeline = pipeline
        self._visits: Visits = pipeline.visits
        for visit in self._visits.of_this_run():
            for page in visit.pages:
                for url in {page.url, page.final_url}:
                    self._frontier.mark(url)
                    self._mark_as_seen(url)
        for visit in self._visits.of_this_run():
            for request in self._follow(visit.links, visit.depth + 1):
                yield request
        for request in self._follow(self.start_links(), 0):
            yield request

    def page_received(self, response: Response, progress: SequenceProgress) -> Iterator[Yield]:
        """Read a page, or note that it has not changed; called by Scrapy."""
        if progress.checking is not None:
            yield from self._check_for_change(response, progress, progress.checking)
        elif response.status == 304:  # although the request had no conditions
            yield from self._finish(progress, response, is_complete=False)
        else:
            yield from self._read(response, progress)

    def page_failed(self, failure: Failure) -> Iterator[Yield]:
        """Continue without a page that could not be fetched; called by Scrapy."""
        request: Request = failure.request  # type: ignore[attr-defined]
        progress: SequenceProgress = request.cb_kwargs["progress"]
        error = failure.value
        if isinstance(error, CrawlShuttingDown):
            return  # the next attempt reads the sequence from its beginning
        status = error.response.status if isinstance(error, HttpError) else None
        reason = f"HTTP status {status}" if status is not None else failure.getErrorMessage()
        get_logger().info("page not read", url=request.url, reason=reason)
        is_missing = status in _MISSING
        if is_missing or (status is None and isinstance(error, IgnoreRequest)):
            yield from self._skip_page(request, progress, is_missing=is_missing)
        elif progress.baseline is not None and not progress.pages:
            yield from self._follow(progress.baseline.links, progress.baseline.depth + 1)
        else:
            yield from self._finish(progress, None, is_complete=False)

    def _skip_page(
        self, request: Request, progress: SequenceProgress, *, is_missing: bool
    ) -> Iterator[Yield]:
        """Continue without a page that does not exist or is not allowed."""
        if progress.checking:
            yield from self._restart(progress, request.meta.get("depth", 0))
        elif progress.pages:
            # Without a validator, so that the next crawl reads the sequence: the page may return.
            progress.pages.append(FetchedPage(request.url, request.url))
            yield from self._finish(progress, None)
        elif not is_missing:
            yield from self._finish(progress, None, is_complete=False, is_final=True)

    def _check_for_change(
        self, response: Response, progress: SequenceProgress, at: int
    ) -> Iterator[Yield]:
        """Handle the response to a conditional request for page ``at`` of the baseline's visit."""
        baseline = progress.baseline
        if baseline is None:
            raise RuntimeError("the baseline has no visit of this page sequence")
        is_unchanged = response.status == 304 and response.url == baseline.pages[at].final_url
        depth = response.meta.get("depth", 0)
        if is_unchanged and at + 1 < len(baseline.pages):
            progress.checking = at + 1
            page = baseline.pages[at + 1]
            yield from self._request_page(progress, page.url, depth, page)
        elif is_unchanged:
            self._visits.keep(baseline)
            yield from self._follow(baseline.links, depth + 1)
        elif at == 0 and response.status != 304:
            progress.checking = None
            yield from self._read(response, progress)
        else:
            yield from self._restart(progress, depth)

    def _read(self, response: Response, progress: SequenceProgress) -> Iterator[Yield]:
        try:
            next_url = self._reading.read(response.url, lambda: progress.sequence.add(response))
        except PageUnreadable as error:
            self._note_unreadable(response, progress.link.kind)
            yield from self._finish_unread(response, progress, error)
            return
        except PageTooSlow as error:
            yield from self._finish_unread(response, progress, error)
            return
        except OtherSequence:
            yield from self._begin_next_sequence(response, progress)
            return
        progress.add_page(response, datetime.now(UTC))
        if (
            next_url is None
            or not self._frontier.is_allowed(next_url)
            or page_key(next_url) in progress.keys
        ):
            yield from self._finish(progress, response)
            return
        requests = list(self._request_page(progress, next_url, response.meta.get("depth", 0)))
        yield from requests or self._finish(progress, response, is_complete=False)

    def _note_unreadable(self, response: Response, kind: str) -> None:
        """Note a page without a known structure: many of them are a sign of drift."""
        unreadable = self.crawler.stats.get_value(STAT_UNREADABLE, {})
        counts = {**unreadable, kind: unreadable.get(kind, 0) + 1}
        self.crawler.stats.set_value(STAT_UNREADABLE, counts)
        self._kept_page.offer(response.body, Oddity.UNREADABLE)

    def _finish_unread(
        self, response: Response, progress: SequenceProgress, error: PageUnreadable | PageTooSlow
    ) -> Iterator[Yield]:
        get_logger().warning("page unreadable", url=response.url, reason=str(error))
        unread = Unread("page", response.url, str(error), excerpt(response.body[:200]))
        yield from self._finish(progress, response, is_complete=False, unread=(unread,))

    def _begin_next_sequence(
        self, response: Response, progress: SequenceProgress
    ) -> Iterator[Yield]:
        """Finish a sequence before this page, and begin another one with it."""
        link = Link(requested_url(response), progress.link.kind, progress.link.about)
        is_new = progress.is_new and not self._visits.has_visited(link.url)
        yield from self._finish(progress, response, next_link=link)
        if not is_new:
            return
        next_progress, page = self._open_sequence(link, progress.depth)
        if page is None:
            yield from self._read(response, next_progress)
        else:
            depth = response.meta.get("depth", 0)
            yield from self._request_page(next_progress, link.url, depth, page)

    def _finish(
        self,
        progress: SequenceProgress,
        response: Response | None,
        *,
        is_complete: bool = True,
        is_final: bool = False,
        next_link: Link | None = None,
        unread: tuple[Unread, ...] = (),
    ) -> Iterator[Yield]:
        """Yield the items of a page sequence, and follow its links.

        Args:
            progress: The page sequence.
            response: Its last page; None when that could not be fetched.
            is_complete: Whether the sequence was read to its end.
            is_final: Whether no more of an incomplete sequence can be read.
            next_link: The link to the page sequence that follows, if any.
            unread: What could not be read, besides what the sequence itself lists.
        """
        content = progress.sequence.content()
        depth = progress.depth if response is None else response.meta.get("depth", 0)
        links = tuple(
            dict.fromkeys(link for link in content.links if self._frontier.is_allowed(link.url))
        )
        fetched_at = progress.fetched_at or datetime.now(UTC)
        all_unread = (*content.unread, *unread)
        if is_complete and response is not None and all(one.kind != "page" for one in all_unread):
            all_unread += self._vanished(progress, content, response)
        unread_pages = sum(one.kind == "page" for one in all_unread)
        # They make the crawl incomplete, so that nothing in an unread part counts as gone.
        self.crawler.stats.inc_value(STAT_UNREAD, unread_pages)
        if is_complete and not unread_pages:
            visit = Visit(
                link=progress.link,
                pages=tuple(progress.pages),
                links=(*links, next_link) if next_link is not None else links,
                depth=depth,
                fetched_at=fetched_at,
                digest=progress.digest.hexdigest(),
                findings=content.findings,
            )
            yield PageResult(content.items, fetched_at, visit, all_unread)
            if isinstance(response, HtmlResponse):
                self._check_for_oddity(response, content.findings, progress.link)
        else:
            # Without a visit, so that the next crawl reads it again.
            is_all = is_complete or is_final or progress.baseline is None
            items = content.items if is_all else ()
            if items or all_unread:
                yield PageResult(items, fetched_at, None, all_unread)
        yield from self._follow(links, depth + 1)

    def _vanished(
        self, progress: SequenceProgress, content: Content, response: Response
    ) -> tuple[Unread, ...]:
        """What a page had when it was last read, if it has nothing now: it may be an error page."""
        findings = content.findings
        is_empty = not (findings.movies or findings.reviews or findings.textless)
        if not self.may_be_error_page or content.is_withheld or self._pipeline.allows_removals:
            return ()
        if is_empty and self._visits.had_reviews(progress.link.url):
            what = "reviews"
            self.crawler.stats.inc_value(STAT_VANISHED)
            self._kept_page.offer(response.body, Oddity.REVIEWS_GONE)
        elif progress.baseline and progress.baseline.links and is_empty and not content.links:
            what = "links"
        else:
            return ()
        why = f"had {what} before and has none now; if they were deleted, crawl with allow_removals"
        return (Unread("page", response.url, why, excerpt(response.body[:200])),)

    def _check_for_oddity(self, response: Response, findings: Findings, link: Link) -> None:
        if findings.reviews == 0 and self._visits.had_reviews(link.url):
            self._kept_page.offer(response.body, Oddity.REVIEWS_GONE)
        elif findings.textless > findings.reviews:
            self._kept_page.offer(response.body, Oddity.NO_TEXTS)
        elif findings.untitled * 2 > findings.movies:
            self._kept_page.offer(response.body, Oddity.NO_TITLES)
        elif findings.reviews == 0:
            self._kept_page.offer(response.body, Oddity.NO_REVIEWS)

    def _follow(self, links: Iterable[Link], depth: int) -> Iterator[Request]:
        """Requests for the linked pages that were not requested before."""
        is_too_deep = depth > self._max_depth  # a shorter path may still lead there
        for link in links:
            is_new = self._frontier.is_allowed(link.url) and self._frontier.mark(
                link.url, peek=is_too_deep
            )
            if not is_new or self._visits.has_visited(link.url):
                continue
            if is_too_deep:
                self.crawler.stats.inc_value(STAT_UNREAD)
                continue
            progress, page = self._open_sequence(link, depth)
            yield self._request(progress, link.url, depth, page)

    def _open_sequence(self, link: Link, depth: int) -> tuple[SequenceProgress, FetchedPage | None]:
        """A new page sequence, and the baseline's first page for a conditional request, if any."""
        baseline = self._visits.baseline_visit(link.url)
        progress = SequenceProgress(link, depth, self.new_sequence(link), baseline=baseline)
        if baseline is None or not baseline.has_validators:
            return progress, None
        progress.checking = 0
        return progress, baseline.pages[0]

    def _restart(self, progress: SequenceProgress, depth: int) -> Iterator[Request]:
        """Read a page sequence from its beginning, without conditions."""
        link = progress.link
        restarted = SequenceProgress(
            link, progress.depth, self.new_sequence(link), baseline=progress.baseline
        )
        yield from self._request_page(restarted, link.url, depth)

    def _request_page(
        self, progress: SequenceProgress, url: str, depth: int, page: FetchedPage | None = None
    ) -> Iterator[Request]:
        """The request for a page, even if it was requested before; none when it is not allowed.

        Args:
            progress: The page sequence that the page belongs to.
            url: The page.
            depth: The depth of the page that links to it.
            page: The page as fetched before, for a conditional request.
        """
        if not self._frontier.is_allowed(url):
            return
        if depth + 1 > self._max_depth:
            self.crawler.stats.inc_value(STAT_UNREAD)
            return
        progress.is_new = self._frontier.mark(url)
        yield self._request(progress, url, depth + 1, page).replace(dont_filter=True)

    def _request(
        self, progress: SequenceProgress, url: str, depth: int, page: FetchedPage | None
    ) -> Request:
        headers = dict(self.request_headers())
        if page is not None and page.etag is not None:
            headers["If-None-Match"] = page.etag
        if page is not None and page.last_modified is not None:
            headers["If-Modified-Since"] = page.last_modified
        return Request(
            url,
            headers=headers,
            callback=self.page_received,
            errback=self.page_failed,
            cb_kwargs={"progress": progress},
            meta={"depth": depth, "handle_httpstatus_list": [304]},
        )

    def _mark_as_seen(self, url: str) -> None:
        """Keep Scrapy from requesting a page, also when a redirect leads there."""
        scheduler: Any = self.crawler.engine.scheduler
        scheduler.df.request_seen(Request(url))
