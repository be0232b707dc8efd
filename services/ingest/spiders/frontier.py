"""Which pages may be asked for, and which have been."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from services.ingest.visits.page_results import page_key
from services.ingest.web.url_filter import UrlFilter


class Frontier:
    """The pages asked for in an attempt, eight bytes each.

    Args:
        hosts: ``host`` or ``host:port``: all that may be visited.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._gate = UrlFilter(hosts)
        self._asked: set[bytes] = set()

    def is_ours(self, url: str) -> bool:
        """Whether a page may be asked for."""
        try:
            return self._gate.refusal(url) is None and bool(page_key(url))
        except ValueError:  # no URL at all
            return False

    def mark(self, url: str, *, only_look: bool = False) -> bool:
        """Note that a page is asked for; False when it was before."""
        name = hashlib.blake2b(page_key(url).encode(), digest_size=8).digest()
        if name in self._asked:
            return False
        if not only_look:
            self._asked.add(name)
        return True
