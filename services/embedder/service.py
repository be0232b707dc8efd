"""The embedder's three loops: consume, encode, publish. They share nothing but SQL and two flags.

SIGTERM sets the stop flag: each loop finishes the batch it has in hand, and what is not finished
is found again at the next start, on the stream or in the work list.
"""

from __future__ import annotations

import asyncio
import socket
import time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from services.embedder.consumer import ReviewConsumer
from services.embedder.encoding import EncodingLoop
from services.embedder.ledger import Ledgers
from services.embedder.publisher import Publisher, Schedule
from services.embedder.settlement import Settlement
from services.embedder.store import VectorStore
from shared.encoder import Encoder
from shared.messages import (
    DEAD_LETTERS_STREAM,
    EMBEDDER_GROUP,
    REVIEWS_STREAM,
    SNAPSHOTS_CHANNEL,
)
from shared.redis import UNAVAILABLE, connect
from shared.settings import Settings
from shared.snapshot.commit import GateFailed, Promote, PromotionRefused, StoreBusy
from shared.snapshot.store import SnapshotStore
from shared.streams import StreamConsumer, wait_for
from shared.telemetry import get_logger

TICK_S = 0.5
HEARTBEAT_KEY = "heartbeat:embedder"
HEARTBEAT_TTL_S = 60


class Embedder:
    """The service over opened resources; ``services.embedder.__main__`` opens them."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        encoder: Encoder,
        *,
        precision: str,
        promote: Promote | None = None,
    ) -> None:
        encoder_id = encoder.spec.encoder_id
        self._url = settings.require_redis_url()
        self._redis = connect(self._url)
        self._vectors = VectorStore(engine, encoder_id)
        self._settlement = Settlement(Ledgers(engine, encoder_id), self._redis)
        self._publisher = Publisher(
            self._vectors,
            SnapshotStore(settings.snapshot_dir),
            spec=encoder.spec,
            precision=precision,
            keep=settings.snapshots_kept,
            lease_folder=settings.leases,
            promote=promote,
        )
        self._refusal: str | None = None
        self._schedule = Schedule(settings.publish_idle_s, settings.publish_every_s)
        self._encoding = EncodingLoop(self._vectors, encoder, on_encoded=self._schedule.changed)
        self._consumer = ReviewConsumer(engine, self._stored)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        consumer = StreamConsumer(
            url=self._url,
            stream=REVIEWS_STREAM,
            group=EMBEDDER_GROUP,
            name=f"embedder-{socket.gethostname()}",
            handle=self._consumer.handle,
            on_dead=self._consumer.on_dead,
            dead_stream=DEAD_LETTERS_STREAM,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consumer.run(stop))
            tasks.create_task(self._encoding.run(stop))
            tasks.create_task(self._publish_loop(stop))
        await self._redis.aclose()

    def _stored(self, _: set[str]) -> None:
        self._schedule.changed()
        self._encoding.wake.set()

    async def _publish_loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._tick()
            except UNAVAILABLE as error:
                get_logger().warning("publishing waits", error=str(error) or repr(error))
                await wait_for(stop, 2.0)
            except DBAPIError as error:
                get_logger().warning("database away, publishing waits", error=str(error.orig))
                await wait_for(stop, 2.0)
            await wait_for(stop, TICK_S)

    async def _tick(self) -> None:
        await self._redis.set(HEARTBEAT_KEY, "1", ex=HEARTBEAT_TTL_S)
        # Asked for before the snapshot is begun, so that it holds all that these runs stored.
        ready = await self._settlement.report()
        current = self._publisher.current_is_ours()
        changed = await asyncio.to_thread(self._vectors.changed_since_published)
        if (changed or not current) and not self._schedule.still_refused:
            backlog = await asyncio.to_thread(self._vectors.backlog_size)
            if not self._schedule.due(backlog=backlog, same_encoder=current):
                return
            published = await asyncio.to_thread(self._publish)
            self._schedule.published()
            if published is not None:
                await self._redis.publish(SNAPSHOTS_CHANNEL, published)
            elif changed and self._refusal is None:
                return
        last = await asyncio.to_thread(self._vectors.last_published)
        if ready:
            served = last[0] if last else None
            await self._settlement.finish(ready, served, refusal=self._refusal)

    def _publish(self) -> str | None:
        """Publish; None when there is nothing to publish or it must not be.

        ``_refusal`` then says why, if it is published but not made current.
        """
        began = time.monotonic()
        self._refusal = None
        try:
            manifest = self._publisher.publish()
        except PromotionRefused as error:
            get_logger().error("snapshot not made current, the last one stays", error=str(error))
            self._refusal = str(error)
            self._schedule.refused(began)
            return None
        except (GateFailed, StoreBusy) as error:
            get_logger().error("snapshot refused, the last one stays", error=str(error))
            return None
        except OSError as error:
            get_logger().error("snapshot could not be written", error=str(error))
            return None
        if manifest is None:
            return None
        return manifest.snapshot_id
