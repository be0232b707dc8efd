"""What the spider of datasets hands on together."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.delivery.stream_sender import BATCH
from services.ingest.pages.items import MovieItem, ReviewItem
from services.ingest.spiders.dataset import MOST_CHARS, Item, together

MOVIE = MovieItem("tt0000001")
LONG = ReviewItem("tt0000001", "x" * (MOST_CHARS // 3))
TELLING = MovieItem("tt0000002", description="y" * MOST_CHARS)


@given(st.lists(st.sampled_from([*[MOVIE] * 50, LONG, TELLING]), max_size=4 * BATCH))
def test_as_many_as_go_onto_the_stream_together_and_fewer_long_ones(items: list[Item]) -> None:
    parts = list(together(iter(items)))
    assert list(chain.from_iterable(parts)) == items
    for part in parts:
        assert 0 < len(part) <= BATCH
        assert sum(map(_chars, part[:-1])) < MOST_CHARS
    for part in parts[:-1]:
        assert len(part) == BATCH or sum(map(_chars, part)) >= MOST_CHARS


def test_no_more_is_read_than_is_handed_on() -> None:
    items = iter([MOVIE] * (BATCH + 1))
    next(together(items))
    assert list(items) == [MOVIE]


def _chars(item: Item) -> int:
    return len(item.text if isinstance(item, ReviewItem) else item.description or "")
