"""The buffer between a crawl and the stream, on a real Redis server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.context import Crawl
from services.ingest.delivery import stream_sender
from services.ingest.delivery.stream_sender import BATCH, StreamSender
from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.visits.page_results import FetchedPage, Link, Visit
from services.ingest.visits.visits import Visits, open_visits
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage, checksum_of_ids
from shared.delivery.redis_client import Client, connect
from shared.record import MovieRecord, ReviewRecord
from tests.support.delivery.redis_server import RedisServer
from tests.support.waiting import async_wait_until

SOURCE = SchemaOrgSource.model_validate(
    {"name": "demo", "spider": "schema_org", "start_urls": ["http://127.0.0.1/"]}
)


def _movie(n: int) -> MovieMessage:
    return MovieMessage(run_id="r", source="demo", movie=MovieRecord(movie_id=f"tt{n:07}"))


def _review(n: int) -> ReviewMessage:
    review = ReviewRecord(review_id=f"demo:{n}", movie_id="tt0000001", text="Fine.")
    return ReviewMessage(run_id="r", source="demo", review=review)


class _Recorder:
    def __init__(self) -> None:
        self.lost: list[str] = []
        self.full: list[bool] = []


def _visits(folder: Path | None = None) -> Visits:
    return open_visits(folder, "r", baseline=None, fingerprint="f")


def _visit(name: str, *items: str) -> Visit:
    url = f"http://127.0.0.1/{name}"
    return Visit(
        link=Link(url, "page"),
        pages=(FetchedPage(url, url),),
        links=(),
        depth=0,
        fetched_at=datetime.now(UTC),
        digest="",
        items=items,
    )


def _sender(
    redis: Client, recorder: _Recorder, *, visits: Visits | None = None, **limits: Any
) -> StreamSender:
    crawl = Crawl("r", SOURCE, "", **{"stream_high": 10**6, "stream_low": 1, **limits})
    return StreamSender(
        redis, crawl, visits or _visits(), recorder.lost.append, recorder.full.append
    )


@pytest.fixture
def recorder() -> _Recorder:
    return _Recorder()


@pytest.fixture
async def sender(redis: Client, recorder: _Recorder) -> AsyncIterator[StreamSender]:
    sender = _sender(redis, recorder)
    yield sender
    await sender.close()


@pytest.fixture
def endless_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes out because time passes, however slow the machine."""
    monkeypatch.setattr(stream_sender, "LINGER_S", 3600.0)


@pytest.mark.usefixtures("endless_linger")
async def test_a_full_buffer_goes_out_at_once(sender: StreamSender, redis: Client) -> None:
    for n in range(BATCH - 1):
        await sender.send(_review(n))
    assert await redis.xlen(REVIEWS_STREAM) == 0
    assert sender.totals.items == 0
    await sender.send(_review(BATCH))
    assert await redis.xlen(REVIEWS_STREAM) == BATCH
    assert sender.totals.items == BATCH


async def test_a_part_of_one_goes_out_soon(sender: StreamSender, redis: Client) -> None:
    await sender.send(_review(1))
    await async_wait_until(lambda: redis.xlen(REVIEWS_STREAM))
    await sender.send(_review(2))

    async def both() -> bool:
        return int(await redis.xlen(REVIEWS_STREAM)) == 2

    await async_wait_until(both)


async def test_each_id_goes_out_once_and_is_counted_once(
    sender: StreamSender, redis: Client
) -> None:
    assert await sender.send(_movie(1))
    assert await sender.send(_review(1))
    assert not await sender.send(_review(1))
    assert not await sender.send(_movie(1))
    await sender.flush()
    assert await redis.xlen(REVIEWS_STREAM) == 2
    assert (sender.totals.movies, sender.totals.reviews) == (1, 1)
    assert sender.totals.checksum == checksum_of_ids(["movie/tt0000001", "review/demo:1"])


async def test_many_senders_at_once_lose_nothing(sender: StreamSender, redis: Client) -> None:
    await asyncio.gather(*(sender.send(_review(n)) for n in range(3 * BATCH + 7)))
    await sender.flush()
    rows = await redis.xrange(REVIEWS_STREAM)
    assert len({fields["id"] for _, fields in rows}) == len(rows) == 3 * BATCH + 7
    assert sender.totals.items == len(rows)


