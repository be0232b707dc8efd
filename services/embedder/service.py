"""The embedder's three loops: consume, encode, publish. They share nothing but SQL and two flags.

Several embedders may work over one database: each consumes and encodes its share, and one of them
publishes (``slots``). What the others have stored it sees in the number of the last change.

The third one settles runs, too: first it is decided what they remove, then what has changed is
published, then the runs end of which the snapshot holds everything. SIGTERM sets the stop flag:
each loop finishes the batch it has in hand, and what is not finished is found again at the next
start, on the stream or in the work list.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.encoding import EncodingLoop
from services.embedder.publishing.activation_handler import ActivationHandler
from services.embedder.publishing.publish_schedule import Schedule
from services.embedder.publishing.publisher import Publisher
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.removal import Removals
from services.embedder.settling.run_completion import NOTHING_TO_SEARCH, RunCompletion
from services.embedder.worker_locks import publisher_lock, slot
from shared.delivery.messages import (
    DEAD_LETTERS_STREAM,
    EMBEDDER_GROUP,
    REVIEWS_STREAM,
    SNAPSHOTS_CHANNEL,
)
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.delivery.streams import StreamConsumer, wait_for
from shared.encoder import Encoder
from shared.settings import Settings
from shared.snapshot.commit import GateFailed, Promote, PromotionRefused, StoreBusy
from shared.snapshot.storage.store import SnapshotStore
from shared.telemetry import get_logger

TICK_S = 0.5
HEARTBEAT_KEY = "heartbeat:embedder"
"""Set while any embedder is alive."""
HEARTBEAT_TTL_S = 60
PATIENCE_S = 900.0
"""For how long runs wait while snapshots cannot be written; then they end as incomplete."""


@dataclass(frozen=True, slots=True)
class _Served:
    """What searches get of all that is stored: a snapshot, and why it is not the newest content."""

    snapshot_id: str | None
    refusal: str | None = None


def heartbeat_key() -> str:
    """Where the embedders of this host tell that one of them is alive."""
    return f"{HEARTBEAT_KEY}:{socket.gethostname()}"


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
        self._vectors = WorkList(engine, encoder_id)
        self._records = SnapshotRecords(engine, encoder_id)
        self._freshness = Freshness(engine, self._records)
        self._publisher = Publisher(
            self._records,
            SnapshotStore(settings.snapshot_dir),
            spec=encoder.spec,
            precision=precision,
            keep=settings.snapshots_kept,
            lease_folder=settings.leases,
            promote=promote,
        )
        self._activations = ActivationHandler(
            self._redis,
            SnapshotStore(settings.snapshot_dir),
            encoder_id=encoder_id,
            lease_folder=settings.leases,
            on_activated=lambda manifest: self._records.published(
                manifest.sequence, manifest.snapshot_id, manifest.counts.movies
            ),
        )
        self._store = settings.snapshot_dir
        self._publishing = publisher_lock(self._store)
        self._revision: int | None = None
        self._refusal: str | None = None
        self._schedule = Schedule(settings.publish_idle_s, settings.publish_every_s)
        self._settlement = RunCompletion(
            Ledgers(engine),
            Removals(engine),
            self._freshness,
            self._redis,
            on_removed=self._schedule.changed,
        )
        self._encoding = EncodingLoop(self._vectors, encoder, on_encoded=self._schedule.changed)
        self._consumer = ReviewConsumer(engine, self._stored)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        with slot(self._store) as name:
            consumer = StreamConsumer(
                url=self._url,
                stream=REVIEWS_STREAM,
                group=EMBEDDER_GROUP,
                name=name,
                handle=self._consumer.handle,
                on_dead=self._consumer.on_dead,
                dead_stream=DEAD_LETTERS_STREAM,
            )
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(consumer.run(stop))
                    tasks.create_task(self._encoding.run(stop, holder=name))
                    tasks.create_task(self._publish_loop(stop))
            finally:
                self._publishing.release()
        await self._redis.aclose()

    def _stored(self, changed: bool) -> None:
        if changed:
            self._schedule.changed()
            self._encoding.wake.set()
        else:
            self._schedule.arrived()

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
            except OSError as error:
                get_logger().warning("store away, publishing waits", error=error.strerror)
                await wait_for(stop, 2.0)
            await wait_for(stop, TICK_S)

    async def _tick(self) -> None:
        for key in (HEARTBEAT_KEY, heartbeat_key()):
            await self._redis.set(key, "1", ex=HEARTBEAT_TTL_S)
        if not self._publishing.held:
            if not self._publishing.try_take():
                return
            get_logger().info("publishes from now on")
        self._notice_changes(await asyncio.to_thread(self._records.newest_revision))
        await self._activations.carry_out()
        # Before the next snapshot: what one killed after its commit point has made searchable.
        await asyncio.to_thread(self._freshness.note)
        # Asked for before the snapshot is begun, so that it holds all that these runs stored.
        ready = await self._settlement.report()
        served = await self._serve_changes()
        if served is not None and ready:
            await asyncio.to_thread(self._freshness.note)
            await self._settlement.finish(ready, served.snapshot_id, refusal=served.refusal)

    def _notice_changes(self, revision: int) -> None:
        if self._revision is not None and revision != self._revision:
            self._schedule.changed()
        self._revision = revision

    async def _serve_changes(self) -> _Served | None:
        """Publish what has changed, when it is time; None while searches do not get it yet."""
        current = self._publisher.current_is_ours()
        changed = await asyncio.to_thread(self._records.changed_since_published)
        if not changed and current:
            self._refusal = None
        elif not self._schedule.still_refused:
            backlog = await asyncio.to_thread(self._vectors.backlog_size)
            if not self._schedule.due(backlog=backlog, same_encoder=current):
                if not current:  # the first one draws a whole map
                    await asyncio.to_thread(self._publisher.prepare)
                return None
            published = await asyncio.to_thread(self._publish)
            if published is not None:
                await self._redis.publish(SNAPSHOTS_CHANNEL, published)
            elif self._refusal is None:
                return None
        last = await asyncio.to_thread(self._records.last_published)
        return _Served(last.snapshot_id if last else None, self._refusal)

    def _publish(self) -> str | None:
        """Try to publish; the snapshot's id, or None when what is stored is not served.

        ``_refusal`` then says why, unless another attempt may soon succeed.
        """
        began = time.monotonic()
        self._refusal = None
        try:
            manifest = self._publisher.publish()
        except PromotionRefused as error:
            get_logger().error("snapshot not made current, the last one stays", error=str(error))
            self._refusal = str(error)
            self._schedule.refused(began, retry=False)
        except GateFailed as error:
            get_logger().error("snapshot refused, the last one stays", error=str(error))
            self._refusal = f"the snapshot with it was refused: {error}"
            self._schedule.refused(began, retry=True)
        except (StoreBusy, OSError) as error:
            get_logger().error("snapshot could not be written", error=str(error))
            self._schedule.failed()
            if self._schedule.failing_s >= PATIENCE_S:
                self._refusal = f"the snapshot with it could not be written: {error}"
        else:
            if manifest is not None:
                self._schedule.published(began)
                return manifest.snapshot_id
            self._refusal = NOTHING_TO_SEARCH
            self._schedule.refused(began, retry=False)
        return None
