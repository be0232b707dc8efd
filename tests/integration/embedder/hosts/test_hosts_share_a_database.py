"""Embedders that share PostgreSQL and Redis, and no folder."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from services.embedder.database.engine import open_engine, writing
from services.embedder.database.work_list import WorkList
from services.embedder.settings import EmbedderSettings
from shared.delivery.redis_client import Client
from tests.integration.embedder.test_several_embedders import (
    HAS_LOCK,
    LEADS,
    MOVIES,
    count,
    embedder,
    encoded,
)
from tests.support.counts import Counted
from tests.support.delivery.messages import run_end, small_run
from tests.support.embedder.running import ended, new_run, send
from tests.support.waiting import wait_until

HOSTS = 3
WAITING = 300_000
STARTS_WITHIN_S = 5.0


def settings_of(host: Path, redis_url: str, database_url: str) -> EmbedderSettings:
    host.mkdir()
    return EmbedderSettings(
        redis_url=redis_url, database_url=database_url, data_dir=host, publish_idle_s=0.1
    )


def leading(folder: Path) -> set[str]:
    return {str(path) for path in folder.glob(f"*.{LEADS}")}


@pytest.mark.parametrize("is_killed", [False, True])
async def test_nothing_is_encoded_twice_and_one_host_publishes_at_a_time(
    is_killed: bool, redis: Client, redis_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """Also when the host that publishes is killed: another one does, and the run ends."""
    hosts = [settings_of(tmp_path / f"host{n}", redis_url, postgres_url) for n in range(HOSTS)]
    notes = [tmp_path / f"notes{n}" for n in range(HOSTS)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(embedder(host, path))
            for host, path in zip(hosts, notes, strict=True)
        ]
        await asyncio.to_thread(
            wait_until, lambda: count(tmp_path, HAS_LOCK) == HOSTS and count(tmp_path, LEADS) == 1
        )
        run = await new_run(redis)
        items = small_run(MOVIES, run_id=run.run_id)
        await send(redis, items)
        if is_killed:
            [leader] = [n for n, path in enumerate(notes) if f"{path}.{LEADS}" in leading(tmp_path)]
            processes[leader].kill()
            await asyncio.to_thread(wait_until, lambda: count(tmp_path, LEADS) == 2)
        await send(redis, [run_end(items, run_id=run.run_id)])
        end = await ended(redis, run)
    assert (end.state, end.stored) == ("searchable", 2 * MOVIES)
    texts = Counter(line for path in notes for line in encoded(path))
    assert len(texts) == 2 * MOVIES
    if not is_killed:
        assert set(texts.values()) == {1}
    assert count(tmp_path, LEADS) == (2 if is_killed else 1)


def test_four_hosts_may_open_an_empty_database_at_once(postgres_url: str) -> None:
    spawned = multiprocessing.get_context("spawn")
    processes = [spawned.Process(target=open_engine, args=(postgres_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4


def test_a_long_work_list_is_opened_within_seconds(postgres_url: str, counted: Counted) -> None:
    """As `NOT IN` it was not finished after minutes: the list is longer than ``work_mem``."""
    engine = open_engine(postgres_url)
    with writing(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO reviews (review_id, movie_id, text, text_sha256, content_sha256, "
                "source, fetched_at) SELECT 'review-' || n, 'movie-' || n / 50, 'Text ' || n, "
                "md5(n::text), md5(n::text), 'source', 0 FROM generate_series(1, :n) AS n"
            ),
            {"n": WAITING},
        )
    WorkList(engine, "encoder")
    began = time.monotonic()
    work_list = WorkList(engine, "encoder")
    took_s = time.monotonic() - began
    assert work_list.backlog_size() == WAITING
    counted("ms to open a list of 300,000 reviews", round(took_s * 1000))
    assert took_s < STARTS_WITHIN_S
    engine.dispose()
