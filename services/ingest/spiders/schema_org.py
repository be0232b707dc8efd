"""The spider for sites that mark up movies and reviews with schema.org.

It finds pages in sitemaps (also in indexes of sitemaps, also compressed) and in the links on pages,
within the hosts of the source's start URLs. The reviews of a movie may be on several pages, linked
by ``rel=next``. With ``reviews_per_movie`` these pages are one page sequence, which is read to its
end before reviews are picked; without, the reviews of each page are sent when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.link import Link as Anchor
from scrapy.linkextractors import LinkExtractor

from services.ingest.context import MAX_PAGE_BYTES
from services.ingest.pages.identifiers import canonical_url
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.sampling import pick
from services.ingest.pages.schema_org.extraction import PageContent, ReviewedMovie, extract
from services.ingest.pages.sitemaps import is_like_sitemap, parse_sitemap
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.texts import excerpt
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.spiders.page_sequences import OtherSequence, PageSequence
from services.ingest.spiders.page_spider import PageSpider
from services.ingest.visits.page_results import Content, Findings, Link
from shared.telemetry import get_logger

PAGE = "page"  # what its content is, is known only after reading
SITEMAP = "sitemap"  # what an index of sitemaps lists, and start addresses that look like one
_SITEMAP_PATH = re.compile(r"sitemap[^/]*\.(?:xml|txt)(?:\.gz)?$|\.xml(?:\.gz)?$", re.IGNORECASE)


class SchemaOrgSpider(PageSpider):
    """Yields the movies and reviews of a site, and follows its links."""

    name = "schema_org"
    source: SchemaOrgSource
    may_be_error_page = True

    def start_links(self) -> Iterable[Link]:
        """The start URLs."""
        return (
            Link(url, SITEMAP if _SITEMAP_PATH.search(urlsplit(url).path) else PAGE)
            for url in self.source.start_urls
        )

    def new_sequence(self, link: Link) -> PageSequence:
        """An empty page sequence."""
        return MoviePages(self.source, link.kind)


class MoviePages(PageSequence):
    """A sitemap, a page, or the linked pages of some movies' reviews.

    Args:
        source: The source; its name goes into ids.
        kind: The kind of page that the link to it promises; a sitemap must be one, because an error
            page in its place would hide all that it lists.
    """

    def __init__(self, source: SchemaOrgSource, kind: str) -> None:
        self._source = source
        self._kind = kind
        self._anchors = LinkExtractor(tags=("a", "area"), attrs=("href",))
        self._movies: dict[str, ReviewedMovie] = {}
        self._links: list[Link] = []
        self._unread: list[Unread] = []
        self._textless = 0
        self._is_withheld = False

    def add(self, response: Response) -> str | None:
        """Read a page; the next page belongs to the sequence if reviews are picked.

        Raises:
            OtherSequence: it has movies, but none of those on the earlier pages.
        """
        is_page = isinstance(response, HtmlResponse) and not is_like_sitemap(response.body)
        if not isinstance(response, HtmlResponse) or not is_page:
            self._read_sitemap(response)
            return None
        page = self._extract(response)
        if self._kind == SITEMAP:
            self._note_no_sitemap(response)
        if self._movies and page.movies and not self._continues(page.movies):
            raise OtherSequence
        self._unread += page.unread
        self._textless += page.reviews_without_text
        for reviewed in page.movies:
            earlier = self._movies.setdefault(reviewed.movie.movie_id, reviewed)
            if earlier is not reviewed:
                earlier.reviews.extend(reviewed.reviews)
        base = response.url
        if page.head is not None:
            self._is_withheld |= not (page.head.may_index and page.head.may_follow)
            if not page.head.may_follow:
                return None
            base = page.head.base
        next_url = _next_page(response, base)
        is_picking = self._source.reviews_per_movie > 0 and bool(page.movies)
        # The other pages of this sequence must not start sequences.
        sequence_url = canonical_url(response.url) if is_picking else None
        self._links.extend(
            Link(url, PAGE)
            for url in self._linked_urls(response)
            if sequence_url is None or canonical_url(url) != sequence_url
        )
        if is_picking:
            return next_url
        if next_url is not None:
            self._links.append(Link(next_url, PAGE))
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
            links=tuple(self._links),
            unread=tuple(self._unread),
            is_withheld=self._is_withheld,
            findings=Findings(
                movies=len(movies),
                untitled=sum(reviewed.movie.title is None for reviewed in movies),
                reviews=sum(len(reviewed.reviews) for reviewed in movies),
                textless=self._textless,
            ),
        )

    def _read_sitemap(self, response: Response) -> None:
        sitemap = parse_sitemap(response.body, url=response.url, max_bytes=MAX_PAGE_BYTES * 10)
        if sitemap is None:
            self._note_no_sitemap(response)
            return
        kind = SITEMAP if sitemap.is_index else PAGE
        self._links.extend(Link(url, kind) for url in sitemap.urls)
        if sitemap.damage is not None:
            self._note_unread(response, f"the sitemap is damaged: {sitemap.damage}")

    def _note_no_sitemap(self, response: Response) -> None:
        why = "not a sitemap" if self._kind == SITEMAP else "neither a page nor a sitemap"
        self._note_unread(response, why)

    def _note_unread(self, response: Response, why: str) -> None:
        self._unread.append(Unread("page", response.url, why, excerpt(response.body[:200])))
        get_logger().warning("page unreadable", url=response.url, reason=why)

    def _extract(self, response: TextResponse) -> PageContent:
        tags = response.headers.getlist("X-Robots-Tag")
        page = extract(
            response.body,
            response.url,
            self._source.name,
            encoding=response.encoding,
            robots_tags=tuple(tag.decode("latin-1") for tag in tags),
        )
        for unread in page.unread:
            if unread.kind == "page":
                get_logger().warning("markup unreadable", url=unread.where, reason=unread.why)
        return page

    def _continues(self, movies: Iterable[ReviewedMovie]) -> bool:
        return any(reviewed.movie.movie_id in self._movies for reviewed in movies)

    def _linked_urls(self, response: HtmlResponse) -> list[str]:
        anchors: list[Anchor] = self._anchors.extract_links(response)
        return [anchor.url for anchor in anchors if not anchor.nofollow]


def _next_page(response: TextResponse, base: str) -> str | None:
    href = response.css('link[rel~="next"]::attr(href), a[rel~="next"]::attr(href)').get()
    try:
        return urljoin(base, href) if href else None
    except ValueError:
        return None
