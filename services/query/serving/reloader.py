"""Hot reload: the generation being served follows ``CURRENT``.

``CURRENT`` is read every ``interval_s``. When it names another snapshot, that one is leased,
verified, opened and warmed in a thread, and then ONE reference is swapped: a request that took the
old reference keeps it to its end. A snapshot that cannot be served changes nothing: the last good
one serves on, the failure is reported as ``degraded``, and it is tried again for ever, at growing
intervals, or at once when ``CURRENT`` names yet another. Only a process that serves nothing falls
back through older snapshots.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from services.query.serving.generation import (
    EncoderFactory,
    EncoderMismatch,
    Generation,
    load_generation,
)
from services.query.serving.metrics import Metrics
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
    """The last attempt failed: on what, how often, and when to try again."""

    target: Current | None
    times: int
    retry_at: float


class Reloader:
    """Holds the generation being served. ``run`` follows ``CURRENT`` until cancelled."""

    def __init__(
        self,
        store: SnapshotStore,
        leases: Leases,
        *,
        encoder_factory: EncoderFactory,
        interval_s: float,
        metrics: Metrics,
        proofs: VerificationCache | None = None,
    ) -> None:
        self._store = store
        self._proofs = proofs
        self._leases = leases
        self._encoder_factory = encoder_factory
        self._interval_s = interval_s
        self._metrics = metrics
        self._generation: Generation | None = None
        self._degraded: str | None = None
        self._failure: _Failure | None = None
        self._leased: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def generation(self) -> Generation | None:
        """What is served; read it once per request. None before the first snapshot."""
        return self._generation

    @property
    def degraded(self) -> str | None:
        """Why what ``CURRENT`` names is not what is served; None when all is well."""
        return self._degraded

    async def run(self) -> None:
        """Look at ``CURRENT`` for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases())
            while True:
                try:
                    await self._look(now=False)
                except Exception as error:  # noqa: BLE001 - it must look for ever
                    get_logger().error("looking for a snapshot failed", reason=reason_for(error))
                await asyncio.sleep(self._interval_s)

    async def reload_now(self) -> Generation | None:
        """Look at ``CURRENT`` at once, also at a snapshot that has just failed.

        Returns:
            What is served afterwards.
        """
        await self._look(now=True)
        return self._generation

    async def close(self) -> None:
        """Give back the leases and drop the generation."""
        async with self._one_at_a_time:
            self._generation = None
            for snapshot_id in list(self._leased):
                await self._release(snapshot_id)

    async def _look(self, *, now: bool) -> None:
        async with self._one_at_a_time:
            try:
                target = await asyncio.to_thread(self._store.current)
            except NoSnapshot:
                gone = self._generation is not None
                self._degrade("the store has no CURRENT any more" if gone else None)
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
        except Exception as error:  # noqa: BLE001 - whatever it is, the last good one serves on
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
        """Serve the newest snapshot that can be; better an old answer than none."""
        for snapshot_id in await asyncio.to_thread(self._store.snapshot_ids):
            if target is not None and snapshot_id == target.snapshot_id:
                continue
            try:
                generation = await self._load(snapshot_id, None)
            except Exception as error:  # noqa: BLE001 - the next one may be good
                get_logger().warning(
                    "older snapshot cannot be served either",
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
                proofs=self._proofs,
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
            "serving",
            snapshot=generation.snapshot_id,
            movies=manifest.counts.movies,
            reviews=manifest.counts.reviews,
        )
        if old is None:
            await asyncio.to_thread(trim)  # opening the encoder takes more than it keeps
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


def _when_gone(generation: Generation, then: Callable[[], None]) -> None:
    """Call ``then`` in a thread when the last request has let go of a generation."""
    loop = asyncio.get_running_loop()

    def soon() -> None:
        # Not here and now: its parts are freed after this.
        with suppress(RuntimeError):  # the loop has ended, and so will the process
            loop.call_soon_threadsafe(loop.run_in_executor, None, then)

    weakref.finalize(generation, soon).atexit = False


def reason_for(error: Exception) -> str:
    """A failure in words that may be shown to anybody: one line, no path, no content."""
    cause = error.__cause__ if isinstance(error, EncoderInvalid) else error
    if isinstance(cause, OSError):
        return f"cannot be read: {cause.strerror or type(cause).__name__}"
    if isinstance(error, SnapshotCorrupt | EncoderInvalid | EncoderMismatch):
        return str(error).partition("\n")[0]
    return type(error).__name__
