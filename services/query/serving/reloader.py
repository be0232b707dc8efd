"""Hot reload: the generation being served follows ``CURRENT``.

``CURRENT`` is read every ``interval_s``, and at once after an announcement on Redis. When it names
another snapshot, that snapshot is leased, verified, opened and warmed in a thread, and then ONE
reference is swapped: a request that took the old reference keeps it to its end. A snapshot that
cannot be served changes nothing: the last good one stays, the failure is reported as ``degraded``,
and the snapshot is tried again at growing intervals, without end, or another one at once when
``CURRENT`` changes. Only a process that serves nothing falls back to older snapshots.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from services.query.serving.announcements import follow_announcements
from services.query.serving.generation import (
    EncoderFactory,
    EncoderMismatch,
    Generation,
    load_generation,
)
from services.query.serving.metrics import Metrics
from shared.delivery.redis_client import Client
from shared.encoder import EncoderInvalid
from shared.snapshot.storage.leases import Leases
from shared.snapshot.storage.manifest import Current
from shared.snapshot.storage.store import NoSnapshot, SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt, VerificationCache
from shared.system.memory import trim
from shared.telemetry import get_logger

RENEW_LEASE_EVERY_S = 30.0
BACKOFF_CAP_S = 60.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """The last attempt failed: its target, the number of failures, and when to try again."""

    target: Current | None
    times: int
    retry_at: float


class Reloader:
    """Holds the generation being served. ``run`` follows ``CURRENT`` until cancelled.

    Example:
        >>> reloader = Reloader(
        ...     store, leases, encoder_factory=factory, interval_s=2.0, metrics=metrics
        ... )
        >>> task = asyncio.create_task(reloader.run())
        >>> generation = reloader.generation  # once per request
        >>> task.cancel()
        >>> await reloader.close()
    """

    def __init__(
        self,
        store: SnapshotStore,
        leases: Leases,
        *,
        encoder_factory: EncoderFactory,
        interval_s: float,
        metrics: Metrics,
        verified: VerificationCache | None = None,
        announcements: Client | None = None,
    ) -> None:
        """Start without a generation.

        Args:
            store: The store of the snapshots.
            leases: Leases that keep the snapshots in use from being deleted.
            encoder_factory: Opens the encoder of a snapshot.
            interval_s: Seconds between two reads of ``CURRENT``.
            metrics: Metrics to update.
            verified: Cache of verified files, which need no second verification.
            announcements: Redis client (``connect_reader``) to subscribe with; None: only poll.
        """
        self._store = store
        self._verified = verified
        self._leases = leases
        self._encoder_factory = encoder_factory
        self._interval_s = interval_s
        self._metrics = metrics
        self._generation: Generation | None = None
        self._degraded: str | None = None
        self._failure: _Failure | None = None
        self._leased: set[str] = set()
        self._announcements = announcements
        self._announced = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    @property
    def generation(self) -> Generation | None:
        """The generation being served; read it once per request. None before the first one."""
        return self._generation

    @property
    def degraded(self) -> str | None:
        """Why the snapshot that ``CURRENT`` names is not served; None when it is."""
        return self._degraded

    async def run(self) -> None:
        """Follow ``CURRENT`` until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases())
            if self._announcements is not None:
                group.create_task(follow_announcements(self._announcements, self._announced.set))
            while True:
                self._announced.clear()
                try:
                    await self._look(now=False)
                except Exception as error:  # noqa: BLE001 - the loop must never end
                    get_logger().error("snapshot reload failed", reason=reason_for(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval_s):
                        await self._announced.wait()

    async def reload_now(self) -> Generation | None:
        """Follow ``CURRENT`` at once, even to a snapshot that has just failed.

        Returns:
            The generation that is served afterwards.
        """
        await self._look(now=True)
        return self._generation

    async def close(self) -> None:
        """Release the leases and drop the generation."""
        async with self._one_at_a_time:
            self._generation = None
            for snapshot_id in list(self._leased):
                await self._release(snapshot_id)

    async def _look(self, *, now: bool) -> None:
        async with self._one_at_a_time:
            try:
                target = await asyncio.to_thread(self._store.current)
            except NoSnapshot:
                is_serving = self._generation is not None
                self._degrade("the store no longer has CURRENT" if is_serving else None)
                return
            except SnapshotCorrupt as error:
                if now or self._due(None):
                    await self._failed(None, str(error))
                return
            served = self._generation
            if served is not None and served.snapshot_id == target.snapshot_id:
                self._failure = None
                self._degrade(None)
            elif now or self._due(target):
                await self._follow(target)

    def _due(self, target: Current | None) -> bool:
        failure = self._failure
        return failure is None or failure.target != target or time.monotonic() >= failure.retry_at

    async def _follow(self, target: Current) -> None:
        try:
            generation = await self._load(target.snapshot_id, target.manifest_sha256)
        except Exception as error:  # noqa: BLE001 - after any error the last good one stays
            await self._failed(target, reason_for(error))
            return
        self._failure = None
        self._degrade(None)
        await self._swap(generation)

    async def _failed(self, target: Current | None, reason: str) -> None:
        before = self._failure
        times = before.times + 1 if before is not None and before.target == target else 1
        wait_s = min(self._interval_s * 2 ** min(times, 16), BACKOFF_CAP_S)
        self._failure = _Failure(target, times, time.monotonic() + wait_s)
        if reason != self._degraded:
            get_logger().error(
                "snapshot cannot be served",
                snapshot=target.snapshot_id if target else "CURRENT",
                reason=reason,
            )
        self._degrade(reason)
        if self._generation is None:
            await self._fall_back(target)

    async def _fall_back(self, target: Current | None) -> None:
        """Serve the newest snapshot that can be served: old results are better than none."""
        for snapshot_id in await asyncio.to_thread(self._store.snapshot_ids):
            if target is not None and snapshot_id == target.snapshot_id:
                continue
            try:
                generation = await self._load(snapshot_id, None)
            except Exception as error:  # noqa: BLE001 - an older one may be good
                get_logger().warning(
                    "older snapshot cannot be served",
                    snapshot=snapshot_id,
                    reason=reason_for(error),
                )
                continue
            await self._swap(generation)
            return

    async def _load(self, snapshot_id: str, manifest_sha256: str | None) -> Generation:
        await self._take(snapshot_id)
        started = time.perf_counter()
        try:
            generation = await asyncio.to_thread(
                load_generation,
                self._store,
                snapshot_id,
                manifest_sha256=manifest_sha256,
                encoder_factory=self._encoder_factory,
                previous=self._generation,
                verified=self._verified,
            )
        except BaseException:
            self._metrics.reloads.labels("failed").inc()
            await self._release(snapshot_id)
            raise
        self._metrics.reloads.labels("loaded").inc()
        self._metrics.load_s.observe(time.perf_counter() - started)
        return generation

    async def _swap(self, generation: Generation) -> None:
        old, self._generation = self._generation, generation
        manifest = generation.snapshot.manifest
        self._metrics.serving.set(manifest.sequence)
        self._metrics.movies.set(manifest.counts.movies)
        get_logger().info(
            "snapshot served",
            snapshot=generation.snapshot_id,
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
        )
        if old is None:
            await asyncio.to_thread(trim)  # opening the encoder takes more memory than it keeps
        else:
            await self._release(old.snapshot_id)
            _when_gone(old, trim)

    def _degrade(self, reason: str | None) -> None:
        self._degraded = reason
        self._metrics.degraded.set(reason is not None)

    async def _take(self, snapshot_id: str) -> None:
        self._leased.add(snapshot_id)
        await asyncio.to_thread(self._leases.take, snapshot_id)

    async def _release(self, snapshot_id: str) -> None:
        self._leased.discard(snapshot_id)
        await asyncio.to_thread(self._leases.release, snapshot_id)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(RENEW_LEASE_EVERY_S)
            for snapshot_id in list(self._leased):
                await asyncio.to_thread(self._leases.take, snapshot_id)


def _when_gone(generation: Generation, callback: Callable[[], None]) -> None:
    """Call ``callback`` in a thread when the last request has released a generation."""
    loop = asyncio.get_running_loop()

    def schedule() -> None:
        # Not called directly: the parts of the generation are freed after this.
        with suppress(RuntimeError):  # the event loop has ended, and so will the process
            loop.call_soon_threadsafe(loop.run_in_executor, None, callback)

    weakref.finalize(generation, schedule).atexit = False


def reason_for(error: Exception) -> str:
    """Describe an error in one line that is safe to show to clients: no path, no content."""
    cause = error.__cause__ if isinstance(error, EncoderInvalid) else error
    if isinstance(cause, OSError):
        return f"cannot be read: {cause.strerror or type(cause).__name__}"
    if isinstance(error, SnapshotCorrupt | EncoderInvalid | EncoderMismatch):
        return str(error).partition("\n")[0]
    return type(error).__name__
