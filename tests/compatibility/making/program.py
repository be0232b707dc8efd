"""This module holds the parts of the old version that every step uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .old import old


class OldProgram:
    """The old version runs over one Redis server and one data folder, and crawls one site."""

    def __init__(self, url: str, data: Path, site: Any) -> None:
        self.data, self.url, self.site = data, url, site
        self.settings = old("shared.settings").Settings(
            redis_url=url, data_dir=data, publish_idle_s=1.5, publish_every_s=600
        )
        self.encoder = old("tests.support.encoders").HashEncoder()
        self.redis = old("shared.redis").connect(url)
        self.runs = old("shared.runs")
        self.store = old("shared.snapshot.store").SnapshotStore(self.settings.snapshot_dir)
        self.named: dict[str, str] = {}
        """Ids of runs, activations and a review, by the names that the tests give them."""

    async def close(self) -> None:
        """Close the connection to Redis."""
        await self.redis.aclose()

    async def request(self, name: str, source: str, **options: Any) -> Any:
        """Request a new run of a source, and keep its id under a name for the tests."""
        run, is_new = await self.runs.request_run(self.redis, source, **options)
        assert is_new
        self.named[name] = run.run_id
        return run

    async def append(self, messages: Sequence[Any]) -> list[str]:
        """Append messages to the stream of reviews in one transaction; returns their entry ids."""
        return await self.append_fields([message.to_fields() for message in messages])

    async def append_fields(self, entries: Sequence[Mapping[str, str]]) -> list[str]:
        """Append entries, which need not be valid messages, as ``append`` does."""
        stream = old("shared.messages").REVIEWS_STREAM
        pipeline = self.redis.pipeline(transaction=True)
        for entry in entries:
            pipeline.xadd(stream, dict(entry))
        ids: list[str] = await pipeline.execute()
        return ids
