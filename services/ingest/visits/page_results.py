"""The result of reading a page sequence: items, links, and validators to detect changes. Pure.

A page sequence is one or several pages that are read together, because their items depend on all
of them (``reviews_per_movie`` picks from all pages of a movie's reviews).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from w3lib.url import canonicalize_url

from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.unread import Unread


def page_key(url: str) -> str:
    """The canonical form of a page's URL, which identifies the page.

    Raises:
        ValueError: it is not a URL.
    """
    return str(canonicalize_url(url))


@dataclass(frozen=True, slots=True)
class Link:
    """A page to read.

    Args:
        url: Absolute URL of the page.
        kind: The kind of page, as the spider names it.
        about: What the linking page says about it, in a format of the spider.
    """

    url: str
    kind: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A fetched page, with the validators for a later conditional request.

    Args:
        url: The requested URL.
        final_url: The URL after redirects.
        etag: The ``ETag`` header, if any.
        last_modified: The ``Last-Modified`` header, if any.
    """

    url: str
    final_url: str
    etag: str | None = None
    last_modified: str | None = None

    @property
    def has_validator(self) -> bool:
        """Whether the server can tell that the page is unchanged."""
        return self.etag is not None or self.last_modified is not None


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts of a page sequence before reviews are picked; drift is detected from them.

    Args:
        movies: Number of movies.
        untitled: Number of movies without a title.
        reviews: Number of reviews with text.
        textless: Number of reviews without text.
    """

    movies: int = 0
    untitled: int = 0
    reviews: int = 0
    textless: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """A page sequence that was read to its end.

    Args:
        link: The link to its first page.
        pages: Its pages, in order.
        links: The links on its pages.
        depth: Number of links from a start page to its last page.
        fetched_at: When its first page was fetched.
        digest: A hash of the bodies of its pages, in hexadecimal digits.
        findings: The counts of its movies and reviews.
        items: Ledger ids of the items that it yielded.
    """

    link: Link
    pages: tuple[FetchedPage, ...]
    links: tuple[Link, ...]
    depth: int
    fetched_at: datetime
    digest: str
    findings: Findings = Findings()
    items: tuple[str, ...] = ()

    @property
    def has_validators(self) -> bool:
        """Whether each of its pages has a validator."""
        return all(page.has_validator for page in self.pages)


@dataclass(frozen=True, slots=True)
class Content:
    """What a page sequence yields: items, links, counts, and what could not be read.

    ``is_withheld``: one of its pages asks that its content or its links are left out.
    """

    items: tuple[MovieItem | ReviewItem, ...] = ()
    links: tuple[Link, ...] = ()
    findings: Findings = Findings()
    unread: tuple[Unread, ...] = ()
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class PageResult:
    """What a spider passes to the pipeline: all items of a page sequence.

    Args:
        items: Movies and reviews in page order.
        fetched_at: When the first page was fetched.
        visit: The visit to record; None when the page sequence was not read to its end, so that
            the next crawl reads it again.
        unread: What of it could not be read.
    """

    items: tuple[MovieItem | ReviewItem, ...]
    fetched_at: datetime
    visit: Visit | None
    unread: tuple[Unread, ...] = ()
