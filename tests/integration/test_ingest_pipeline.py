"""The buffer between a crawl and the stream, on a real Redis server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.ingest import pipelines
from services.ingest.pipelines import BATCH, StreamSender
from services.ingest.settings import Crawl
from services.ingest.sources import SchemaOrgSource
from shared import runs
from shared.messages import (
    REVIEWS_STREAM,
    Movie,
    MovieMessage,
    Review,
    ReviewMessage,
    checksum_of_ids,
)
from shared.redis import Client, connect
from tests.support.redis_server import RedisServer
from tests.support.waiting import async_wait_until

SOURCE = SchemaOrgSource.model_validate(
    {"name": "demo", "spider": "schema_org", "start_urls": ["http://127.0.0.1/"]}
)


def _movie(n: int) -> MovieMessage:
    return MovieMessage(run_id="r", source="demo", movie=Movie(movie_id=f"tt{n:07}"))


def _review(n: int) -> ReviewMessage:
    review = Review(review_id=f"demo:{n}", movie_id="tt0000001", text="Fine.")
    return ReviewMessage(run_id="r", source="demo", review=review)


class _Recorder:
    def __init__(self) -> None:
        self.lost: list[str] = []
        self.full: list[bool] = []


def _sender(redis: Client, recorder: _Recorder, **limits: Any) -> StreamSender:
    crawl = Crawl("r", SOURCE, "", **{"stream_high": 10**6, "stream_low": 1, **limits})
    return StreamSender(redis, crawl, recorder.lost.append, recorder.full.append)


@pytest.fixture
def recorder() -> _Recorder:
    return _Recorder()


@pytest.fixture
async def sender(redis: Client, recorder: _Recorder) -> AsyncIterator[StreamSender]:
    sender = _sender(redis, recorder)
    yield sender
    await sender.close()


async def test_a_full_buffer_goes_out_at_once(sender: StreamSender, redis: Client) -> None:
    for n in range(BATCH - 1):
        await sender.send(_review(n))
    assert await redis.xlen(REVIEWS_STREAM) == 0
    assert sender.ledger.emitted == 0
    await sender.send(_review(BATCH))
    assert await redis.xlen(REVIEWS_STREAM) == BATCH
    assert sender.ledger.emitted == BATCH


async def test_a_part_of_one_goes_out_soon(sender: StreamSender, redis: Client) -> None:
    await sender.send(_review(1))
    await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM), timeout_s=5)
    await sender.send(_review(2))

    async def both() -> bool:
        return int(await redis.xlen(REVIEWS_STREAM)) == 2

    await async_wait_until(both, timeout_s=5)


async def test_each_id_goes_out_once_and_is_counted_once(
    sender: StreamSender, redis: Client
) -> None:
    assert await sender.send(_movie(1))
    assert await sender.send(_review(1))
    assert not await sender.send(_review(1))
    assert not await sender.send(_movie(1))
    await sender.flush()
    assert await redis.xlen(REVIEWS_STREAM) == 2
    assert (sender.ledger.movies, sender.ledger.reviews) == (1, 1)
    assert sender.ledger.checksum == checksum_of_ids(["movie/tt0000001", "review/demo:1"])


async def test_progress_is_shown_on_the_run(redis: Client, recorder: _Recorder) -> None:
    run, _ = await runs.request_run(redis, "demo")
    crawl = Crawl(run.run_id, SOURCE, "", 10**6, 1)
    sender = StreamSender(redis, crawl, recorder.lost.append, recorder.full.append)
    for message in (_movie(1), _movie(2), _review(1)):
        await sender.send(message)
    await sender.close()
    record = await runs.get_run(redis, run.run_id)
    assert record is not None
    assert (record.movies, record.crawled) == (2, 1)


async def test_many_senders_at_once_lose_nothing(sender: StreamSender, redis: Client) -> None:
    await asyncio.gather(*(sender.send(_review(n)) for n in range(3 * BATCH + 7)))
    await sender.flush()
    rows = await redis.xrange(REVIEWS_STREAM)
    assert len({fields["id"] for _, fields in rows}) == len(rows) == 3 * BATCH + 7
    assert sender.ledger.emitted == len(rows)


async def test_a_full_stream_pauses_until_there_is_room(redis: Client, recorder: _Recorder) -> None:
    sender = _sender(redis, recorder, stream_high=5, stream_low=2)
    for n in range(5):
        await sender.send(_review(n))
    await sender.flush()
    assert recorder.full == [True]
    room = asyncio.create_task(sender.room())
    ids = [entry for entry, _ in await redis.xrange(REVIEWS_STREAM)]
    await redis.xdel(REVIEWS_STREAM, *ids[:2])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(room), 2 * pipelines.PAUSE_POLL_S)
    await redis.xdel(REVIEWS_STREAM, ids[2])
    await asyncio.wait_for(room, 5)
    assert recorder.full == [True, False]
    assert await redis.xlen(REVIEWS_STREAM) == 2  # nothing but what was deleted is gone
    await sender.close()


async def test_a_refusal_is_a_loss_that_is_told(
    sender: StreamSender, redis: Client, recorder: _Recorder
) -> None:
    await redis.set(REVIEWS_STREAM, "not a stream")
    for n in range(BATCH + 1):
        await sender.send(_review(n))
    await sender.flush()
    assert len(recorder.lost) == 1
    assert "WRONGTYPE" in recorder.lost[0]
    assert (sender.ledger.emitted, sender.unsent) == (0, BATCH + 1)


async def test_redis_that_comes_back_gets_everything(
    private_redis: RedisServer, recorder: _Recorder
) -> None:
    redis = connect(private_redis.url)
    sender = _sender(redis, recorder, give_up_after_s=30.0)
    await sender.send(_review(0))
    await sender.flush()
    private_redis.kill()
    for n in range(1, 10):
        await sender.send(_review(n))
    flush = asyncio.create_task(sender.flush())
    await asyncio.to_thread(private_redis.start)
    await asyncio.wait_for(flush, 20)
    assert recorder.lost == []
    assert sender.ledger.emitted == 10
    rows = await redis.xrange(REVIEWS_STREAM)
    assert {fields["id"] for _, fields in rows} == {f"demo:{n}" for n in range(10)}
    await sender.close()
    await redis.aclose()


async def test_redis_that_stays_away_is_a_loss_that_is_told(
    private_redis: RedisServer, recorder: _Recorder
) -> None:
    redis = connect(private_redis.url)
    sender = _sender(redis, recorder, give_up_after_s=0.2)
    private_redis.kill()
    await sender.send(_review(1))
    await sender.close()
    assert sender.ledger.emitted == 0
    assert recorder.lost
    assert "1 items unsent" in recorder.lost[0]
    await redis.aclose()
