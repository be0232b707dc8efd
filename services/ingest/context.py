"""The context of a crawl, shared by spiders, pipeline and middlewares, and common limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scrapy.settings import Settings as ScrapySettings

from services.ingest.sources.base_source import BaseSource

MAX_PAGE_BYTES = 5 * 2**20
MAX_ITEMS = 5_000_000
GIVE_UP_AFTER_S = 600.0
MAX_URL_CHARS = 2048

CRAWL = "MOVIE_SEARCH_CRAWL"  # the Scrapy setting that carries the Crawl


@dataclass(frozen=True, slots=True)
class Crawl:
    """The context of one crawl.

    Args:
        run_id: The run that the crawl belongs to.
        source: The source that is crawled.
        redis_url: The Redis server that receives the items.
        stream_high: Stream length, in entries, at which the crawl pauses.
        stream_low: Stream length, in entries, at which a paused crawl continues.
        give_up_after_s: Seconds for which the pipeline holds items while Redis is unavailable.
        folder: The folder of the source's visits; None keeps them in memory only.
    """

    run_id: str
    source: BaseSource
    redis_url: str
    stream_high: int
    stream_low: int
    give_up_after_s: float = GIVE_UP_AFTER_S
    folder: Path | None = None


def crawl_of(settings: ScrapySettings) -> Crawl:
    """The crawl that Scrapy's settings were built for.

    Raises:
        TypeError: the settings were not built by ``scrapy_settings``.
    """
    crawl = settings[CRAWL]
    if not isinstance(crawl, Crawl):
        raise TypeError(f"{CRAWL} is not set")
    return crawl
