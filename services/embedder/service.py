"""The embedder's three loops: consume, encode, publish. They share only SQL and two flags.

Several embedders may share one database: each consumes and encodes a part, and one of them
publishes (``worker_locks``). It learns of the others' changes from the number of the last change.

The publishing loop also completes runs: it first decides what they remove, then publishes the
changes, then completes the runs whose content the snapshot holds. SIGTERM sets the stop flag: each
loop finishes its current batch, and unfinished work is found again at the next start, on the stream
or in the work list.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.former_ids import name_movies
from services.embedder.database.poster_store import PosterStore
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.encoding import EncodingLoop, EncodingPatience
from services.embedder.publishing.activation_handler import ActivationHandler
from services.embedder.publishing.poster_publishing import PosterPublisher
from services.embedder.publishing.publish_schedule import Schedule
from services.embedder.publishing.publisher import Publisher
from services.embedder.settings import EmbedderSettings
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.operator_removal import OperatorRemovals
from services.embedder.settling.removal import Removals
from services.embedder.settling.removal_handler import RemovalHandler
from services.embedder.settling.run_completion import NOTHING_TO_SEARCH, RunCompletion
from services.embedder.unencodable import Unencodable
from services.embedder.worker_locks import open_locks
from shared.delivery import heartbeats
from shared.delivery.keys import (
    DEAD_LETTERS_STREAM,
    EMBEDDER_GROUP,
    REVIEWS_STREAM,
    SNAPSHOTS_CHANNEL,
)
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.delivery.streams import StreamConsumer
from shared.encoder import Encoder
from shared.runs import registry
from shared.snapshot.commit import GateFailed, Promote, PromotionRefused, StoreBusy
from shared.snapshot.storage.store import SnapshotStore
from shared.system.retry import wait_for
from shared.telemetry import get_logger

TICK_S = 0.5
HEARTBEAT_TTL_S = 60
EXIT_LOCK_LOST = 75
WRITE_FAILURE_LIMIT_S = 900.0
"""Runs end as incomplete after snapshots could not be written for this long."""


@dataclass(frozen=True, slots=True)
class _Served:
    """The snapshot that searches get, and why it does not hold the newest content, if so."""

    snapshot_id: str | None
    refusal: str | None = None


class Embedder:
    """The service with its loops; ``services.embedder.__main__`` opens what it needs.

    Args:
        settings: The settings of the process.
        engine: The database.
        encoder: The encoder in use.
        precision: Precision in which the encoder encodes passages.
        promote: The promotion gate; None to promote every snapshot.
        patience: How long encoding waits for what may be poison; default: as in production.
    """

    def __init__(
        self,
        settings: EmbedderSettings,
        engine: Engine,
        encoder: Encoder,
        *,
        precision: str,
        promote: Promote | None = None,
        patience: EncodingPatience | None = None,
    ) -> None:
        encoder_id = encoder.spec.encoder_id
        self._url = settings.require_redis_url()
        self._redis = connect(self._url)
        name_movies(engine)
        self._work_list = WorkList(engine, encoder_id)
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
            language=settings.catalogue_language,
            posters=PosterPublisher(PosterStore(engine), SnapshotStore(settings.snapshot_dir)),
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
        self._locks = open_locks(engine, settings.snapshot_dir)
        self._revision: int | None = None
        self._refusal: str | None = None
        self._are_sources_told = False
        self._is_in_another_language = False
        self._schedule = Schedule(settings.publish_idle_s, settings.publish_every_s)
        self._completion = RunCompletion(
            Ledgers(engine),
            Removals(engine),
            self._freshness,
            self._redis,
            on_removed=self._schedule.changed,
        )
        self._removals = RemovalHandler(
            self._redis, OperatorRemovals(engine), on_removed=self._on_removed
        )
        self._encoding = EncodingLoop(
            self._work_list,
            encoder,
            on_encoded=self._schedule.changed,
            take_over=self._take_over,
            unencodable=Unencodable(engine, self._redis),
            patience=patience,
        )
        self._consumer = ReviewConsumer(engine, self._on_stored)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            services.embedder.worker_locks.TooManyWorkers: As many embedders as allowed already run.
        """
        with self._locks.hold_worker() as name:
            consumer = StreamConsumer(
                url=self._url,
                stream=REVIEWS_STREAM,
                group=EMBEDDER_GROUP,
                name=name,
                handle=self._consumer.handle,
                on_dead=self._consumer.on_dead,
                dead_stream=DEAD_LETTERS_STREAM,
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(consumer.run(stop))
                tasks.create_task(self._encoding.run(stop, holder=name))
                tasks.create_task(self._publish_loop(stop))
        await self._redis.aclose()

    def _on_stored(self, changed: bool) -> None:
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
                get_logger().warning(
                    "redis unavailable, retrying", task="publish", error=str(error) or repr(error)
                )
                await wait_for(stop, 2.0)
            except DBAPIError as error:
                get_logger().warning(
                    "database unavailable, retrying", task="publish", error=str(error.orig)
                )
                await wait_for(stop, 2.0)
            except OSError as error:
                get_logger().warning(
                    "snapshot store unavailable, retrying", task="publish", error=error.strerror
                )
                await wait_for(stop, 2.0)
            await wait_for(stop, TICK_S)

    async def _tick(self) -> None:
        await self._exit_without_locks()
        await heartbeats.beat(self._redis, "embedder", ttl_s=HEARTBEAT_TTL_S)
        if not self._locks.is_publisher:
            if not await asyncio.to_thread(self._locks.try_publishing):
                return
            get_logger().info("became publisher")
            # Only now: whoever activates a snapshot in another language later wants to have it.
            self._is_in_another_language = self._publisher.current_is_in_another_language()
        self._notice_changes(await asyncio.to_thread(self._records.newest_revision))
        await self._activations.carry_out()
        await self._removals.carry_out()
        await self._publish_stored_sources()
        # First for a snapshot whose publisher was killed between its commit and this step.
        await asyncio.to_thread(self._freshness.note)
        # Read before the snapshot is started, so that the snapshot holds all content of these runs.
        ready = await self._completion.report_progress()
        served = await self._serve_changes()
        if served is not None and ready:
            await asyncio.to_thread(self._freshness.note)
            await self._completion.complete(ready, served.snapshot_id, refusal=served.refusal)
            self._are_sources_told = False

    async def _publish_stored_sources(self) -> None:
        """Tell which sources have something, after runs and removals have ended."""
        if self._are_sources_told:
            return
        names = await asyncio.to_thread(self._records.stored_sources)
        await registry.publish_stored_sources(self._redis, names)
        self._are_sources_told = True

    def _on_removed(self) -> None:
        self._are_sources_told = False
        self._schedule.changed()

    async def _exit_without_locks(self) -> None:
        """End the process at once when another embedder may have its locks by now.

        The database was restarted or could not be reached: what is in hand is in the hands of
        another one, too, and threads that work on it cannot be ended otherwise.
        """
        if await asyncio.to_thread(self._locks.are_lost):
            get_logger().critical("worker lock lost, exiting")
            os._exit(EXIT_LOCK_LOST)

    def _take_over(self) -> bool:
        """Give back what embedders have claimed that have ended; returns whether there was any."""
        workers = self._work_list.workers()
        if not workers:
            return False
        with self._locks.holding_free(workers) as ended:
            if ended:
                self._work_list.give_back_of(ended)
                get_logger().info("claims of ended embedders given back", embedders=ended)
            return bool(ended)

    def _notice_changes(self, revision: int) -> None:
        if self._revision is not None and revision != self._revision:
            self._schedule.changed()
        self._revision = revision

    async def _serve_changes(self) -> _Served | None:
        """Publish the changes when due; returns what is served, None until that is decided."""
        current = self._publisher.current_is_ours()
        changed = await asyncio.to_thread(self._records.changed_since_published)
        changed = changed or self._is_in_another_language
        if not changed and current:
            self._refusal = None
        elif not self._schedule.still_refused:
            # Also with nothing to publish yet: something may be stored at this very moment.
            self._schedule.noticed()
            backlog = await asyncio.to_thread(self._work_list.backlog_size)
            if not self._schedule.due(backlog=backlog, same_encoder=current):
                if not current:  # the first snapshot needs a full map layout
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
        """Try to publish; returns the snapshot's id, or None if no new snapshot is served.

        ``_refusal`` then says why, unless another attempt may soon succeed.
        """
        began = time.monotonic()
        self._refusal = None
        try:
            manifest = self._publisher.publish()
        except PromotionRefused as error:
            get_logger().error("snapshot not promoted", error=str(error))
            self._refusal = str(error)
            self._schedule.refused(began, retry=False)
        except GateFailed as error:
            get_logger().error("snapshot refused", error=str(error))
            self._refusal = f"the snapshot with its content was refused: {error}"
            self._schedule.refused(began, retry=True)
        except (StoreBusy, OSError) as error:
            get_logger().error("snapshot could not be written", error=str(error))
            self._schedule.failed()
            if self._schedule.failing_s >= WRITE_FAILURE_LIMIT_S:
                self._refusal = f"the snapshot with its content could not be written: {error}"
        else:
            if manifest is not None:
                self._is_in_another_language = False
                self._schedule.published(began)
                return manifest.snapshot_id
            self._refusal = NOTHING_TO_SEARCH
            self._schedule.refused(began, retry=False)
        return None
