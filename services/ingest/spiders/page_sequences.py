"""Chains: pages that are read together, and how far the reading of one has come."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from scrapy.http import Response

from services.ingest.visits.page_results import Content, Fetched, Link, Visit, page_key

MAX_VALIDATOR_CHARS = 500
_LEAST_AGE = timedelta(seconds=2)


class OtherPage(Exception):
    """A further page does not belong to its chain: it is the first of another."""


class PageSequence(ABC):
    """Pages that are read together, because what they yield depends on all of them."""

    @abstractmethod
    def add(self, response: Response) -> str | None:
        """Read the next page.

        Returns:
            The URL of the page after it that belongs to the chain; None when there is none.

        Raises:
            PageUnreadable: it is not such a page.
            OtherPage: it belongs to another chain; not raised for the first page.
        """

    @abstractmethod
    def content(self) -> Content:
        """What the pages added so far yield; also asked for when not even the first was had."""


@dataclass(slots=True)
class SequenceProgress:
    """A chain on its way.

    ``known`` is the baseline's visit of it, ``checking`` the number of its page that is being asked
    about, None once the chain is being read. ``is_new``: nobody else has asked for the last page.
    """

    link: Link
    depth: int
    chain: PageSequence
    known: Visit | None = None
    checking: int | None = None
    pages: list[Fetched] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    fetched_at: datetime | None = None
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    is_new: bool = True

    def note(self, response: Response, now: datetime) -> None:
        """Note a page that has been read."""
        url = asked_url(response)
        self.keys |= {page_key(url), page_key(response.url)}
        self.fetched_at = self.fetched_at or now
        self.digest.update(response.body)
        self.pages.append(
            Fetched(
                url=url,
                answered_by=response.url,
                etag=_header(response, "ETag"),
                last_modified=_last_modified(response, now),
            )
        )


def asked_url(response: Response) -> str:
    """The URL that was asked for, before redirects."""
    redirected_from = response.meta.get("redirect_urls") or [response.url]
    return str(redirected_from[0])


def _header(response: Response, name: str) -> str | None:
    value = (response.headers.get(name) or b"").decode("latin-1").strip()
    return value if value and len(value) <= MAX_VALIDATOR_CHARS and value.isprintable() else None


def _last_modified(response: Response, now: datetime) -> str | None:
    """``Last-Modified``, if it can tell two states of the page apart.

    It counts in seconds: of a page that was changed just now, another change may bear the same.
    """
    value = _header(response, "Last-Modified")
    changed = _date(value)
    if changed is None:
        return None
    return value if (_date(_header(response, "Date")) or now) - changed >= _LEAST_AGE else None


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
