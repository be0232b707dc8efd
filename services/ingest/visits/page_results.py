"""What reading a page, or a chain of pages, comes to: items, links, and how to see a change. Pure.

A chain is one page or several that are read together, because what they yield depends on all of
them (``reviews_per_movie`` picks from all pages of a film's reviews).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from w3lib.url import canonicalize_url

from services.ingest.pages.items import MovieItem, ReviewItem


def page_key(url: str) -> str:
    """The name under which a page is known, however its URL is written.

    Raises:
        ValueError: it is no URL.
    """
    return str(canonicalize_url(url))


@dataclass(frozen=True, slots=True)
class Link:
    """A page to read: its URL, which sort of page it is, and what the linking page says of it."""

    url: str
    kind: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it was fetched, with the validators that a later request can be conditional on.

    ``answered_by`` is the URL after redirects.
    """

    url: str
    answered_by: str
    etag: str | None = None
    last_modified: str | None = None

    @property
    def has_validator(self) -> bool:
        """Whether the server can say that the page is unchanged."""
        return self.etag is not None or self.last_modified is not None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a chain had, before picking: the figures by which drift is told."""

    movies: int = 0
    untitled: int = 0
    reviews: int = 0
    textless: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """A chain that was read to its end.

    Args:
        link: How its first page was asked for.
        pages: Its pages, in order.
        links: Links that it gave.
        depth: How many links lay before its last page.
        fetched_at: When its first page was fetched.
        digest: Of the bodies of its pages.
        findings: What it had.
        items: Ledger ids of what it yielded.
    """

    link: Link
    pages: tuple[Fetched, ...]
    links: tuple[Link, ...]
    depth: int
    fetched_at: datetime
    digest: str
    findings: Findings = Findings()
    items: tuple[str, ...] = ()

    @property
    def can_be_asked_for_changes(self) -> bool:
        """Whether every page of it has a validator."""
        return all(page.has_validator for page in self.pages)


@dataclass(frozen=True, slots=True)
class Content:
    """What a chain yields."""

    items: tuple[MovieItem | ReviewItem, ...] = ()
    links: tuple[Link, ...] = ()
    findings: Findings = Findings()


@dataclass(frozen=True, slots=True)
class PageResult:
    """What a spider hands to the pipeline: a chain's items, all at once.

    ``visit`` is None when the chain was not read to its end: it is then read again another time.
    """

    items: tuple[MovieItem | ReviewItem, ...]
    fetched_at: datetime
    visit: Visit | None
