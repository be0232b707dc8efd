"""Adds what the requests for posters did to what the crawl itself did at each host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.runs.run_record import Site

_LONGEST = ("delay_s", "crawl_delay_s")


def merged_sites(
    crawled: Mapping[str, Site], pictures: Mapping[str, Mapping[str, Any]]
) -> dict[str, Site]:
    """Both reports in one: counts are added, and the longest pauses and known rules kept.

    Args:
        crawled: By host: what the crawl did.
        pictures: By host: what the requests for posters did, as fields of ``Site``.
    """
    merged = dict(crawled)
    for host, fields in pictures.items():
        earlier, later = merged.get(host, Site()), Site.model_validate(fields)
        merged[host] = Site.model_validate(
            {name: _both(name, earlier, later) for name in Site.model_fields}
        )
    return merged


def _both(name: str, earlier: Site, later: Site) -> Any:
    first, second = getattr(earlier, name), getattr(later, name)
    if name == "robots":
        return first if second == "not asked" else second
    if first is None or second is None:
        return first if second is None else second
    if name in _LONGEST:
        return max(first, second)
    return first + second
