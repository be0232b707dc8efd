"""The spider for datasets on disk: it fetches no pages, and turns rows into items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider

from services.ingest.context import crawl_of
from services.ingest.delivery.pipeline import StreamPipeline
from services.ingest.delivery.stream_sender import BATCH
from services.ingest.pages.datasets.dataset_items import Dataset, DatasetInvalid
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.pages.unread import Unread
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.lookup_store import DiskStore
from services.ingest.stats import STAT_FAULT
from services.ingest.visits.page_results import PageResult
from shared.telemetry import get_logger

MAX_BATCH_CHARS = 1_000_000
"""Characters after which a batch ends; a single row may have ten times as many."""

Item = MovieItem | ReviewItem


class DatasetSpider(Spider):
    """Yields all movies, then all reviews; a movie that only reviews name comes before them.

    A source without reviews tells only facts of its movies.

    Items are yielded in batches, because Scrapy's work for each yielded object costs more than all
    the work for a row. Reading is faster than sending, so the spider waits for the pipeline before
    each batch: memory use is constant, however long the files are. Before the first batch it checks
    that its files exist and have the required columns.
    """

    name = "dataset"

    def __init__(self, source: DatasetSource, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._source = source
        self._unread: list[Unread] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Create the spider from the crawl's context; called by Scrapy."""
        return super().from_crawler(
            crawler, *args, source=crawl_of(crawler.settings).source, **kwargs
        )

    async def start(self) -> AsyncIterator[PageResult]:
        """Yield the items in batches of the size in which they are sent.

        Raises:
            CloseSpider: a file cannot be read; the reason is in the stats.
        """
        pipeline = self.crawler.get_item_pipeline(StreamPipeline)
        if pipeline is None:
            raise RuntimeError("the dataset spider needs the stream pipeline")
        # Checked before the first batch: Scrapy waits for ever when an error ends ``start`` while
        # an item is on its way. A damaged row or file is noted, and ends nothing.
        try:
            dataset = Dataset(self._source, self._unread.append, make_store=DiskStore)
        except DatasetInvalid as error:
            self.crawler.stats.set_value(STAT_FAULT, str(error))
            raise CloseSpider("dataset_invalid") from error
        for items in in_batches(self._items_until_unreadable(dataset)):
            await pipeline.sender.wait_for_room()
            yield PageResult(items, datetime.now(UTC), visit=None, unread=self._noted())
        if unread := self._noted():
            yield PageResult((), datetime.now(UTC), visit=None, unread=unread)

    def _noted(self) -> tuple[Unread, ...]:
        """What could not be read since the last call."""
        noted = tuple(self._unread)
        self._unread.clear()
        return noted

    def _items_until_unreadable(self, dataset: Dataset) -> Iterator[Item]:
        try:
            yield from items_of(dataset)
        except DatasetInvalid as error:  # a file has changed since it was checked
            self._unread.append(Unread("row", self._source.files, str(error)))
        except Exception as error:  # noqa: BLE001 - Scrapy might wait for ever
            get_logger().exception("files not read to their end")
            self.crawler.stats.set_value(STAT_FAULT, f"the files could not be read: {error!r}")


def items_of(dataset: Dataset) -> Iterator[Item]:
    """All movies, then all reviews; a movie that only reviews name comes before the first."""
    known: set[str] = set()
    for movie in dataset.movies():
        known.add(movie.movie_id)
        yield movie
    for reviewed in dataset.reviews():
        review = reviewed.review
        if review.movie_id not in known:
            known.add(review.movie_id)
            yield reviewed.movie()
        yield review


def in_batches(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    """Items in their order, in batches of ``BATCH``, or of fewer when their texts are long."""
    batch: list[Item] = []
    chars = 0
    for item in items:
        batch.append(item)
        chars += len(item.text if isinstance(item, ReviewItem) else item.description or "")
        if len(batch) == BATCH or chars >= MAX_BATCH_CHARS:
            yield tuple(batch)
            batch, chars = [], 0
    if batch:
        yield tuple(batch)
