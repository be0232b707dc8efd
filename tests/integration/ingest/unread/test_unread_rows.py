"""Damaged rows of data files: counted and named, nothing is removed, and no crawl hangs on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.run_record import Run
from shared.runs.unread_list import list_examples
from tests.support.crawl.crawls import Crawls, Sent

ROWS = 150
_SOURCE = """
[sources.files]
spider = "dataset"
movies = "movies.csv"
reviews = "reviews.csv"
"""


@pytest.fixture
def file_crawls(redis: Client, redis_url: str, tmp_path: Path) -> Crawls:
    crawls = Crawls(redis, redis_url, tmp_path)
    crawls.configure(_SOURCE)
    (tmp_path / "movies.csv").write_text(
        "movie_id,title,year\n" + "".join(f"m{n},Movie {n},1999\n" for n in range(ROWS))
    )
    return crawls


def _write(folder: Path, *, last: str = "") -> None:
    rows = "".join(f'm{n},"Story {n} of rain\nand trains.",{n % 10}\n' for n in range(ROWS))
    (folder / "reviews.csv").write_text(f"movie_id,text,rating\n{rows}{last}")


async def _crawl(crawls: Crawls) -> tuple[Sent, Run]:
    run = await crawls.request("files")
    outcome = await crawls.crawl(run)
    assert outcome.error is None, crawls.errors.decode()
    sent = await crawls.sent(run)
    sent.assert_balanced()
    record = await registry.get_run(crawls.redis, run.run_id)
    assert record is not None
    await crawls.settle(run)
    return sent, record


async def test_a_damaged_row_far_down_is_named_and_the_rest_is_read(
    file_crawls: Crawls, redis: Client, tmp_path: Path
) -> None:
    _write(tmp_path)
    first, record = await _crawl(file_crawls)
    assert (len(first.reviews), record.unread_rows, first.ends[-1].complete) == (ROWS, 0, True)
    _write(tmp_path, last='m1,"a","b","c","d"\nm2,Last of all.,8\n')
    damaged, record = await _crawl(file_crawls)
    assert len(damaged.reviews) == ROWS + 1
    assert (record.unread_rows, damaged.ends[-1].complete) == (1, False)
    [example] = await list_examples(redis, record.run_id)
    assert f"line {2 * ROWS + 2}" in example.where
    assert example.why == "5 fields, the heading has 3"


async def test_a_rating_out_of_range_costs_the_rating_only(
    file_crawls: Crawls, redis: Client, tmp_path: Path
) -> None:
    _write(tmp_path, last="m1,Rated eleven.,11\n")
    sent, record = await _crawl(file_crawls)
    assert len(sent.reviews) == ROWS + 1
    assert (record.unread_values, record.unread_rows, sent.ends[-1].complete) == (1, 0, True)
    [example] = await list_examples(redis, record.run_id)
    assert (example.kind, example.excerpt) == ("value", "11")
