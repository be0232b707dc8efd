"""One crawl, in a process of its own: ``python -m services.ingest.crawl``.

A process, because a reactor does not restart, and because whatever a site does to the crawler ends
with it. With ``--supervised``, standard input is a lifeline: the supervisor holds its other end,
and when it is gone, in whatever way, the crawl ends too. Standard output carries the one line of
``outcome``; logs go to standard error.

The closing ``run_end`` is sent after the engine has closed, and only when every item was confirmed
by the stream and there was at least one review: markup that has drifted is otherwise silent.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess

from services.ingest import pipelines
from services.ingest.middlewares import ADDRESS_REFUSED, FETCH_FAULT
from services.ingest.outcome import EXIT_AGAIN, Outcome
from services.ingest.settings import Crawl, require_contact, scrapy_settings
from services.ingest.sources import SchemaOrgSource, SourceInvalid, find_source, load_sources
from services.ingest.spiders.dataset import DatasetSpider
from services.ingest.spiders.schema_org import SchemaOrgSpider
from shared.messages import REVIEWS_STREAM, RunEnd
from shared.redis import UNAVAILABLE, connect
from shared.settings import Settings, SettingsInvalid, load_settings
from shared.streams import append_patiently
from shared.telemetry import configure_logging, get_logger

_COMPLETE = {"finished", "closespider_pagecount", "closespider_itemcount"}


def run_crawl(crawl: Crawl, settings: Settings) -> Outcome:
    """Crawl, and send ``run_end`` if all went well. Once per process: it runs the reactor."""
    if settings.log_level != "debug":
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_chatter)
    process = AsyncCrawlerProcess(scrapy_settings(crawl, settings))
    web = isinstance(crawl.source, SchemaOrgSource)
    spider: type[Spider] = SchemaOrgSpider if web else DatasetSpider
    crawler = process.create_crawler(spider)
    task = process.crawl(crawler)
    process.start()
    if not task.done() or task.cancelled():
        return Outcome(error="the crawl was stopped", again=True)
    error = task.exception()
    if error is not None:
        return Outcome(error=f"the crawl could not start: {error}", again=True)
    stats: dict[str, Any] = dict(crawler.stats.get_stats())
    outcome = judge(stats, settings.crawl_time_limit_s)
    if outcome.error is None:
        try:
            asyncio.run(_send_run_end(crawl, stats))
        except UNAVAILABLE as away:
            return Outcome(error=f"Redis stayed away at the end: {away}", again=True)
    return outcome


def _without_chatter(record: logging.LogRecord) -> bool:
    """Scrapy sets the level of its loggers itself, so what they say is sifted at the end."""
    ours = record.name.split(".")[0] not in {"scrapy", "twisted", "asyncio", "filelock"}
    return ours or record.levelno >= logging.WARNING


def judge(stats: Mapping[str, Any], time_limit_s: int) -> Outcome:
    """How a crawl went, by Scrapy's stats at its end."""
    movies, reviews = stats.get(pipelines.STAT_MOVIES, 0), stats.get(pipelines.STAT_REVIEWS, 0)
    invalid = stats.get(pipelines.STAT_INVALID, 0)
    counts = {"movies": movies, "reviews": reviews, "invalid": invalid}
    reason = stats.get("finish_reason")
    fault = stats.get(pipelines.STAT_FAULT)
    if reason == "dataset_invalid":
        return Outcome(error=fault, **counts)
    if fault is not None:
        return Outcome(error=fault, again=True, **counts)
    if reason == "closespider_timeout":
        return Outcome(error=f"the time limit of {time_limit_s} s was reached", **counts)
    if reason not in _COMPLETE:
        return Outcome(error=f"the crawl was stopped: {reason}", again=True, **counts)
    if stats.get("spider_exceptions/count", 0) and reviews == 0:
        return Outcome(error="the spider failed on every page; see the log", **counts)
    if reviews == 0:
        return Outcome(error=f"no reviews were found: {_why_nothing(stats)}", **counts)
    if reason != "finished":
        get_logger().warning("a limit ended the crawl", limit=reason)
    return Outcome(**counts)


def _why_nothing(stats: Mapping[str, Any]) -> str:
    if stats.get(ADDRESS_REFUSED) or stats.get(FETCH_FAULT):
        return str(stats.get(FETCH_FAULT))
    if stats.get("robotstxt/forbidden"):
        return f"robots.txt forbids {stats['robotstxt/forbidden']} of the pages"
    if stats.get(pipelines.STAT_INVALID):
        return f"{stats[pipelines.STAT_INVALID]} items were not valid; see the log"
    pages = stats.get("response_received_count", 0)
    return f"{pages} pages were read, none had a schema.org Review with text"


async def _send_run_end(crawl: Crawl, stats: Mapping[str, Any]) -> None:
    end = RunEnd(
        run_id=crawl.run_id,
        source=crawl.source.name,
        emitted=stats[pipelines.STAT_EMITTED],
        checksum=stats[pipelines.STAT_CHECKSUM],
    )
    redis = connect(crawl.redis_url)
    try:
        await append_patiently(
            redis, REVIEWS_STREAM, [end.to_fields()], give_up_after_s=crawl.give_up_after_s
        )
    finally:
        await redis.aclose()


def _end_with_supervisor() -> None:
    """End the process when standard input does: a thread, so that a stuck loop cannot hinder it."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(EXIT_AGAIN)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest.crawl", description=__doc__)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--demo-url", help="where the demo site listens")
    parser.add_argument("--supervised", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    if options.supervised:
        _end_with_supervisor()
    try:
        settings = load_settings()
        configure_logging("ingest", settings)
        sources = load_sources(settings, demo_url=options.demo_url)
        crawl = Crawl(
            run_id=options.run_id,
            source=find_source(sources, options.source),
            redis_url=settings.require_redis_url(),
            stream_high=settings.stream_high,
            stream_low=settings.stream_low,
        )
        require_contact(crawl.source, settings)
    except (SettingsInvalid, SourceInvalid) as error:
        refused = Outcome(error=str(error))
        _say(refused)
        sys.stderr.write(f"{error}\n")
        return refused.exit_code
    structlog.contextvars.bind_contextvars(run_id=crawl.run_id, source=crawl.source.name)
    outcome = run_crawl(crawl, settings)
    _say(outcome)
    return outcome.exit_code


def _say(outcome: Outcome) -> None:
    sys.stdout.write(outcome.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
