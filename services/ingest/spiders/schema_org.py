"""Spider of sites that mark up films and reviews with schema.org.

Pages are found from sitemaps (also indexes of them, also compressed) and from the links on pages,
within the hosts of the source's start URLs. A film's reviews may go over several pages: they hang
together by ``rel=next``. With ``reviews_per_movie`` these are one chain, read to its end before
reviews are picked; without, each page's reviews are sent as they come.
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
from services.ingest.pages.schema_org.extraction import Film, PageContent, extract
from services.ingest.pages.sitemaps import parse_sitemap
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.spiders.page_sequences import OtherPage, PageSequence
from services.ingest.spiders.page_spider import PagesSpider
from services.ingest.visits.page_results import Content, Findings, Link
from shared.telemetry import get_logger

STAT_BAD_BLOCKS = "schema_org/bad_blocks"

PAGE = "page"  # the kind of all pages: what one is shows when it is read


class SchemaOrgSpider(PagesSpider):
    """Yields the films and reviews of a site, and follows its links."""

    name = "schema_org"
    source: SchemaOrgSource

    def first(self) -> Iterable[Link]:
        """The start URLs."""
        return (Link(url, PAGE) for url in self.source.start_urls)

    def begin(self, link: Link) -> PageSequence:  # noqa: ARG002 - any page is read alike
        """An empty chain."""
        return FilmPages(self.source, self.crawler.stats)


class FilmPages(PageSequence):
    """A sitemap, a page, or the pages of some films' reviews that hang together.

    Args:
        source: Its name, for ids, and how many reviews are picked.
        stats: For what could not be read.
    """

    def __init__(self, source: SchemaOrgSource, stats: StatsCollector) -> None:
        self._source = source
        self._stats = stats
        self._anchors = LinkExtractor(tags=("a", "area"), attrs=("href",))
        self._films: dict[str, Film] = {}
        self._links: list[str] = []
        self._textless = 0

    def add(self, response: Response) -> str | None:
        """Read a page; the next one belongs to it where reviews are picked.

        Raises:
            OtherPage: it has films, and none of them began on an earlier page.
        """
        if not isinstance(response, HtmlResponse):
            self._read_sitemap(response)
            return None
        page = self._extract(response)
        if self._films and page.films and not self._continues(page.films):
            raise OtherPage
        self._textless += page.reviews_without_text
        for film in page.films:
            begun = self._films.setdefault(film.movie.movie_id, film)
            if begun is not film:
                begun.reviews.extend(film.reviews)
        next_url = _next_page(response)
        is_picking = self._source.reviews_per_movie > 0 and bool(page.films)
        # The pages of its own chain are no pages to begin at.
        own = canonical_url(response.url) if is_picking else None
        anchors = self._follow(response)
        self._links.extend(url for url in anchors if own is None or canonical_url(url) != own)
        if is_picking:
            return next_url
        if next_url is not None:
            self._links.append(next_url)
        return None

    def content(self) -> Content:
        """The films and their reviews, and all links."""
        films = self._films.values()
        items: list[MovieItem | ReviewItem] = []
        for film in films:
            items.append(film.movie)
            ratings = [review.rating for review in film.reviews]
            items.extend(film.reviews[at] for at in pick(ratings, self._source.reviews_per_movie))
        return Content(
            items=tuple(items),
            links=tuple(Link(url, PAGE) for url in self._links),
            findings=Findings(
                movies=len(films),
                untitled=sum(film.movie.title is None for film in films),
                reviews=sum(len(film.reviews) for film in films),
                textless=self._textless,
            ),
        )

    def _read_sitemap(self, response: Response) -> None:
        sitemap = parse_sitemap(response.body, most_bytes=MAX_PAGE_BYTES * 10)
        if sitemap is None:
            get_logger().warning("neither a page nor a sitemap", url=response.url)
        else:
            self._links.extend(sitemap.urls)

    def _extract(self, response: TextResponse) -> PageContent:
        page = extract(response.body, response.url, self._source.name, encoding=response.encoding)
        self._stats.inc_value(STAT_BAD_BLOCKS, page.bad_blocks)
        if page.bad_blocks:
            get_logger().warning("JSON-LD cannot be read", url=response.url, blocks=page.bad_blocks)
        return page

    def _continues(self, films: Iterable[Film]) -> bool:
        return any(film.movie.movie_id in self._films for film in films)

    def _follow(self, response: HtmlResponse) -> list[str]:
        anchors: list[Anchor] = self._anchors.extract_links(response)
        return [anchor.url for anchor in anchors if not anchor.nofollow]


def _next_page(response: TextResponse) -> str | None:
    found = response.css('link[rel~="next"]::attr(href), a[rel~="next"]::attr(href)').get()
    return urljoin(response.url, found) if found else None
