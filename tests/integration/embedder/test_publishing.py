"""Content that cannot be published: attempts only when useful, and an end for every run."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.embedder import service
from services.embedder.publishing import publish_schedule
from services.embedder.publishing.publisher import Publisher
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import SNAPSHOTS_CHANNEL
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import Client
from shared.encoder import Vectors
from shared.runs import registry
from shared.runs.registry import Run
from shared.snapshot.commit import StoreBusy
from shared.snapshot.storage.manifest import Manifest
from shared.snapshot.storage.store import LOCK
from tests.support.delivery.messages import movie, review, run_end, small_run
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times of all attempts to publish, in seconds."""
    made: list[float] = []
    publish = Publisher.publish

    def counting(self: Publisher) -> Manifest | None:
        made.append(time.monotonic())
        return publish(self)

    monkeypatch.setattr(Publisher, "publish", counting)
    return made


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times of the attempts that found the store busy, in seconds."""
    made: list[float] = []
    publish = Publisher.publish

    def noting(self: Publisher) -> Manifest | None:
        try:
            return publish(self)
        except StoreBusy:
            made.append(time.monotonic())
            raise

    monkeypatch.setattr(Publisher, "publish", noting)
    return made


def assert_ever_more_seldom(refusals: list[float]) -> None:
    """Check that the delay between two attempts at least doubles each time."""
    first_s, _ = publish_schedule.RETRY_FAILED_S
    for number, (one, other) in enumerate(pairwise(refusals)):
        assert other - one >= first_s * 2**number


Ticks = Callable[[int], Awaitable[None]]


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Wait until the loop has run so many times."""
    count = 0
    tick = Embedder._tick

    async def counting(self: Embedder) -> None:
        nonlocal count
        await tick(self)
        count += 1

    monkeypatch.setattr(Embedder, "_tick", counting)
    monkeypatch.setattr(service, "TICK_S", 0.05)

    async def wait(more: int) -> None:
        goal = count + more

        async def reached() -> bool:
            return count >= goal

        await async_wait_until(reached)

    return wait


@contextmanager
def busy_store(settings: EmbedderSettings) -> Iterator[None]:
    """Simulate another publisher that holds the store."""
    settings.snapshot_dir.mkdir(parents=True, exist_ok=True)
    with (settings.snapshot_dir / LOCK).open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


class Broken(HashEncoder):
    """Gives unusable vectors for texts that contain a certain word."""

    def _encode(self, texts: Sequence[str]) -> Vectors:
        rows = super()._encode(texts)
        rows[["unusable" in text for text in texts]] = np.nan
        return rows


async def crawl(redis: Client, count: int, *, word: str = "quiet") -> Run:
    run = await new_run(redis)
    items = small_run(count, run_id=run.run_id, word=word)
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    return await ended(redis, run)


async def test_what_the_gates_refuse_ends_the_run_and_waits_for_a_change(
    redis: Client, settings: EmbedderSettings, attempts: list[float], ticks: Ticks
) -> None:
    async with embedder(settings, HashEncoder()):
        await crawl(redis, 9)
    for path in settings.data_dir.glob("movies.sqlite*"):
        path.unlink()  # a new database, which does not explain the smaller snapshot
    attempts.clear()
    async with embedder(settings, HashEncoder()):
        end = await crawl(redis, 3)
        assert end.state == "incomplete"
        assert end.error == (
            "the snapshot with its content was refused: "
            "3 movies, less than half of the 9 being served"
        )
        await ticks(5)  # changes during the attempt are looked at once more
        made = len(attempts)
        await ticks(20)
        assert len(attempts) == made
        # Nothing has changed: the same result, without another attempt.
        same = await crawl(redis, 3)
        assert (same.state, same.error) == ("incomplete", end.error)
        assert len(attempts) == made
        mended = await crawl(redis, 6)
    assert mended.state == "searchable"
    assert current(settings).manifest.counts.movies == 6


