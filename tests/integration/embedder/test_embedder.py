"""From stream to snapshot: the real loops with a real Redis server, SQLite, faiss and disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from services.embedder.database.engine import open_engine, reading
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import DEAD_LETTERS_STREAM, EMBEDDER_GROUP, REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.redis_client import Client
from shared.delivery.streams import append
from shared.record import MovieRecord
from shared.runs.registry import Run
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from tests.support.delivery.messages import movie, review, run_end, small_run
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.embedder.stored import count_reviews
from tests.support.waiting import async_wait_until


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


async def crawl(redis: Client, items: Sequence[MovieMessage | ReviewMessage], run: Run) -> Run:
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    return await ended(redis, run)


async def test_a_run_becomes_searchable(redis: Client, settings: EmbedderSettings) -> None:
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        run = await new_run(redis)
        end = await crawl(redis, small_run(5, 3, run_id=run.run_id), run)
    assert (end.state, end.stored, end.duplicate, end.embedded) == ("searchable", 15, 0, 15)
    snapshot = current(settings)
    assert end.snapshot_id == snapshot.snapshot_id
    assert snapshot.catalogue.counts()[:2] == (5, 15)
    query = encoder.encode_queries(["subject3"])
    _, rows = snapshot.index.search(query, 1)
    [best] = snapshot.catalogue.movies(rows[0].tolist())
    assert best.movie_id == "tt0000003"
    start, count = snapshot.passage_ranges[best.row]
    passages = snapshot.catalogue.passages(range(start, start + count))
    assert "".join(p.text for p in passages if p.review_id == "test:3-0") in (
        "A quiet film about subject3. Viewer0 liked it."
    )
    assert await redis.xlen(REVIEWS_STREAM) == 0
    assert (await redis.xpending(REVIEWS_STREAM, EMBEDDER_GROUP))["pending"] == 0


async def test_the_same_crawl_again_encodes_nothing_and_publishes_nothing(
    redis: Client, settings: EmbedderSettings
) -> None:
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        run = await new_run(redis)
        first = await crawl(redis, small_run(run_id=run.run_id), run)
        encoded = len(encoder.encoded)
        run = await new_run(redis)
        second = await crawl(redis, small_run(run_id=run.run_id), run)
    assert (second.state, second.stored, second.duplicate) == ("searchable", 0, 6)
    assert second.snapshot_id == first.snapshot_id
    assert len(encoder.encoded) == encoded


async def test_only_a_changed_review_is_encoded_again(
    redis: Client, settings: EmbedderSettings
) -> None:
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        run = await new_run(redis)
        await crawl(redis, small_run(run_id=run.run_id), run)
        before = current(settings)
        encoder.encoded.clear()
        run = await new_run(redis)
        changed = review(1, 0, "Now loud and fast.", run_id=run.run_id)
        end = await crawl(redis, [changed], run)
    assert end.stored == 1
    assert encoder.encoded == ["Now loud and fast."]
    after = current(settings)
    assert after.snapshot_id > before.snapshot_id
    kept = [0, 2]
    assert np.array_equal(after.index.vectors()[kept], before.index.vectors()[kept])
    assert not np.array_equal(after.index.vectors()[1], before.index.vectors()[1])


async def test_an_entry_that_is_no_message_is_a_dead_letter_and_blocks_nobody(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        items = small_run(run_id=run.run_id)
        broken = {**items[1].to_fields(), "body": '{"review": "' + "x" * 10_000}
        await append(redis, REVIEWS_STREAM, [broken])
        end = await crawl(redis, items, run)
        assert end.state == "searchable"
        [(_, letter)] = await redis.xrange(DEAD_LETTERS_STREAM)
    assert letter["run"] == run.run_id
    assert "review" in letter["reason"]
    assert letter["body"] == broken["body"]
    # The item arrived twice, first invalid: it was counted as dead, and stored nevertheless.
    assert (end.dead_lettered, end.stored) == (1, 5)
    assert current(settings).catalogue.counts()[1] == 6


async def test_a_loss_is_never_silent(redis: Client, settings: EmbedderSettings) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        items = small_run(run_id=run.run_id)
        await send(redis, [*items[:-1], run_end(items, run_id=run.run_id)])
        end = await ended(redis, run)
    assert end.state == "incomplete"
    assert end.error == "9 items were sent, 8 arrived"


async def test_redelivery_changes_nothing(redis: Client, settings: EmbedderSettings) -> None:
    """A replay in another order gives the same rows, vectors and counts."""
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        items = small_run(run_id=run.run_id)
        await send(redis, [*items, *reversed(items), *items[2:5]])
        end = await crawl(redis, items, run)
    assert (end.state, end.stored, end.duplicate) == ("searchable", 6, 0)
    engine = open_engine(settings.database)
    assert count_reviews(engine) == 6
    engine.dispose()


async def test_what_a_killed_consumer_left_pending_is_stored(
    redis: Client, settings: EmbedderSettings
) -> None:
    run = await new_run(redis)
    items = small_run(run_id=run.run_id)
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    # A consumer of the same name took all entries and died before it stored any of them.

    await redis.xgroup_create(REVIEWS_STREAM, EMBEDDER_GROUP, id="0")
    taken = await redis.xreadgroup(EMBEDDER_GROUP, "embedder-1", {REVIEWS_STREAM: ">"})
    assert len(taken[0][1]) == len(items) + 1
    async with embedder(settings, HashEncoder()):
        end = await ended(redis, run)
    assert (end.state, end.stored) == ("searchable", 6)


async def test_another_encoder_encodes_everything_again(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        await crawl(redis, small_run(run_id=run.run_id), run)
    before = current(settings)
    other = HashEncoder(dim=48, salt="other")
    async with embedder(settings, other):

        async def swapped() -> bool:
            return current(settings).manifest.encoder.dim == 48

        await async_wait_until(swapped)
    after = current(settings)
    assert after.snapshot_id > before.snapshot_id
    assert after.catalogue.counts() == before.catalogue.counts()
    assert len(other.encoded) == before.manifest.counts.passages


async def test_reviews_that_come_before_their_movie_are_kept(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        items: list[MovieMessage | ReviewMessage] = [
            review(7, 1, "Words first.", run_id=run.run_id),
            movie(7, run_id=run.run_id, title="Late"),
        ]
        await crawl(redis, items, run)
    late = current(settings).catalogue.movie("tt0000007")
    assert late is not None
    assert (late.title, late.review_count, late.rating) == ("Late", 1, 1.0)


async def test_nothing_is_published_before_there_is_something(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        facts = MovieRecord("tt1", year=1950)  # nothing to name or find it by
        unnamed = MovieMessage(run_id=run.run_id, source="test", movie=facts)
        end = await crawl(redis, [unnamed], run)
    assert end.state == "incomplete"
    assert end.error == "none of its movies can be searched"
    with pytest.raises(NoSnapshot):
        SnapshotStore(settings.snapshot_dir).current()


async def test_the_database_locked_by_another_only_delays(
    redis: Client, settings: EmbedderSettings
) -> None:
    engine = open_engine(settings.database)
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis)
        items = small_run(run_id=run.run_id)
        with engine.connect() as connection:
            connection.execution_options(immediate=True)
            connection.execute(text("SELECT 1"))
            await send(redis, [*items, run_end(items, run_id=run.run_id)])

            async def taken() -> bool:
                groups = await redis.xinfo_groups(REVIEWS_STREAM)
                return bool(groups and groups[0]["pending"] == len(items) + 1)

            await async_wait_until(taken)
            with reading(engine) as check:
                assert check.execute(text("SELECT count(*) FROM reviews")).scalar_one() == 0
        end = await ended(redis, run)
    assert (end.state, end.stored) == ("searchable", 6)
