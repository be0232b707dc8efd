"""What all spiders that fetch pages have in common: chains, visits, and what became of each page.

A page is read as the first of a ``PageSequence``, most often its only one. Before it is asked for,
the visits are looked at:

- visited by this run: not asked for; its links are followed from the record.
- visited by the baseline: asked for with the validators of then, and so is each further page of
  its chain. All unchanged (304): the visit is kept, and nothing is sent. The first changed: the
  chain is read. A later one changed: the chain is read from its beginning, without conditions.
- else: read.

A chain that was read to its end goes to the pipeline together with its visit. One that was broken
off by a failure has no visit; what its earlier pages gave is sent all the same, unless the baseline
knows better. A page that is not there ends its chain. Pages that could not be had are counted where
it was decided (``middlewares``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from services.ingest.context import crawl_of
from services.ingest.delivery.pipeline import StreamPipeline
from services.ingest.pages.unreadable import PageUnreadable
from services.ingest.sources.sources import WebSource
from services.ingest.spiders.frontier import Frontier
from services.ingest.spiders.page_sequences import (
    OtherPage,
    PageSequence,
    SequenceProgress,
    asked_url,
)
from services.ingest.stats import STAT_UNREAD, STAT_UNREADABLE
from services.ingest.visits.kept_page import KeptPage, Oddity
from services.ingest.visits.page_results import Fetched, Findings, Link, PageResult, Visit, page_key
from services.ingest.visits.visits import Visits
from services.ingest.web.shutdown import CrawlEnding
from shared.telemetry import get_logger

_MISSING = frozenset({404, 410})  # answers as good as a page: there is none

Yield = PageResult | Request


class PagesSpider(Spider, ABC):
    """Base of the spiders of web sites."""

    def __init__(
        self, source: WebSource, kept_page: KeptPage, max_depth: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self._kept_page = kept_page
        self._max_depth = max_depth
        self._frontier = Frontier(source.hosts)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Scrapy's way of making one: the source comes with the settings."""
        crawl = crawl_of(crawler.settings)
        return super().from_crawler(
            crawler,
            *args,
            source=crawl.source,
            kept_page=KeptPage(crawl.folder, crawl.run_id),
            max_depth=crawler.settings.getint("DEPTH_LIMIT"),
            **kwargs,
        )

    @abstractmethod
    def first(self) -> Iterable[Link]:
        """The pages to begin at."""

    @abstractmethod
    def begin(self, link: Link) -> PageSequence:
        """An empty chain for the page of a link."""

    async def start(self) -> AsyncIterator[Request]:
        """Yield the first requests: of an attempt that goes on, those that are left.

        Raises:
            RuntimeError: the stream pipeline is missing.
        """
        pipeline = self.crawler.get_item_pipeline(StreamPipeline)
        if pipeline is None:
            raise RuntimeError("spiders need the stream pipeline")
        self._visits: Visits = pipeline.visits
        for visit in self._visits.of_this_run():
            for page in visit.pages:
                for url in {page.url, page.answered_by}:
                    self._frontier.mark(url)
                    self._filter(url)
        for visit in self._visits.of_this_run():
            for request in self._follow(visit.links, visit.depth + 1):
                yield request
        for request in self._follow(self.first(), 0):
            yield request

    def answered(self, response: Response, trail: SequenceProgress) -> Iterator[Yield]:
        """Scrapy's callback: a page was had, or has not changed."""
        if trail.checking is not None:
            yield from self._check(response, trail, trail.checking)
        elif response.status == 304:
            yield from self._conclude(trail, response, is_whole=False)  # nobody asked for it
        else:
            yield from self._read(response, trail)

    def failed(self, failure: Failure) -> Iterator[Yield]:
        """Scrapy's errback: a page could not be had."""
        request: Request = failure.request  # type: ignore[attr-defined]
        trail: SequenceProgress = request.cb_kwargs["trail"]
        error = failure.value
        if isinstance(error, CrawlEnding):
            return  # what has begun is read from its beginning another time
        status = error.response.status if isinstance(error, HttpError) else None
        get_logger().info(
            "page not read",
            url=request.url,
            reason=f"HTTP status {status}" if status is not None else failure.getErrorMessage(),
        )
        is_gone = status in _MISSING
        if is_gone or (status is None and isinstance(error, IgnoreRequest)):
            yield from self._without(request, trail, is_gone=is_gone)
        elif trail.known is not None and not trail.pages:
            yield from self._follow(trail.known.links, trail.known.depth + 1)
        else:
            yield from self._conclude(trail, None, is_whole=False)

    def _without(
        self, request: Request, trail: SequenceProgress, *, is_gone: bool
    ) -> Iterator[Yield]:
        """Go on without a page that is not there, or that is not for us: that is an answer."""
        if trail.checking:
            yield from self._again(trail, request.meta.get("depth", 0))
        elif trail.pages:
            # Without a validator, so that the chain is read anew the next time: it may come back.
            trail.pages.append(Fetched(request.url, request.url))
            yield from self._conclude(trail, None)
        elif not is_gone:
            yield from self._conclude(trail, None, is_whole=False, is_all=True)

    def _check(self, response: Response, trail: SequenceProgress, at: int) -> Iterator[Yield]:
        """Look whether a page of a known chain has changed."""
        known = trail.known
        if known is None:
            raise RuntimeError("nothing is known of this chain")
        is_same = response.status == 304 and response.url == known.pages[at].answered_by
        depth = response.meta.get("depth", 0)
        if is_same and at + 1 < len(known.pages):
            trail.checking = at + 1
            page = known.pages[at + 1]
            yield from self._go_on(trail, page.url, depth, page)
        elif is_same:
            self._visits.keep(known)
            yield from self._follow(known.links, depth + 1)
        elif at == 0 and response.status != 304:
            trail.checking = None
            yield from self._read(response, trail)
        else:
            yield from self._again(trail, depth)

    def _read(self, response: Response, trail: SequenceProgress) -> Iterator[Yield]:
        try:
            next_url = trail.chain.add(response)
        except PageUnreadable as error:
            yield from self._give_up(response, trail, error)
            return
        except OtherPage:
            yield from self._split(response, trail)
            return
        trail.note(response, datetime.now(UTC))
        if (
            next_url is None
            or not self._frontier.is_ours(next_url)
            or page_key(next_url) in trail.keys
        ):
            yield from self._conclude(trail, response)
            return
        further = list(self._go_on(trail, next_url, response.meta.get("depth", 0)))
        yield from further or self._conclude(trail, response, is_whole=False)

    def _give_up(
        self, response: Response, trail: SequenceProgress, error: PageUnreadable
    ) -> Iterator[Yield]:
        stats, kind = self.crawler.stats, trail.link.kind
        unreadable = stats.get_value(STAT_UNREADABLE, {})
        stats.set_value(STAT_UNREADABLE, {**unreadable, kind: unreadable.get(kind, 0) + 1})
        stats.inc_value(STAT_UNREAD)
        get_logger().warning("page cannot be understood", url=response.url, reason=str(error))
        self._kept_page.offer(response.body, Oddity.UNREADABLE)
        yield from self._conclude(trail, response, is_whole=False)

    def _split(self, response: Response, trail: SequenceProgress) -> Iterator[Yield]:
        """End a chain before this page, with which another begins."""
        link = Link(asked_url(response), trail.link.kind, trail.link.about)
        is_new = trail.is_new and not self._visits.has_visited(link.url)
        yield from self._conclude(trail, response, also=link)
        if not is_new:
            return
        own, page = self._set_out(link, trail.depth)
        if page is None:
            yield from self._read(response, own)
        else:
            yield from self._go_on(own, link.url, response.meta.get("depth", 0), page)

    def _conclude(
        self,
        trail: SequenceProgress,
        response: Response | None,
        *,
        is_whole: bool = True,
        is_all: bool = False,
        also: Link | None = None,
    ) -> Iterator[Yield]:
        """Hand over what a chain yields, and follow its links.

        Args:
            trail: The chain.
            response: Its last page, if that was had.
            is_whole: Whether it was read to its end.
            is_all: Whether nothing more is to be had of it, although it was not.
            also: A link to the chain that follows.
        """
        content = trail.chain.content()
        depth = trail.depth if response is None else response.meta.get("depth", 0)
        links = tuple(
            dict.fromkeys(link for link in content.links if self._frontier.is_ours(link.url))
        )
        now = trail.fetched_at or datetime.now(UTC)
        if is_whole:
            visit = Visit(
                link=trail.link,
                pages=tuple(trail.pages),
                links=(*links, also) if also is not None else links,
                depth=depth,
                fetched_at=now,
                digest=trail.digest.hexdigest(),
                findings=content.findings,
            )
            yield PageResult(content.items, now, visit)
            if isinstance(response, HtmlResponse):
                self._look_for_oddity(response, content.findings, trail.link)
        elif content.items and (is_all or trail.known is None):
            yield PageResult(content.items, now, None)
        yield from self._follow(links, depth + 1)

    def _look_for_oddity(self, response: Response, found: Findings, link: Link) -> None:
        if found.reviews == 0 and self._visits.had_reviews(link.url):
            self._kept_page.offer(response.body, Oddity.REVIEWS_GONE)
        elif found.textless > found.reviews:
            self._kept_page.offer(response.body, Oddity.NO_TEXTS)
        elif found.untitled * 2 > found.movies:
            self._kept_page.offer(response.body, Oddity.NO_TITLES)
        elif found.reviews == 0:
            self._kept_page.offer(response.body, Oddity.NO_REVIEWS)

    def _follow(self, links: Iterable[Link], depth: int) -> Iterator[Request]:
        """Requests for the pages that have not been asked for."""
        is_too_deep = depth > self._max_depth  # and may be found again on a shorter way
        for link in links:
            is_new = self._frontier.is_ours(link.url) and self._frontier.mark(
                link.url, only_look=is_too_deep
            )
            if not is_new or self._visits.has_visited(link.url):
                continue
            if is_too_deep:
                self.crawler.stats.inc_value(STAT_UNREAD)
                continue
            trail, page = self._set_out(link, depth)
            yield self._request(trail, link.url, depth, page)

    def _set_out(self, link: Link, depth: int) -> tuple[SequenceProgress, Fetched | None]:
        """A chain to be read, and what is known of its first page if that can be asked about."""
        known = self._visits.baseline_of(link.url)
        trail = SequenceProgress(link, depth, self.begin(link), known=known)
        if known is None or not known.can_be_asked_for_changes:
            return trail, None
        trail.checking = 0
        return trail, known.pages[0]

    def _again(self, trail: SequenceProgress, depth: int) -> Iterator[Request]:
        """Read a chain from its beginning, without conditions."""
        anew = SequenceProgress(trail.link, trail.depth, self.begin(trail.link), known=trail.known)
        yield from self._go_on(anew, trail.link.url, depth)

    def _go_on(
        self, trail: SequenceProgress, url: str, depth: int, page: Fetched | None = None
    ) -> Iterator[Request]:
        """The request for a page that must be asked for, whoever did so before; none if it cannot.

        Args:
            trail: The chain.
            url: The page.
            depth: Of the page that leads there.
            page: What is known of it, when it is only to be had if it has changed.
        """
        if not self._frontier.is_ours(url):
            return
        if depth + 1 > self._max_depth:
            self.crawler.stats.inc_value(STAT_UNREAD)
            return
        trail.is_new = self._frontier.mark(url)
        yield self._request(trail, url, depth + 1, page).replace(dont_filter=True)

    def _request(
        self, trail: SequenceProgress, url: str, depth: int, page: Fetched | None
    ) -> Request:
        headers = {}
        if page is not None and page.etag is not None:
            headers["If-None-Match"] = page.etag
        if page is not None and page.last_modified is not None:
            headers["If-Modified-Since"] = page.last_modified
        return Request(
            url,
            headers=headers,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"trail": trail},
            meta={"depth": depth, "handle_httpstatus_list": [304]},
        )

    def _filter(self, url: str) -> None:
        """Keep Scrapy from asking for a page, also where a redirect leads there."""
        scheduler: Any = self.crawler.engine.scheduler
        scheduler.df.request_seen(Request(url))
