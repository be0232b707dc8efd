"""Redis is killed when a crawl ends: between the last item, the run's end, and the record of it.

A real supervisor with real crawl processes reads a file with damaged rows. Whatever the moment, the
run goes on to the embedder with all that was sent, and with all that could not be read.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import ReviewMessage, RunEnd, parse
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.runs import registry
from shared.runs.registry import Run
from shared.runs.unread_list import list_examples
from tests.support.counts import Counted
from tests.support.crawl.supervision import supervising
from tests.support.delivery.redis_server import RedisServer
from tests.support.soak import times
from tests.support.waiting import async_wait_until

REVIEWS = 300
DAMAGED = 7
ROUNDS = times(2, soak=40)
WITHIN_S = 120.0
_SOURCE = (
    '[sources.films]\nspider = "dataset"\nmovies = "movies.jsonl"\nreviews = "reviews.jsonl"\n'
)

T = TypeVar("T")
Moment = Callable[[Client, Run], Awaitable[bool]]


async def _first_items_sent(redis: Client, _: Run) -> bool:
    return bool(await redis.xlen(REVIEWS_STREAM) >= 100)


async def _all_items_sent(redis: Client, _: Run) -> bool:
    return bool(await redis.xlen(REVIEWS_STREAM) >= REVIEWS)


async def _end_sent(redis: Client, _: Run) -> bool:
    newest = await redis.xrevrange(REVIEWS_STREAM, count=1)
    return bool(newest) and isinstance(parse(newest[0][1]), RunEnd)


async def _end_recorded(redis: Client, run: Run) -> bool:
    record = await registry.get_run(redis, run.run_id)
    return record is not None and record.state == "embedding"


MOMENTS = {
    "when the first items are sent": _first_items_sent,
    "when all items are sent": _all_items_sent,
    "when the end is sent": _end_sent,
    "when the end is recorded": _end_recorded,
}


async def _patient(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer to a question, although Redis may be killed meanwhile."""

    async def answer() -> list[T]:
        try:
            return [await ask()]
        except UNAVAILABLE:
            return []

    return (await async_wait_until(answer))[0]


async def _until(moment: float) -> None:
    async def over() -> bool:
        return time.monotonic() >= moment

    await async_wait_until(over)


def _write(folder: Path) -> None:
    movies = [{"movie_id": f"m{number}", "title": f"Movie {number}"} for number in range(5)]
    reviews = [
        {"movie_id": f"m{number % 5}", "review_id": f"r{number}", "text": f"Text {number}."}
        for number in range(REVIEWS)
    ]
    lines = [json.dumps(row) for row in reviews]
    for number in range(DAMAGED):
        lines.insert(40 * (number + 1), lines[number][:-9])  # torn
    (folder / "movies.jsonl").write_text("\n".join(map(json.dumps, movies)))
    (folder / "reviews.jsonl").write_text("\n".join(lines))
    (folder / "sources.toml").write_text(_SOURCE)


async def _disturbed(
    redis: Client, server: RedisServer, moment: Moment, chance: random.Random
) -> Run:
    """A run during which Redis is killed, to its end."""
    run, _ = await _patient(lambda: registry.request_run(redis, "films"))
    await async_wait_until(lambda: _patient(lambda: moment(redis, run)))
    await _until(time.monotonic() + chance.choice((0.0, chance.uniform(0.0, 0.3))))
    for _ in range(chance.choice((1, 1, 2))):
        await asyncio.to_thread(server.kill)
        await _until(time.monotonic() + chance.choice((0.0, chance.uniform(0.0, 2.0))))
        await asyncio.to_thread(server.start)

    async def ended() -> Run | None:
        record = await _patient(lambda: registry.get_run(redis, run.run_id))
        assert record is not None
        return record if record.state not in {"queued", "crawling"} else None

    record = await async_wait_until(ended, timeout_s=WITHIN_S)
    assert record is not None
    return record


@pytest.mark.timeout(4 * ROUNDS * WITHIN_S)
async def test_redis_is_killed_when_a_crawl_ends(
    private_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    _write(tmp_path)
    monkeypatch.setenv("MOVIE_SEARCH_REDIS_URL", private_redis.url)
    monkeypatch.setenv("MOVIE_SEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MOVIE_SEARCH_SOURCES", str(tmp_path / "sources.toml"))
    chance = random.Random(7)
    redis = connect(private_redis.url)
    async with supervising(redis):
        for name, moment in list(MOMENTS.items()) * ROUNDS:
            record = await _disturbed(redis, private_redis, moment, chance)
            assert (record.state, record.error) == ("embedding", None), name
            assert (record.crawled, record.unread_rows) == (REVIEWS, DAMAGED), name
            examples = await list_examples(redis, record.run_id)
            assert Counter(example.kind for example in examples) == {"row": DAMAGED}, name
            sent = [parse(fields) for _, fields in await redis.xrange(REVIEWS_STREAM)]
            assert any(isinstance(message, RunEnd) for message in sent), name
            texts = {message.item_id for message in sent if isinstance(message, ReviewMessage)}
            assert len(texts) == REVIEWS, name
            await registry.advance(redis, record, "incomplete")
            await redis.delete(REVIEWS_STREAM)
    await redis.aclose()
    counted("times Redis was killed at the end of a crawl", ROUNDS * len(MOMENTS))
