"""Spider of catalogues on disk: no page is fetched, rows become items."""

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
from services.ingest.pages.datasets.dataset_items import (
    DatasetInvalid,
    check_files,
    read_movies,
    read_reviews,
)
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.sources.sources import DatasetSource
from services.ingest.stats import STAT_FAULT
from services.ingest.visits.page_results import PageResult

MOST_CHARS = 1_000_000
"""Of what is handed on together: a row may have as many as ten times that."""

Item = MovieItem | ReviewItem


class DatasetSpider(Spider):
    """Yields all movies, then all reviews; a movie that only reviews name is yielded before them.

    They are yielded many at a time: what Scrapy does for each thing that a spider yields costs more
    than all that is done here for a row. Reading is faster than sending, so it waits for the
    pipeline before each: memory stays flat however long the files are. That both files are there
    and have their columns is seen before the first is yielded.
    """

    name = "dataset"

    def __init__(self, source: DatasetSource, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._source = source

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Scrapy's way of making one: the source comes with the settings."""
        return super().from_crawler(
            crawler, *args, source=crawl_of(crawler.settings).source, **kwargs
        )

    async def start(self) -> AsyncIterator[PageResult]:
        """Yield the items, as many at a time as go onto the stream together.

        Raises:
            CloseSpider: a file cannot be read; the reason is in the stats.
        """
        pipeline = self.crawler.get_item_pipeline(StreamPipeline)
        if pipeline is None:
            raise RuntimeError("the dataset spider needs the stream pipeline")
        try:
            for items in together(self._items()):
                await pipeline.sender.room()
                yield PageResult(items, datetime.now(UTC), visit=None)
        except DatasetInvalid as error:
            self.crawler.stats.set_value(STAT_FAULT, str(error))
            raise CloseSpider("dataset_invalid") from error

    def _items(self) -> Iterator[Item]:
        source = self._source
        check_files(source.movies, source.reviews, source.columns)
        known: set[str] = set()
        for movie in read_movies(source.movies, source.name, source.columns):
            known.add(movie.movie_id)
            yield movie
        for review, title in read_reviews(
            source.reviews, source.name, per_movie=source.reviews_per_movie, columns=source.columns
        ):
            if review.movie_id not in known:
                known.add(review.movie_id)
                yield MovieItem(movie_id=review.movie_id, title=title)
            yield review


def together(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    """Items in their order, ``BATCH`` at a time; fewer when their texts are long."""
    some: list[Item] = []
    chars = 0
    for item in items:
        some.append(item)
        chars += len(item.text if isinstance(item, ReviewItem) else item.description or "")
        if len(some) == BATCH or chars >= MOST_CHARS:
            yield tuple(some)
            some, chars = [], 0
    if some:
        yield tuple(some)
