"""The batches that the dataset spider yields."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.delivery.stream_sender import BATCH
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.spiders.dataset import MAX_BATCH_CHARS, Item, in_batches

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


def _chars(item: Item) -> int:
    return len(item.text if isinstance(item, ReviewItem) else item.description or "")
