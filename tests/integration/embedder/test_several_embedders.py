"""Several embedder processes over one database share the work, and take over from dead ones."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from services.embedder import encoding, service
from services.embedder.database.engine import open_engine
from services.embedder.database.work_list import WorkList
from services.embedder.publishing.publisher import Publisher
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from services.embedder.worker_locks import FolderLocks, WorkerLocks, open_locks
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.encoder import Vectors
from shared.snapshot.storage.manifest import Manifest
from tests.support.delivery.messages import run_end, small_run
from tests.support.embedder.arrivals import arrive, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, ended, new_run, send
from tests.support.waiting import async_wait_until, wait_until

MOVIES = 30
BATCH = 4
HAS_LOCK, LEADS, ENCODES, PUBLISHES = "locked", "leads", "encodes", "publishes"  # what is noted


class Noting(HashEncoder):
    """Writes down what it encodes; if ``stuck``, encoding never ends."""

    def __init__(self, notes: Path, *, together: int, stuck: bool) -> None:
        super().__init__()
        self._notes = notes
        self._together = together
        self._stuck = stuck

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        with self._notes.open("a") as stream:
            stream.writelines(f"{text}\n" for text in texts)
        note(self._notes, ENCODES)
        # A note stays even after its embedder has finished all its batches.
        wait_until(lambda: count(self._notes.parent, ENCODES) >= self._together, timeout_s=120)
        if self._stuck:
            wait_until(lambda: False, timeout_s=600)
        return super().encode_passages(texts)


def note(notes: Path, what: str) -> None:
    Path(f"{notes}.{what}").touch()


def count(folder: Path, what: str) -> int:
    """How many embedders have noted something."""
    return len(list(folder.glob(f"*.{what}")))


def work(settings: dict[str, Any], notes: str, together: int, stuck: bool) -> None:
    """Run an embedder, in a separate process."""
    opened = EmbedderSettings.model_validate(settings)
    encoding.BATCH_REVIEWS = BATCH
    publish = Publisher.publish

    def noted(self: Publisher) -> Manifest | None:
        note(Path(notes), PUBLISHES)
        return publish(self)

    def noted_locks(engine: Engine, store: Path) -> WorkerLocks:
        locks = open_locks(engine, store)
        hold_worker, try_publishing = locks.hold_worker, locks.try_publishing

        @contextmanager
        def holding() -> Iterator[str]:
            with hold_worker() as name:
                note(Path(notes), HAS_LOCK)
                yield name

        def trying() -> bool:
            leads = try_publishing()
            if leads:
                note(Path(notes), LEADS)
            return leads

        setattr(locks, "hold_worker", holding)  # noqa: B010 - of this process only
        setattr(locks, "try_publishing", trying)  # noqa: B010
        return locks

    Publisher.publish = noted  # type: ignore[method-assign]
    setattr(service, "open_locks", noted_locks)  # noqa: B010 - of this process only
    encoder = Noting(Path(notes), together=together, stuck=stuck)
    embedding = Embedder(opened, open_engine(opened.database), encoder, precision="f32")
    asyncio.run(embedding.run(asyncio.Event()))


@contextmanager
def embedder(
    settings: EmbedderSettings, notes: Path, *, together: int = 1, stuck: bool = False
) -> Iterator[BaseProcess]:
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(settings.model_dump(exclude_none=True), str(notes), together, stuck)
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def encoded(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def settings(redis_url: str, database_url: str, tmp_path: Path) -> EmbedderSettings:
    open_engine(database_url).dispose()
    return EmbedderSettings(
        redis_url=redis_url, database_url=database_url, data_dir=tmp_path, publish_idle_s=0.1
    )


async def test_two_share_the_work_and_one_publishes(
    redis: Client, settings: EmbedderSettings, tmp_path: Path
) -> None:
    notes = [tmp_path / "one", tmp_path / "two"]
    with (
        embedder(settings, notes[0], together=2),
        embedder(settings, notes[1], together=2),
    ):
        await asyncio.to_thread(wait_until, lambda: count(tmp_path, HAS_LOCK) == 2, timeout_s=120)
        run = await new_run(redis)
        items = small_run(MOVIES, run_id=run.run_id)
        await send(redis, [*items, run_end(items, run_id=run.run_id)])
        end = await ended(redis, run)
    assert (end.state, end.stored) == ("searchable", 2 * MOVIES)
    assert current(settings).manifest.counts.movies == MOVIES
    one, two = encoded(notes[0]), encoded(notes[1])
    assert one
    assert two
    assert len({*one, *two}) == len(one) + len(two)
    assert count(tmp_path, PUBLISHES) == 1


async def test_when_one_is_killed_the_other_ends_what_it_had_begun(
    redis: Client, settings: EmbedderSettings, tmp_path: Path
) -> None:
    notes = [tmp_path / "one", tmp_path / "two"]

    async def all_stored() -> bool:
        return not await redis.xlen(REVIEWS_STREAM)

    with embedder(settings, notes[0], stuck=True) as first:
        await asyncio.to_thread(wait_until, lambda: count(tmp_path, LEADS), timeout_s=120)
        run = await new_run(redis)
        items = small_run(MOVIES, run_id=run.run_id)
        await send(redis, [*items, run_end(items, run_id=run.run_id)])
        await asyncio.to_thread(wait_until, lambda: len(encoded(notes[0])) > 0, timeout_s=60)
        with embedder(settings, notes[1]):
            await asyncio.to_thread(wait_until, lambda: len(encoded(notes[1])) > 0, timeout_s=60)
            await async_wait_until(all_stored)
            first.kill()
            end = await ended(redis, run)
    assert (end.state, end.stored) == ("searchable", 2 * MOVIES)
    one, two = encoded(notes[0]), encoded(notes[1])
    assert len(two) == len(set(two)) == 2 * MOVIES
    assert 0 < len(one) <= encoding.ENCODING_TASKS * BATCH


async def test_a_claim_is_its_holders_until_it_is_given_back(database_url: str) -> None:
    engine = open_engine(database_url)
    await arrive(engine, *(review(f"r{n}") for n in range(6)))
    store = WorkList(engine, "encoder")

    def taken(limit: int, holder: str) -> list[str]:
        return [item.review_id for item in store.claim(limit, holder)]

    assert taken(2, "embedder-1") == ["r0", "r1"]
    assert taken(3, "embedder-2.2") == ["r2", "r3", "r4"]
    assert taken(3, "embedder-1") == ["r5"]  # what was not tried comes first
    assert taken(9, "embedder-1") == ["r0", "r1", "r5"]  # its own, once more
    assert taken(9, "embedder-3") == []
    assert [item.review_id for item in WorkList(engine, "encoder").claim(9, "embedder-3")] == []
    await arrive(engine, review("r3", text="Otherwise."))
    assert taken(9, "embedder-3") == ["r3"]
    assert store.workers() == ["embedder-1", "embedder-2", "embedder-3"]
    store.give_back_of(["embedder-2"])
    assert store.workers() == ["embedder-1", "embedder-3"]
    assert taken(9, "embedder-3") == ["r2", "r3", "r4"]
    engine.dispose()


def locks_of(engine: Engine, host: Path) -> WorkerLocks:
    """The locks of an embedder; with PostgreSQL, each has a folder of its own."""
    return open_locks(engine, host if engine.dialect.name == "postgresql" else host.parent)


def test_each_worker_has_a_lock_and_takes_it_again(engine: Engine, tmp_path: Path) -> None:
    one, two = locks_of(engine, tmp_path / "one"), locks_of(engine, tmp_path / "two")
    with one.hold_worker() as first, two.hold_worker() as second:
        assert (first, second) == ("embedder-1", "embedder-2")
        assert not one.are_lost()
        assert one.try_publishing()
        assert one.try_publishing()
        assert not two.try_publishing()
    assert not one.is_publisher
    with two.hold_worker() as again:
        assert again == "embedder-1"
        assert two.try_publishing()


def test_the_locks_of_ended_embedders_are_free_and_held_meanwhile(
    engine: Engine, tmp_path: Path
) -> None:
    locks = [locks_of(engine, tmp_path / name) for name in ("one", "two", "three", "four")]
    names = ["embedder-1", "embedder-2", "embedder-3"]
    with locks[0].hold_worker(), locks[1].hold_worker() as second:
        with locks[2].hold_worker():
            pass
        assert second == "embedder-2"
        with locks[0].holding_free(names) as free:
            assert free == ["embedder-3"]
            with locks[3].hold_worker() as name:
                assert name == "embedder-4"
        with locks[3].hold_worker() as name:
            assert name == "embedder-3"


def test_a_session_that_the_server_ended_has_lost_its_locks(engine: Engine, tmp_path: Path) -> None:
    if engine.dialect.name == "sqlite":
        assert not FolderLocks(tmp_path).are_lost()
        return
    locks = locks_of(engine, tmp_path)
    with locks.hold_worker():
        assert not locks.are_lost()
        with engine.connect() as connection:
            ending = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            connection.execute(text(ending))
        assert locks.are_lost()