async def test_a_busy_store_is_asked_ever_more_seldom_and_then_published_to(
    redis: Client, settings: EmbedderSettings, refusals: list[float], ticks: Ticks
) -> None:
    async with embedder(settings, HashEncoder()):
        with busy_store(settings):
            run = await new_run(redis)
            items = small_run(run_id=run.run_id)
            await send(redis, [*items, run_end(items, run_id=run.run_id)])

            async def tried() -> bool:
                return len(refusals) >= 2

            await async_wait_until(tried)
            await ticks(10)
            assert_ever_more_seldom(refusals)
            record = await registry.get_run(redis, run.run_id)
            assert record is not None
            assert not registry.ended(record)
        end = await ended(redis, run)
    assert end.state == "searchable"


async def test_a_store_that_cannot_be_written_for_long_ends_the_run(
    redis: Client,
    settings: EmbedderSettings,
    refusals: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "WRITE_FAILURE_LIMIT_S", 0.5)
    async with embedder(settings, HashEncoder()):
        with busy_store(settings):
            end = await crawl(redis, 3)
            assert end.state == "incomplete"
            assert end.error is not None
            assert end.error.startswith(
                "the snapshot with its content could not be written: another"
            )
            assert len(refusals) >= 2
            assert_ever_more_seldom(refusals)

        async def published() -> bool:
            return (settings.snapshot_dir / "CURRENT").exists()

        await async_wait_until(published)
    assert current(settings).manifest.counts.movies == 3


async def test_a_catalogue_without_any_usable_vector_leaves_the_last_snapshot(
    redis: Client, settings: EmbedderSettings, attempts: list[float], ticks: Ticks
) -> None:
    async with embedder(settings, Broken()):
        first = await crawl(redis, 3)
        attempts.clear()
        end = await crawl(redis, 3, word="unusable")
        assert (end.state, end.error) == ("incomplete", "none of its movies can be searched")
        assert end.snapshot_id == first.snapshot_id == current(settings).snapshot_id
        await ticks(5)
        made = len(attempts)
        await ticks(20)
        assert len(attempts) == made
        mended = await crawl(redis, 3, word="loud")
    assert mended.state == "searchable"


async def test_each_snapshot_is_announced_once(
    redis: Client, settings: EmbedderSettings, ticks: Ticks
) -> None:
    heard = redis.pubsub()
    await heard.subscribe(SNAPSHOTS_CHANNEL)
    async with embedder(settings, HashEncoder()):
        first = await crawl(redis, 3)
        await ticks(5)
        run = await new_run(redis)
        items: list[MovieMessage | ReviewMessage] = [
            movie(7, run_id=run.run_id),
            review(7, 1, "Another.", run_id=run.run_id),
        ]
        await send(redis, [*items, run_end(items, run_id=run.run_id)])
        second = await ended(redis, run)
        await ticks(5)
    names: list[str] = []
    while second.snapshot_id not in names:
        message = await heard.get_message(timeout=60)
        assert message is not None
        names += [message["data"]] if message["type"] == "message" else []
    assert await heard.get_message(timeout=0.2) is None
    await heard.aclose()
    assert names == [first.snapshot_id, second.snapshot_id]


async def test_the_first_snapshot_is_prepared_before_it_is_due_and_only_that(
    redis: Client, settings: EmbedderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    publish, prepare = Publisher.publish, Publisher.prepare

    def publishing(self: Publisher) -> Manifest | None:
        manifest = publish(self)
        if manifest is not None:
            done.append("published")
        return manifest

    def preparing(self: Publisher) -> None:
        prepare(self)
        done.append("prepared")

    monkeypatch.setattr(Publisher, "publish", publishing)
    monkeypatch.setattr(Publisher, "prepare", preparing)
    slow = settings.model_copy(update={"publish_idle_s": 3 * service.TICK_S})
    async with embedder(slow, HashEncoder()):
        for word in ("quiet", "loud"):
            run = await new_run(redis)
            items = small_run(2, run_id=run.run_id, word=word)
            await send(redis, [*items, run_end(items, run_id=run.run_id)])
            assert (await ended(redis, run)).state == "searchable"
    assert done[0] == "prepared"
    assert done[-2:] == ["published", "published"]
