"""The item pipeline when something goes wrong in it: nothing is lost without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.crawler import Crawler
from scrapy.statscollectors import MemoryStatsCollector

from services.ingest.context import Crawl
from services.ingest.crawl.scrapy_settings import scrapy_settings
from services.ingest.crawl.verdict import judge
from services.ingest.delivery import pipeline as pipeline_module
from services.ingest.delivery.pipeline import StreamPipeline
from services.ingest.delivery.unread_log import UnreadLog
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.unread import Unread
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.spiders.schema_org import SchemaOrgSpider
from services.ingest.stats import STAT_FAULT, STAT_UNREAD_ROWS
from services.ingest.visits.page_results import FetchedPage, Link, PageResult, Visit
from shared.delivery.redis_client import Client, connect
from shared.runs import registry
from shared.runs.unread_list import list_examples
from tests.support.delivery.redis_server import RedisServer

URL = "http://127.0.0.1/film"
SOURCE = SchemaOrgSource.model_validate(
    {"name": "films", "spider": "schema_org", "start_urls": [URL], "allow_private": True}
)


@asynccontextmanager
async def _open_pipeline(
    server: RedisServer, folder: Path
) -> AsyncIterator[tuple[StreamPipeline, Crawler, Client, registry.Run]]:
    """A pipeline as a crawl has it, without the crawl."""
    redis = connect(server.url)
    run, _ = await registry.request_run(redis, "films")
    crawl = Crawl(run.run_id, SOURCE, server.url, stream_high=1000, stream_low=500, folder=folder)
    crawler = Crawler(SchemaOrgSpider, scrapy_settings(crawl, IngestSettings(data_dir=folder)))
    crawler.stats = MemoryStatsCollector(crawler)
    pipeline = StreamPipeline.from_crawler(crawler)
    await pipeline.open_spider()
    try:
        yield pipeline, crawler, redis, run
    finally:
        pipeline.visits.close()
        await redis.aclose()


def _result(*items: Any, unread: tuple[Unread, ...] = ()) -> PageResult:
    now = datetime.now(UTC)
    visit = Visit(Link(URL, "page"), (FetchedPage(URL, URL, etag='"1"'),), (), 0, now, "d")
    return PageResult(items, now, visit, unread)


MOVIE = MovieItem(movie_id="films:one", title="One")
REVIEW = ReviewItem(movie_id="films:one", text="A story of rain.", external_id="r1")
TORN = Unread("row", "file, line 1", "torn", "{")


async def test_what_was_not_read_is_recorded_although_redis_is_away_at_the_end(
    private_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "PROGRESS_EVERY_S", 3600.0)  # only the end records it
    async with _open_pipeline(private_redis, tmp_path) as (pipeline, crawler, redis, run):
        await pipeline.process_item(_result(MOVIE, REVIEW, unread=(TORN,)))
        await pipeline.sender.flush()
        await asyncio.to_thread(private_redis.kill)
        closing = asyncio.create_task(pipeline.close_spider())
        done, _ = await asyncio.wait({closing}, timeout=2.0)
        assert not done, "it waits for Redis"
        await asyncio.to_thread(private_redis.start)
        await asyncio.wait_for(closing, 60)
        record = await registry.get_run(redis, run.run_id)
        assert record is not None
        assert (record.movies, record.crawled, record.unread_rows) == (1, 1, 1)
        assert [example.why for example in await list_examples(redis, run.run_id)] == ["torn"]
        assert crawler.stats.get_value(STAT_FAULT) is None


async def test_an_item_that_cannot_be_processed_fails_the_crawl(
    private_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scrapy logs what a pipeline raises, and goes on: the crawl would look complete."""
    monkeypatch.setattr(Crawler, "engine", SimpleNamespace(spider=None))  # nothing to be closed
    no_text: Any = ["not", "a", "text"]
    async with _open_pipeline(private_redis, tmp_path) as (pipeline, crawler, _, _):
        await pipeline.process_item(_result(MOVIE, REVIEW))
        with pytest.raises(Exception, match="list"):
            await pipeline.process_item(_result(replace(MOVIE, title=no_text)))
        await pipeline.close_spider()
        outcome = judge({**crawler.stats.get_stats(), "finish_reason": "finished"}, 60)
    assert outcome.error is not None
    assert "an item could not be processed" in outcome.error
    assert (outcome.again, outcome.complete) == (True, False)


async def test_a_page_with_an_invalid_item_is_read_again_although_it_has_not_changed(
    private_redis: RedisServer, tmp_path: Path
) -> None:
    """Unchanged, it would count as read to the last item, and the item's review as gone."""
    invalid = replace(REVIEW, external_id="r2", movie_id="")
    async with _open_pipeline(private_redis, tmp_path) as (pipeline, crawler, _, _):
        await pipeline.process_item(_result(MOVIE, REVIEW, invalid))
        await pipeline.close_spider()
        assert crawler.stats.get_value(STAT_UNREAD_ROWS) == 1
        assert not pipeline.visits.has_visited(URL)
        assert pipeline.sender.totals.reviews == 1


async def test_what_is_noted_while_examples_are_on_their_way_is_sent_next(
    private_redis: RedisServer,
) -> None:
    redis = connect(private_redis.url)
    log = UnreadLog()
    log.add([TORN])
    sending = asyncio.create_task(log.send(redis, "run-1"))
    await asyncio.sleep(0)  # until the task waits for Redis
    log.add([replace(TORN, where="file, line 2")])
    await sending
    log.add([replace(TORN, where="file, line 3")])
    await log.send(redis, "run-1")
    assert len(await list_examples(redis, "run-1")) == 3
    await redis.aclose()
