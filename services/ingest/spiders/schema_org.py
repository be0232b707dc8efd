"""The spider for sites that mark up movies and reviews with schema.org.

It finds pages in sitemaps (also in indexes of sitemaps, also compressed) and in the links on pages,
within the hosts of the source's start URLs. The reviews of a movie may be on several pages, linked
by ``rel=next``. With ``reviews_per_movie`` these pages are one page sequence, which is read to its
end before reviews are picked; without, the reviews of each page are sent when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urljoin

from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.link import Link as Anchor
from scrapy.linkextractors import LinkExtractor
from scrapy.statscollectors import StatsCollector

from services.ingest.context import MAX_PAGE_BYTES
from services.ingest.pages.identifiers import canonical_url
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.pages.schema_org.extraction import PageContent, ReviewedMovie, extract
from services.ingest.pages.sitemaps import parse_sitemap
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.spiders.page_sequences import OtherSequence, PageSequence
from services.ingest.spiders.page_spider import PageSpider
from services.ingest.visits.page_results import Content, Findings, Link
from shared.telemetry import get_logger

STAT_BAD_BLOCKS = "schema_org/bad_blocks"

PAGE = "page"  # the kind of all pages: their content is known only after reading


class SchemaOrgSpider(PageSpider):
    """Yields the movies and reviews of a site, and follows its links."""

    name = "schema_org"
    source: SchemaOrgSource

    def start_links(self) -> Iterable[Link]:
        """The start URLs."""
        return (Link(url, PAGE) for url in self.source.start_urls)

    def new_sequence(self, link: Link) -> PageSequence:  # noqa: ARG002 - all pages are read alike
        """An empty page sequence."""
        return MoviePages(self.source, self.crawler.stats)


class MoviePages(PageSequence):
    """A sitemap, a page, or the linked pages of some movies' reviews.

    Args:
        source: The source; its name goes into ids.
        stats: Scrapy's stats; the sequence counts blocks that it cannot read.
    """

    def __init__(self, source: SchemaOrgSource, stats: StatsCollector) -> None:
        self._source = source
        self._stats = stats
        self._anchors = LinkExtractor(tags=("a", "area"), attrs=("href",))
        self._movies: dict[str, ReviewedMovie] = {}
        self._links: list[str] = []
        self._textless = 0

    def add(self, response: Response) -> str | None:
        """Read a page; the next page belongs to the sequence if reviews are picked.

        Raises:
            OtherSequence: it has movies, but none of those on the earlier pages.
        """
        if not isinstance(response, HtmlResponse):
            self._read_sitemap(response)
            return None
        page = self._extract(response)
        if self._movies and page.movies and not self._continues(page.movies):
            raise OtherSequence
        self._textless += page.reviews_without_text
        for reviewed in page.movies:
            earlier = self._movies.setdefault(reviewed.movie.movie_id, reviewed)
            if earlier is not reviewed:
                earlier.reviews.extend(reviewed.reviews)
        next_url = _next_page(response)
        is_picking = self._source.reviews_per_movie > 0 and bool(page.movies)
        # The other pages of this sequence must not start sequences.
        sequence_url = canonical_url(response.url) if is_picking else None
        self._links.extend(
            url
            for url in self._linked_urls(response)
            if sequence_url is None or canonical_url(url) != sequence_url
        )
        if is_picking:
            return next_url
        if next_url is not None:
            self._links.append(next_url)
        return None

    def content(self) -> Content:
        """The movies and their reviews, and all links."""
        movies = self._movies.values()
        items: list[MovieItem | ReviewItem] = []
        for reviewed in movies:
            items.append(reviewed.movie)
            ratings = [review.rating for review in reviewed.reviews]
            items.extend(
                reviewed.reviews[at] for at in pick(ratings, self._source.reviews_per_movie)
            )
        return Content(
            items=tuple(items),
            links=tuple(Link(url, PAGE) for url in self._links),
            findings=Findings(
                movies=len(movies),
                untitled=sum(reviewed.movie.title is None for reviewed in movies),
                reviews=sum(len(reviewed.reviews) for reviewed in movies),
                textless=self._textless,
            ),
        )

    def _read_sitemap(self, response: Response) -> None:
        sitemap = parse_sitemap(response.body, max_bytes=MAX_PAGE_BYTES * 10)
        if sitemap is None:
            get_logger().warning("neither page nor sitemap", url=response.url)
        else:
            self._links.extend(sitemap.urls)

    def _extract(self, response: TextResponse) -> PageContent:
        page = extract(response.body, response.url, self._source.name, encoding=response.encoding)
        self._stats.inc_value(STAT_BAD_BLOCKS, page.bad_blocks)
        if page.bad_blocks:
            get_logger().warning("markup unreadable", url=response.url, blocks=page.bad_blocks)
        return page

    def _continues(self, movies: Iterable[ReviewedMovie]) -> bool:
        return any(reviewed.movie.movie_id in self._movies for reviewed in movies)

    def _linked_urls(self, response: HtmlResponse) -> list[str]:
        anchors: list[Anchor] = self._anchors.extract_links(response)
        return [anchor.url for anchor in anchors if not anchor.nofollow]


def _next_page(response: TextResponse) -> str | None:
    href = response.css('link[rel~="next"]::attr(href), a[rel~="next"]::attr(href)').get()
    return urljoin(response.url, href) if href else None
