"""The batches that the dataset spider yields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.crawler import Crawler
from scrapy.statscollectors import MemoryStatsCollector

from services.ingest.delivery.stream_sender import BATCH
from services.ingest.pages.datasets.dataset_items import Dataset
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.sources.sources import DatasetSource
from services.ingest.spiders.dataset import MAX_BATCH_CHARS, DatasetSpider, Item, in_batches
from services.ingest.stats import STAT_FAULT

MOVIE = MovieItem("tt0000001")
LONG = ReviewItem(movie_id="tt0000001", text="x" * (MAX_BATCH_CHARS // 3))
TELLING = MovieItem("tt0000002", description="y" * MAX_BATCH_CHARS)


@given(st.lists(st.sampled_from([*[MOVIE] * 50, LONG, TELLING]), max_size=4 * BATCH))
def test_as_many_as_go_onto_the_stream_together_and_fewer_long_ones(items: list[Item]) -> None:
    parts = list(in_batches(iter(items)))
    assert list(chain.from_iterable(parts)) == items
    for part in parts:
        assert 0 < len(part) <= BATCH
        assert sum(map(_chars, part[:-1])) < MAX_BATCH_CHARS
    for part in parts[:-1]:
        assert len(part) == BATCH or sum(map(_chars, part)) >= MAX_BATCH_CHARS


def test_no_more_is_read_than_is_handed_on() -> None:
    items = iter([MOVIE] * (BATCH + 1))
    next(in_batches(items))
    assert list(items) == [MOVIE]


def test_a_mistake_while_reading_fails_the_crawl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error out of ``start`` would leave Scrapy waiting while an item is on its way."""

    def mistaken(_: Dataset) -> Iterator[object]:
        raise OSError("no space left")

    (tmp_path / "movies.jsonl").write_text('{"movie_id": "m1", "title": "One"}\n')
    (tmp_path / "reviews.jsonl").write_text('{"movie_id": "m1", "text": "Fine."}\n')
    source = DatasetSource.model_validate(
        {
            "name": "films",
            "spider": "dataset",
            "movies": str(tmp_path / "movies.jsonl"),
            "reviews": str(tmp_path / "reviews.jsonl"),
        }
    )
    spider = DatasetSpider(source)
    spider.crawler = Crawler(DatasetSpider)
    spider.crawler.stats = MemoryStatsCollector(spider.crawler)
    dataset = Dataset(source, spider._unread.append)
    monkeypatch.setattr(Dataset, "reviews", mistaken)
    [movie] = spider._items_until_unreadable(dataset)
    assert isinstance(movie, MovieItem)
    assert "no space left" in spider.crawler.stats.get_value(STAT_FAULT)


def _chars(item: Item) -> int:
    return len(item.text if isinstance(item, ReviewItem) else item.description or "")
