"""Spider of sites that mark up films and reviews with schema.org JSON-LD.

Pages are found from sitemaps (also indexes of them, also compressed) and from the links on pages,
within the hosts of the source's start URLs. A film's reviews may go over several pages: they hang
together by ``rel=next``. With ``reviews_per_movie`` the whole chain is read before reviews are
picked; without, each page's reviews are sent as they come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.link import Link
from scrapy.linkextractors import LinkExtractor

from services.ingest.extraction import Film, extract
from services.ingest.identifiers import canonical_url
from services.ingest.items import MovieItem, ReviewItem
from services.ingest.middlewares import FETCH_FAULT
from services.ingest.sampling import pick
from services.ingest.settings import MAX_PAGE_BYTES, crawl_of
from services.ingest.sitemaps import parse_sitemap
from services.ingest.sources import SchemaOrgSource
from shared.telemetry import get_logger

STAT_BAD_BLOCKS = "schema_org/bad_blocks"
STAT_TEXTLESS = "schema_org/reviews_without_text"
STAT_PAGES = "schema_org/pages"

Yield = MovieItem | ReviewItem | Request


class SchemaOrgSpider(Spider):
    """Yields the films and reviews of a site, and follows its links."""

    name = "schema_org"

    def __init__(self, source: SchemaOrgSource, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._source = source
        self._hosts = source.hosts
        # Names without ports, for Scrapy's offsite filter, which sees redirects too.
        self.allowed_domains = sorted(
            {name for host in source.hosts if (name := urlsplit(f"//{host}").hostname)}
        )
        self._links = LinkExtractor(tags=("a", "area"), attrs=("href",))

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Scrapy's way of making one: the source comes with the settings."""
        return super().from_crawler(
            crawler, *args, source=crawl_of(crawler.settings).source, **kwargs
        )

    async def start(self) -> AsyncIterator[Request]:
        """Yield the first requests."""
        for url in self._source.start_urls:
            yield self._request(url)

    def parse(self, response: Response) -> Iterator[Yield]:
        """Read a sitemap or a page."""
        if not isinstance(response, HtmlResponse):
            sitemap = parse_sitemap(response.body, most_bytes=MAX_PAGE_BYTES * 10)
            if sitemap is None:
                get_logger().warning("neither a page nor a sitemap", url=response.url)
                return
            yield from (self._request(url) for url in sitemap.urls if self._is_ours(url))
            return
        films = self._read(response)
        next_url = _next_page(response)
        if self._source.reviews_per_movie and films and next_url is not None:
            yield from self._go_on(films, next_url)
        else:
            yield from self._items(films)
        yield from self._follow(response, next_url, chained=bool(films))

    def parse_further(self, response: Response, films: list[Film]) -> Iterator[Yield]:
        """Read a further page of reviews of films that began on an earlier one."""
        known = {film.movie.movie_id: film for film in films}
        next_url = None
        if isinstance(response, TextResponse):
            for film in self._read(response):
                begun = known.get(film.movie.movie_id)
                if begun is None:
                    films.append(film)
                else:
                    begun.reviews.extend(film.reviews)
            next_url = _next_page(response)
        if next_url is not None:
            yield from self._go_on(films, next_url)
        else:
            yield from self._items(films)

    def broken_off(self, failure: Any) -> Iterator[Yield]:
        """A further page could not be had: what the earlier pages gave still counts."""
        get_logger().warning("reviews broken off", url=failure.request.url)
        yield from self._items(failure.request.cb_kwargs["films"])

    def failed(self, failure: Any) -> None:
        """A page could not be had: say so, and keep the first reason for the run's error."""
        stats = self.crawler.stats
        response = getattr(failure.value, "response", None)
        if response is None and isinstance(failure.value, IgnoreRequest):
            get_logger().debug("page not asked for", url=failure.request.url)
            return  # robots.txt or an address: counted where it was decided
        reason = (
            f"HTTP status {response.status}"
            if response is not None
            else str(failure.value) or type(failure.value).__name__
        )
        if stats.get_value(FETCH_FAULT) is None:
            stats.set_value(FETCH_FAULT, f"{failure.request.url}: {reason}")
        get_logger().warning("page not read", url=failure.request.url, reason=reason)

    def _request(self, url: str) -> Request:
        return Request(url, callback=self.parse, errback=self.failed)

    def _go_on(self, films: list[Film], url: str) -> Iterator[Yield]:
        if not self._is_ours(url):
            yield from self._items(films)
            return
        yield Request(
            url, callback=self.parse_further, errback=self.broken_off, cb_kwargs={"films": films}
        )

    def _read(self, response: TextResponse) -> list[Film]:
        content = extract(
            response.body, response.url, self._source.name, encoding=response.encoding
        )
        stats = self.crawler.stats
        stats.inc_value(STAT_PAGES)
        stats.inc_value(STAT_BAD_BLOCKS, content.bad_blocks)
        stats.inc_value(STAT_TEXTLESS, content.reviews_without_text)
        if content.bad_blocks:
            get_logger().warning(
                "JSON-LD cannot be read", url=response.url, blocks=content.bad_blocks
            )
        return content.films

    def _items(self, films: list[Film]) -> Iterator[Yield]:
        for film in films:
            yield film.movie
            kept = pick([review.rating for review in film.reviews], self._source.reviews_per_movie)
            for at in kept:
                yield film.reviews[at]

    def _follow(
        self, response: HtmlResponse, next_url: str | None, *, chained: bool
    ) -> Iterator[Request]:
        """Requests for a page's links.

        Where reviews are picked, the pages of a film's reviews are a chain that is read once;
        elsewhere the next page is a link like any other.
        """
        picking = chained and self._source.reviews_per_movie > 0
        own = canonical_url(response.url) if picking else None
        if next_url is not None and not picking and self._is_ours(next_url):
            yield self._request(next_url)
        for link in self._extracted(response):
            if self._is_ours(link.url) and canonical_url(link.url) != own:
                yield self._request(link.url)

    def _extracted(self, response: HtmlResponse) -> list[Link]:
        links: list[Link] = self._links.extract_links(response)
        return [link for link in links if not link.nofollow]

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and parts.netloc.lower() in self._hosts


def _next_page(response: TextResponse) -> str | None:
    found = response.css('link[rel~="next"]::attr(href), a[rel~="next"]::attr(href)').get()
    return urljoin(response.url, found) if found else None
