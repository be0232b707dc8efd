"""The promotion gate: real loops, store and searcher; a snapshot that fails stays out."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import prometheus_client
import pytest

from services.embedder.database.engine import open_engine
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import heartbeat_key
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import Client
from shared.evaluation.canary import read_canaries
from shared.runs import registry
from shared.runs.registry import Run
from shared.snapshot import commit
from shared.snapshot.commit import PromotionRefused, point_current_at, retain
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from tests.support.delivery.messages import movie, review, run_end, small_run
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import ended, send
from tests.support.query.query_sets import write_query_set
from tests.support.query.snapshots import BOXER, MOVIES, SPACE, SnapshotBuilder, write_files
from tests.support.waiting import async_wait_until

NOT_PROMOTED = "movie_search_embedder_snapshots_not_promoted_total"


@pytest.fixture
def canaries(tmp_path: Path) -> Path:
    """The movie about subject1 must be the first one found by that word."""
    folder = tmp_path / "canaries"
    write_query_set(folder / "known", {"q1": "subject1"}, {"q1": {"tt0000001": 1}})
    (folder / "floors.toml").write_text('floors = ["known:R@1>=1"]\n')
    return folder


@asynccontextmanager
async def embedder(settings: EmbedderSettings, canaries: Path) -> AsyncIterator[None]:
    engine = open_engine(settings.database)
    stop = asyncio.Event()
    encoder = HashEncoder()
    promote = partial(read_canaries(canaries).refusal, encoder=encoder)
    service = Embedder(settings, engine, encoder, precision="f32", promote=promote)
    task = asyncio.create_task(service.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task
        engine.dispose()


async def crawl(redis: Client, items: list[MovieMessage | ReviewMessage], run: Run) -> Run:
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    return await ended(redis, run)


async def new_run(redis: Client) -> Run:
    run, _ = await registry.request_run(redis, "test")
    await registry.advance(redis, run, "crawling")
    return run


async def next_heartbeat(redis: Client) -> None:
    before = await redis.pttl(heartbeat_key("embedder"))

    async def renewed() -> bool:
        return bool(await redis.pttl(heartbeat_key("embedder")) > before)

    await async_wait_until(renewed)


def not_promoted() -> float:
    return prometheus_client.REGISTRY.get_sample_value(NOT_PROMOTED) or 0.0


async def test_a_snapshot_that_fails_stays_out_and_a_later_good_one_is_served(
    redis: Client, redis_url: str, tmp_path: Path, canaries: Path
) -> None:
    settings = EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path / "data", publish_idle_s=0.1, publish_every_s=600
    )
    store = SnapshotStore(settings.snapshot_dir)
    refused_before = not_promoted()
    async with embedder(settings, canaries):
        run = await new_run(redis)
        good = await crawl(redis, small_run(run_id=run.run_id), run)
        assert good.state == "searchable"
        served = store.current().snapshot_id
        assert good.snapshot_id == served

        # The movie's reviews are replaced by ones that say nothing, and another takes its word.
        run = await new_run(redis)
        spoilt: list[MovieMessage | ReviewMessage] = [
            *(review(1, n, "Words lost in a broken crawl.", run_id=run.run_id) for n in range(2)),
            *(review(0, n, "subject1 subject1", run_id=run.run_id) for n in range(2)),
        ]
        bad = await crawl(redis, spoilt, run)
        assert bad.state == "incomplete"
        assert bad.error is not None
        assert "is not made current: known: R@1 is 0.000, not >= 1: missed by 1.000" in bad.error
        assert store.current().snapshot_id == served
        # What is noted while it is refused may be a reason to try it once more.
        for _ in range(2):
            await next_heartbeat(redis)
        refused = [own for own in store.snapshot_ids() if own != served]
        assert 1 <= len(refused) <= 2
        assert any(own in bad.error for own in refused)
        for own in refused:
            assert open_snapshot(store, own).manifest.counts.movies == 3  # whole, for people
        assert not_promoted() == refused_before + len(refused)

        run = await new_run(redis)
        mended = await crawl(redis, small_run(run_id=run.run_id), run)
        assert mended.state == "searchable"
        assert store.current().snapshot_id == mended.snapshot_id != served
        assert len(store.snapshot_ids()) == 2 + len(refused)


async def test_without_a_change_a_refused_snapshot_is_not_made_again(
    redis: Client, redis_url: str, tmp_path: Path, canaries: Path
) -> None:
    settings = EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path / "data", publish_idle_s=0.1, publish_every_s=0.2
    )
    store = SnapshotStore(settings.snapshot_dir)
    async with embedder(settings, canaries):
        run = await new_run(redis)
        end = await crawl(redis, [movie(7), review(7, 0, "Some boat.", run_id=run.run_id)], run)
        for _ in range(2):  # between two heartbeats lies a whole round of the publishing loop
            await next_heartbeat(redis)
        made = store.snapshot_ids()
        for _ in range(3):
            await next_heartbeat(redis)
        assert store.snapshot_ids() == made
    assert end.state == "incomplete"
    assert 1 <= len(made) <= 2  # what was noted while it was refused is tried, too
    with pytest.raises(NoSnapshot):
        store.current()


def test_the_store_keeps_a_refused_snapshot_for_activation(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    builder = SnapshotBuilder(store, HashEncoder())
    served = builder.publish()

    def refuse(snapshot: object) -> str:
        return "no"

    with pytest.raises(PromotionRefused, match="is not made current: no") as refused:
        commit.publish(
            store,
            sequence=2,
            write=lambda folder: write_files(folder, [BOXER, SPACE], builder.encoder),
            promote=refuse,
        )
    assert store.current().snapshot_id == served.snapshot_id
    point_current_at(store, refused.value.manifest.snapshot_id)
    assert store.current().snapshot_id == refused.value.manifest.snapshot_id


def test_a_gate_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    builder = SnapshotBuilder(store, HashEncoder())

    def breaks(snapshot: object) -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        commit.publish(
            store,
            sequence=1,
            write=lambda folder: write_files(folder, MOVIES, builder.encoder),
            promote=breaks,
        )
    assert store.snapshot_ids() == []
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_refused_snapshots_do_not_pile_up_while_nothing_is_served(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "store")
    builder = SnapshotBuilder(store, HashEncoder())
    for sequence in range(1, 6):
        with pytest.raises(PromotionRefused):
            commit.publish(
                store,
                sequence=sequence,
                write=lambda folder: write_files(folder, MOVIES, builder.encoder),
                promote=lambda snapshot: "no",
            )
    retain(store, keep=3, lease_folder=tmp_path / "leases")
    assert [name[:8] for name in store.snapshot_ids()] == ["00000005", "00000004", "00000003"]


def test_canaries_that_cannot_be_read_stop_the_embedder_with_one_line(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "services.embedder"],
        env={
            **os.environ,
            "MOVIE_SEARCH_REDIS_URL": "redis://127.0.0.1:1",
            "MOVIE_SEARCH_CANARY_QUERIES": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert f"MOVIE_SEARCH_CANARY_QUERIES: {tmp_path}/floors.toml: No such file" in answer.stderr