async def test_a_full_stream_pauses_until_there_is_room(
    redis: Client, recorder: _Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_sender, "STALL_S", 60.0)  # a slow disk is no full stream
    sender = _sender(redis, recorder, stream_high=5, stream_low=2)
    for n in range(5):
        await sender.send(_review(n))
    await sender.flush()
    assert recorder.full == [True]
    room = asyncio.create_task(sender.wait_for_room())
    ids = [entry for entry, _ in await redis.xrange(REVIEWS_STREAM)]
    await redis.xdel(REVIEWS_STREAM, *ids[:2])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(room), 2 * stream_sender.PAUSE_POLL_S)
    await redis.xdel(REVIEWS_STREAM, ids[2])
    await asyncio.wait_for(room, 60)
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
    assert (sender.totals.items, sender.unsent) == (0, BATCH + 1)


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
    await asyncio.wait_for(flush, 60)
    assert recorder.lost == []
    assert sender.totals.items == 10
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
    assert sender.totals.items == 0
    assert recorder.lost
    assert "did not accept 1 items" in recorder.lost[0]
    await redis.aclose()


async def test_a_page_is_visited_when_its_last_item_is_confirmed(
    redis: Client, recorder: _Recorder
) -> None:
    visits = _visits()
    sender = _sender(redis, recorder, visits=visits)
    await sender.send(_movie(1))
    await sender.send(_review(1))
    sender.record_when_confirmed(_visit("a", "movie/tt0000001", "review/demo:1"))
    await sender.send(_review(2))
    assert not await sender.send(_movie(1))  # both pages have the movie
    sender.record_when_confirmed(_visit("b", "movie/tt0000001", "review/demo:2"))
    assert not visits.has_visited("http://127.0.0.1/a")
    await sender.flush()
    assert visits.has_visited("http://127.0.0.1/a")
    assert visits.has_visited("http://127.0.0.1/b")
    sender.record_when_confirmed(_visit("empty"))
    assert visits.has_visited("http://127.0.0.1/empty")
    await sender.close()


async def test_a_page_whose_items_redis_has_not_taken_is_not_visited(
    private_redis: RedisServer, recorder: _Recorder
) -> None:
    redis = connect(private_redis.url)
    visits = _visits()
    sender = _sender(redis, recorder, visits=visits, give_up_after_s=0.2)
    private_redis.kill()
    await sender.send(_review(1))
    sender.record_when_confirmed(_visit("a", "review/demo:1"))
    await sender.close()
    assert recorder.lost
    assert not visits.has_visited("http://127.0.0.1/a")
    assert list(visits.sent_items()) == []
    assert [item for item, _ in visits.held()] == ["review/demo:1"]
    await redis.aclose()


async def test_the_next_attempt_sends_what_was_held_and_counts_it(
    redis: Client, recorder: _Recorder, tmp_path: Path
) -> None:
    visits = _visits(tmp_path)
    killed = _sender(redis, recorder, visits=visits)
    await killed.send(_movie(1))
    await killed.flush()
    await killed.send(_review(1))
    # Sent, and killed before the reply was read: whether it arrived is unknown.
    visits.hold([("review/demo:1", _review(1).to_fields())])
    visits.close()
    again = _sender(redis, recorder, visits=_visits(tmp_path))
    await again.start()
    assert again.totals.items == 2
    rows = await redis.xrange(REVIEWS_STREAM)
    assert [fields["id"] for _, fields in rows] == ["tt0000001", "demo:1"]
    # A page that is read again may have changed: its items go out again, and count once.
    assert await again.send(_review(1))
    await again.close()
    assert again.totals.items == 2
    assert await redis.xlen(REVIEWS_STREAM) == 3


async def test_a_flush_that_is_broken_off_forgets_nothing(
    private_redis: RedisServer, recorder: _Recorder, tmp_path: Path
) -> None:
    redis = connect(private_redis.url)
    visits = _visits(tmp_path)
    sender = _sender(redis, recorder, visits=visits)
    private_redis.kill()
    await sender.send(_review(1))
    flush = asyncio.create_task(sender.flush())
    await async_wait_until(lambda: _held(visits))
    flush.cancel()
    with suppress(asyncio.CancelledError):
        await flush
    await asyncio.to_thread(private_redis.start)
    await sender.close()
    assert (sender.unsent, sender.totals.items, visits.held()) == (0, 1, [])
    await redis.aclose()


async def _held(visits: Visits) -> bool:
    return bool(visits.held())
