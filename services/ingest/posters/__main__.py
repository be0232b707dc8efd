"""The posters of one run in a separate process: ``python -m services.ingest.posters``.

The crawl process starts it when the crawl has succeeded, and waits for it before it sends the run's
end. It ends with the crawl process, which holds the other end of standard input. What could not be
had is added to the run's record here; the exit code is of no importance to the run.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import structlog
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings as ScrapySettings

from services.ingest.context import Crawl
from services.ingest.crawl.process_setup import end_with_parent, quieten_libraries
from services.ingest.crawl.scrapy_settings import require_contact, scrapy_settings
from services.ingest.delivery.unread_log import UnreadLog
from services.ingest.pages.unread import Unread
from services.ingest.posters.poster_sites import merged_sites
from services.ingest.posters.poster_source import PosterSource
from services.ingest.posters.poster_spider import PosterSpider
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import SourceInvalid, find_source, load_sources
from services.ingest.stats import STAT_FAULT, STAT_SITES
from services.ingest.visits.poster_records import PosterRecords
from services.ingest.visits.visits_file import FILE, connect
from shared.delivery.redis_client import UNAVAILABLE
from shared.delivery.redis_client import connect as connect_redis
from shared.runs import registry
from shared.settings import SettingsInvalid, load_settings
from shared.telemetry import configure_logging, get_logger


def run_spider(
    crawl: Crawl, settings: IngestSettings, db: sqlite3.Connection, limit_s: int
) -> None:
    """Fetch the posters that a run wants, and add what could not be had to its record.

    It runs the reactor, so it can be called only once in a process.

    Args:
        crawl: The context of the requests; its source is a ``PosterSource``.
        settings: The settings of the service.
        db: The visits file of the source.
        limit_s: The most seconds that it may take; what is left is fetched by the next run.
    """
    quieten_libraries(settings)
    process = AsyncCrawlerProcess(_scrapy_settings(crawl, settings, limit_s))
    crawler = process.create_crawler(PosterSpider)
    records = PosterRecords(db, crawl.run_id)
    process.crawl(crawler, crawl=crawl, records=records)
    process.start()
    spider = crawler.spider
    failed = list(spider.unread) if isinstance(spider, PosterSpider) else []
    unread = list(failed)
    fault = crawler.stats.get_value(STAT_FAULT)
    if fault is not None:
        unread.append(Unread("value", "posters", f"the posters that are left: {fault}"))
    sites = crawler.stats.get_value(STAT_SITES, {})
    with suppress(*UNAVAILABLE):
        asyncio.run(_add_to_run(crawl, unread, sites))
        records.failed(one.where for one in failed)


def _scrapy_settings(crawl: Crawl, settings: IngestSettings, limit_s: int) -> ScrapySettings:
    values = scrapy_settings(crawl, settings)
    for name, value in {
        "ITEM_PIPELINES": {},
        "CLOSESPIDER_TIMEOUT": limit_s,
        "CLOSESPIDER_ITEMCOUNT": 0,
        "CLOSESPIDER_PAGECOUNT": 0,
    }.items():
        values.set(name, value, priority="cmdline")
    return values


async def _add_to_run(
    crawl: Crawl, unread: Sequence[Unread], sites: dict[str, dict[str, Any]]
) -> None:
    redis = connect_redis(crawl.redis_url)
    log = UnreadLog()
    log.add(unread)
    try:
        run = await registry.get_run(redis, crawl.run_id)
        if run is None:
            return
        await log.send(redis, crawl.run_id)
        await registry.set_fields(
            redis,
            crawl.run_id,
            unread_values=run.unread_values + len(unread),
            sites=merged_sites(run.sites, sites),
        )
    finally:
        await redis.aclose()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest.posters", description=__doc__)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--demo-url", help="URL of the demo site")
    parser.add_argument("--limit-s", type=int, required=True)
    parser.add_argument("--supervised", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    if options.supervised:
        end_with_parent()
    try:
        settings = load_settings(IngestSettings)
        configure_logging("ingest", settings)
        sources = load_sources(settings, demo_url=options.demo_url)
        source = find_source(sources, options.source)
        crawl = Crawl(
            run_id=options.run_id,
            source=PosterSource.of(source),
            redis_url=settings.require_redis_url(),
            stream_high=settings.stream_high,
            stream_low=settings.stream_low,
            folder=settings.ingest_dir / options.source,
        )
    except (SettingsInvalid, SourceInvalid) as error:
        get_logger().warning("posters not fetched", reason=str(error))
        return 1
    structlog.contextvars.bind_contextvars(run_id=crawl.run_id, source=crawl.source.name)
    try:
        require_contact(crawl.source, settings)
    except SettingsInvalid as error:
        unread = [Unread("value", "posters", f"no poster: {error}")]
        with suppress(*UNAVAILABLE):
            asyncio.run(_add_to_run(crawl, unread, {}))
        return 0
    with closing(connect(settings.ingest_dir / options.source / FILE)) as db:
        run_spider(crawl, settings, db, options.limit_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
