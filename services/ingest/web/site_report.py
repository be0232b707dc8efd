"""Counts requests, failures and delays for each host.

The counts are stored in Scrapy's stats under ``STAT_SITES``: host to the fields of
``shared.runs.registry.Site``. They are current at every moment of the crawl.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from scrapy.statscollectors import StatsCollector

from services.ingest.pages.unread import Unread
from services.ingest.stats import FETCH_FAULT, STAT_SITES, STAT_UNREAD, STAT_UNREAD_EXAMPLES
from shared.runs.registry import Site
from shared.runs.unread_list import MAX_EXAMPLES

Count = Literal[
    "requests", "not_modified", "forbidden", "refused", "retry_after", "failed", "received_bytes"
]
Robots = Literal["obeyed", "absent", "unreachable"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """``name`` or ``name:port`` of a URL, as in reports; each has its own robots.txt.

    A port that is not a number is left out.
    """
    parts = urlsplit(url)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    try:
        port = parts.port
    except ValueError:
        port = None
    return name if port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f"{name}:{port}"


class SiteReport:
    """The counts of all hosts; all instances for the same stats share them."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats
        sites = stats.get_value(STAT_SITES)
        if sites is None:
            sites = {}
            stats.set_value(STAT_SITES, sites)
        self._sites: dict[str, dict[str, Any]] = sites

    def add(self, host: str, count: Count, number: int = 1) -> None:
        """Increase a count of a host."""
        self._site(host)[count] += number

    def set_robots(self, host: str, decision: Robots, crawl_delay_s: float | None = None) -> None:
        """Note how a host's robots.txt was treated, and its Crawl-delay in seconds."""
        self._site(host).update(robots=decision, crawl_delay_s=crawl_delay_s)

    def note_delay(self, host: str, delay_s: float) -> None:
        """Note a pause in seconds between two requests to a host; the longest one is reported."""
        site = self._site(host)
        site["delay_s"] = max(site["delay_s"], round(delay_s, 3))

    def add_unread(self, host: str, count: Count, reason: str, *, url: str = "") -> None:
        """Count a page that may exist and was not read, and store the first reasons.

        Args:
            host: The host of the page.
            count: The count that the page belongs to.
            reason: Why it was not read.
            url: Its URL, if it is not the whole host that is not read.
        """
        self.add(host, count)
        self._stats.inc_value(STAT_UNREAD)
        self.note_fault(reason)
        examples = self._stats.get_value(STAT_UNREAD_EXAMPLES, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(Unread("page", url or host, reason.removeprefix(url).lstrip(": ")))
            self._stats.set_value(STAT_UNREAD_EXAMPLES, examples)

    def note_fault(self, reason: str) -> None:
        """Store the first failure of the crawl; later ones are ignored."""
        if self._stats.get_value(FETCH_FAULT) is None:
            self._stats.set_value(FETCH_FAULT, reason)

    def _site(self, host: str) -> dict[str, Any]:
        return self._sites.setdefault(host, Site().model_dump())
