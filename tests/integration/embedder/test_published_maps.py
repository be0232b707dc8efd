"""Published snapshots have a map that keeps the positions of the previous one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.embedder.settings import EmbedderSettings
from shared.delivery.redis_client import Client
from shared.snapshot.reader import Snapshot
from tests.support.delivery.messages import movie, review, run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


async def crawled(redis: Client, settings: EmbedderSettings, numbers: range, text: str) -> Snapshot:
    """The current snapshot after a run with these movies."""
    run = await new_run(redis)
    items = [movie(number, run_id=run.run_id) for number in numbers] + [
        review(number, 1, f"{text} about subject{number % 4}.", run_id=run.run_id)
        for number in numbers
    ]
    await send(redis, [*items, run_end(items, run_id=run.run_id)])
    assert (await ended(redis, run)).state == "searchable"
    return current(settings)


async def test_movies_stay_where_they_are_from_snapshot_to_snapshot(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        first = await crawled(redis, settings, range(40), "A film")
        second = await crawled(redis, settings, range(40, 43), "A film")
    assert first.atlas is not None
    assert second.atlas is not None
    assert first.snapshot_id != second.snapshot_id
    assert len(np.unique(first.atlas.positions, axis=0)) == 40
    assert second.atlas.moved == 3
    assert np.array_equal(second.atlas.positions[:40], first.atlas.positions)
    assert np.array_equal(second.atlas.cluster[:40], first.atlas.cluster)
    assert {one.movies for one in first.atlas.clusters} != {0}
    assert sum(one.movies for one in second.atlas.clusters) == 43


async def test_publishing_the_same_movies_again_gives_the_same_map(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()) as service:
        first = await crawled(redis, settings, range(20), "A film")
        assert service._publisher.publish() is not None
        again = current(settings)
    assert first.atlas is not None
    assert again.atlas is not None
    assert again.snapshot_id != first.snapshot_id
    assert np.array_equal(again.atlas.positions, first.atlas.positions)
    assert again.atlas.clusters == first.atlas.clusters
    assert first.manifest.files["atlas.json"] == again.manifest.files["atlas.json"]
