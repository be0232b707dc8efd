"""How a crawl behaves towards each host, and the host towards it.

The counts live in Scrapy's stats, under ``STAT_SITES``, as host to the fields of
``shared.runs.registry.Site``: whoever holds the stats sees them as they are at that moment. What
else the web layer leaves in the stats is named here too.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from scrapy.statscollectors import StatsCollector

from services.ingest.stats import FETCH_FAULT, STAT_SITES, STAT_UNREAD
from shared.runs.registry import Site

Count = Literal[
    "requests", "not_modified", "forbidden", "refused", "retry_after", "failed", "received_bytes"
]
Robots = Literal["obeyed", "absent", "unreachable"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """``name`` or ``name:port`` of a URL, as hosts are named in reports and robots.txt applies.

    Also of a URL whose port is no number: that has a name all the same.
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
    """The counts of all hosts; any number of these show and change the same stats."""

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats
        sites = stats.get_value(STAT_SITES)
        if sites is None:
            sites = {}
            stats.set_value(STAT_SITES, sites)
        self._sites: dict[str, dict[str, Any]] = sites

    def add(self, host: str, count: Count, number: int = 1) -> None:
        """Count something of a host."""
        self._of(host)[count] += number

    def robots(self, host: str, decision: Robots, crawl_delay_s: float | None = None) -> None:
        """What became of a host's robots.txt, and the pause that it asks for."""
        self._of(host).update(robots=decision, crawl_delay_s=crawl_delay_s)

    def delay(self, host: str, delay_s: float) -> None:
        """A pause that was kept between two requests: the longest is shown."""
        site = self._of(host)
        site["delay_s"] = max(site["delay_s"], round(delay_s, 3))

    def unread(self, host: str, count: Count, reason: str) -> None:
        """Count a page that may exist and was not read, and keep the first reason."""
        self.add(host, count)
        self._stats.inc_value(STAT_UNREAD)
        self.fault(reason)

    def fault(self, reason: str) -> None:
        """Keep the first thing that went wrong."""
        if self._stats.get_value(FETCH_FAULT) is None:
            self._stats.set_value(FETCH_FAULT, reason)

    def of(self, host: str) -> Site:
        """How it stands with a host."""
        return Site.model_validate(self._of(host))

    def _of(self, host: str) -> dict[str, Any]:
        return self._sites.setdefault(host, Site().model_dump())
