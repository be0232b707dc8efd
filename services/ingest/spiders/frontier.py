"""The frontier of a crawl: which pages may be requested, and which were requested before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from services.ingest.visits.page_results import page_key
from services.ingest.web.url_filter import UrlFilter


class Frontier:
    """The pages that were requested in an attempt, in eight bytes each.

    Args:
        hosts: The hosts that may be visited: ``host`` or ``host:port``.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._url_filter = UrlFilter(hosts)
        self._requested: set[bytes] = set()

    def is_allowed(self, url: str) -> bool:
        """Whether a page may be requested."""
        try:
            return self._url_filter.refusal(url) is None and bool(page_key(url))
        except ValueError:  # not a URL
            return False

    def mark(self, url: str, *, peek: bool = False) -> bool:
        """Note that a page is requested.

        Args:
            url: The page.
            peek: Only report whether it is new.

        Returns:
            False when the page was requested before.
        """
        digest = hashlib.blake2b(page_key(url).encode(), digest_size=8).digest()
        if digest in self._requested:
            return False
        if not peek:
            self._requested.add(digest)
        return True
