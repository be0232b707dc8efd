"""The crawl that spiders, pipeline and middlewares belong to, and the limits they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scrapy.settings import Settings as ScrapySettings

from services.ingest.sources.sources import Source

MAX_PAGE_BYTES = 5 * 2**20
MAX_ITEMS = 5_000_000
GIVE_UP_AFTER_S = 600.0
MAX_URL_CHARS = 2048

CRAWL = "MOVIE_SEARCH_CRAWL"  # the Scrapy setting that carries the Crawl


@dataclass(frozen=True, slots=True)
class Crawl:
    """What the spider and the pipeline know about the crawl that they are part of.

    ``give_up_after_s``: how long the pipeline holds items while Redis is away. ``folder``: where
    the source's visits are kept; None: nothing is remembered beyond the process.
    """

    run_id: str
    source: Source
    redis_url: str
    stream_high: int
    stream_low: int
    give_up_after_s: float = GIVE_UP_AFTER_S
    folder: Path | None = None


def crawl_of(settings: ScrapySettings) -> Crawl:
    """The crawl that Scrapy's settings were built for."""
    crawl = settings[CRAWL]
    if not isinstance(crawl, Crawl):
        raise TypeError(f"{CRAWL} is not set")
    return crawl
