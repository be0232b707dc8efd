"""One crawl in a separate process: ``python -m services.ingest.crawl``.

It needs a process because Twisted's reactor cannot be restarted, and because whatever a site does
to the crawler ends with the process. With ``--supervised``, the supervisor holds the other end of
standard input, and when it ends, in whatever way, the crawl ends too. The process writes one line,
its ``outcome``, to standard output; logs go to standard error.

The last messages of a run are sent after the engine has closed, and only when the crawl succeeded
(``verdict``): the stream confirmed every item, there was at least one review, and the site's pages
have not changed beyond recognition.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog
from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess

from services.ingest.context import Crawl
from services.ingest.crawl.poster_step import fetch_posters
from services.ingest.crawl.process_setup import end_with_parent, quieten_libraries
from services.ingest.crawl.scrapy_settings import require_contact, scrapy_settings
from services.ingest.crawl.verdict import judge
from services.ingest.delivery.pipeline import StreamPipeline
from services.ingest.delivery.run_end import close_run
from services.ingest.outcome import Outcome
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import (
    DatasetSource,
    ImdbSource,
    SchemaOrgSource,
    SourceInvalid,
    TmdbSource,
    find_source,
    load_sources,
)
from services.ingest.spiders.dataset import DatasetSpider
from services.ingest.spiders.imdb import ImdbSpider
from services.ingest.spiders.schema_org import SchemaOrgSpider
from services.ingest.spiders.tmdb import TmdbSpider
from services.ingest.visits.kept_page import KeptPage
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.runs import registry
from shared.settings import SettingsInvalid, load_settings
from shared.telemetry import configure_logging, get_logger

SPIDERS: Mapping[type, type[Spider]] = {
    DatasetSource: DatasetSpider,
    ImdbSource: ImdbSpider,
    SchemaOrgSource: SchemaOrgSpider,
    TmdbSource: TmdbSpider,
}


def run_crawl(crawl: Crawl, settings: IngestSettings, demo_url: str | None = None) -> Outcome:
    """Crawl, and fetch the posters and send the run's end if the crawl succeeded.

    It runs the reactor, so it can be called only once in a process.

    Args:
        crawl: The context of the crawl.
        settings: The settings of the service.
        demo_url: The URL of the demo site.
    """
    quieten_libraries(settings)
    process = AsyncCrawlerProcess(scrapy_settings(crawl, settings))
    crawler = process.create_crawler(SPIDERS[type(crawl.source)])
    task = process.crawl(crawler)
    process.start()
    if not task.done() or task.cancelled():
        return Outcome(error="the crawl was stopped", again=True)
    error = task.exception()
    if error is not None:
        return Outcome(error=f"the crawl could not start: {error}", again=True)
    time_limit_s = crawl.source.time_limit_s or settings.crawl_time_limit_s
    outcome = judge(crawler.stats.get_stats(), time_limit_s)
    pipeline = crawler.get_item_pipeline(StreamPipeline)
    if outcome.error is None and pipeline is not None:
        fetch_posters(
            crawl,
            pipeline.visits,
            is_complete=outcome.complete,
            time_limit_s=time_limit_s,
            demo_url=demo_url,
        )
        try:
            asyncio.run(close_run(crawl, pipeline.visits, is_complete=outcome.complete))
        except UNAVAILABLE as away:
            return Outcome(error=f"Redis was unavailable at the end: {away}", again=True)
        except sqlite3.Error as error:
            return Outcome(error=f"visits cannot be read: {error}", again=True)
    if not outcome.again:
        _report_or_drop_page(crawl, outcome)
    if outcome.error is None and not outcome.complete:
        get_logger().warning("crawl incomplete, nothing is removed")
    return outcome


def _report_or_drop_page(crawl: Crawl, outcome: Outcome) -> None:
    """Record where the page is that made the run fail; delete it when the site did not drift."""
    page = KeptPage(crawl.folder, crawl.run_id)
    if not outcome.drifted:
        page.drop()
    elif page.path is not None:
        get_logger().error("page kept", file=str(page.path))
        with suppress(*UNAVAILABLE):
            asyncio.run(_set_kept_page(crawl, str(page.path)))


async def _set_kept_page(crawl: Crawl, path: str) -> None:
    redis = connect(crawl.redis_url)
    try:
        await registry.set_fields(redis, crawl.run_id, kept_page=path)
    finally:
        await redis.aclose()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest.crawl", description=__doc__)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--demo-url", help="URL of the demo site")
    parser.add_argument("--supervised", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    if options.supervised:
        end_with_parent()
    try:
        settings = load_settings(IngestSettings)
        configure_logging("ingest", settings)
        sources = load_sources(settings, demo_url=options.demo_url)
        crawl = Crawl(
            run_id=options.run_id,
            source=find_source(sources, options.source),
            redis_url=settings.require_redis_url(),
            stream_high=settings.stream_high,
            stream_low=settings.stream_low,
            folder=settings.ingest_dir / options.source,
        )
        require_contact(crawl.source, settings)
    except (SettingsInvalid, SourceInvalid) as error:
        refused = Outcome(error=str(error))
        _report(refused)
        sys.stderr.write(f"{error}\n")
        return refused.exit_code
    structlog.contextvars.bind_contextvars(run_id=crawl.run_id, source=crawl.source.name)
    outcome = run_crawl(crawl, settings, options.demo_url)
    _report(outcome)
    return outcome.exit_code


def _report(outcome: Outcome) -> None:
    sys.stdout.write(outcome.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
