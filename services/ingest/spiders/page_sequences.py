"""Page sequences: pages that are read together, and the progress of reading one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from scrapy.http import Response

from services.ingest.visits.page_results import Content, FetchedPage, Link, Visit, page_key

MAX_VALIDATOR_CHARS = 500
_MIN_AGE = timedelta(seconds=2)


class OtherSequence(Exception):
    """Raised by ``PageSequence.add`` for a page that is the first page of another sequence."""


class PageSequence(ABC):
    """Pages that are read together, because their items depend on all of them."""

    @abstractmethod
    def add(self, response: Response) -> str | None:
        """Read the next page.

        Args:
            response: The page.

        Returns:
            The URL of the next page of the sequence; None when this is the last page.

        Raises:
            PageUnreadable: the page does not have a known structure.
            OtherSequence: the page belongs to another sequence; not raised for the first page.
        """

    @abstractmethod
    def content(self) -> Content:
        """What the pages read so far yield; also called when no page could be fetched."""


@dataclass(slots=True)
class SequenceProgress:
    """The progress of reading a page sequence.

    Args:
        link: The link to the first page.
        depth: Number of links from a start page to the first page.
        sequence: The page sequence.
        baseline: The baseline's visit of the page sequence, if any.
        checking: Position of the baseline's page that was requested conditionally; None when the
            pages are read.
        pages: The pages that were read.
        keys: Their ``page_key``, before and after redirects.
        fetched_at: When the first page was fetched.
        digest: A hash of the bodies of the pages.
        is_new: Whether the last requested page was not requested before.
    """

    link: Link
    depth: int
    sequence: PageSequence
    baseline: Visit | None = None
    checking: int | None = None
    pages: list[FetchedPage] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    fetched_at: datetime | None = None
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    is_new: bool = True

    def add_page(self, response: Response, now: datetime) -> None:
        """Add a page that was read."""
        url = requested_url(response)
        self.keys |= {page_key(url), page_key(response.url)}
        self.fetched_at = self.fetched_at or now
        self.digest.update(response.body)
        self.pages.append(
            FetchedPage(
                url=url,
                final_url=response.url,
                etag=_header(response, "ETag"),
                last_modified=_last_modified(response, now),
            )
        )


def requested_url(response: Response) -> str:
    """The URL that was requested, before redirects."""
    redirected_from = response.meta.get("redirect_urls") or [response.url]
    return str(redirected_from[0])


def _header(response: Response, name: str) -> str | None:
    value = (response.headers.get(name) or b"").decode("latin-1").strip()
    return value if value and len(value) <= MAX_VALIDATOR_CHARS and value.isprintable() else None


def _last_modified(response: Response, now: datetime) -> str | None:
    """The ``Last-Modified`` header, if it can distinguish two versions of the page.

    It has a resolution of one second: a page that has just changed may change again within it.
    """
    value = _header(response, "Last-Modified")
    changed_at = _date(value)
    if changed_at is None:
        return None
    return value if (_date(_header(response, "Date")) or now) - changed_at >= _MIN_AGE else None


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
