"""Bringing runs to their end: ledger and snapshot to the run's record in Redis.

1. A run's ledger balances, everything that it stored is encoded, and nothing sent before its end is
   left on the stream.
2. What a complete run has not seen any more is removed (``removal``), once.
3. A snapshot begun after that becomes current.
4. The run is *searchable*; then its ledger is closed.

A run is *incomplete* when its end has come, everything sent before that has been handled, and the
ledger still does not balance; when it may not remove what is gone; or when the snapshot that holds
it cannot be made current, so that the old one stays. A run that ingest or an operator has ended
otherwise keeps its end; its record is completed with what the run has stored and how soon that was
searchable, once it is, and its ledger is closed. Whatever step a process dies after, the next one
goes on from there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from services.embedder.database.run_ledger import Ledger, Ledgers
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.removal import Removals
from shared.delivery.messages import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

NOTHING_TO_SEARCH = "no movie of it can be searched"

MANY = 2000
COUNT_EVERY_S = 10.0
"""Counting takes a microsecond a review, twice a second: only of few is it done each time."""


class RunCompletion:
    """Follows the open runs.

    Args:
        ledgers: What has arrived of them.
        removals: Takes out what is gone.
        freshness: Tells how long their reviews took.
        redis: For the runs' records and the stream.
        on_removed: Called when it has been decided what a run removes.
    """

    def __init__(
        self,
        ledgers: Ledgers,
        removals: Removals,
        freshness: Freshness,
        redis: Client,
        *,
        on_removed: Callable[[], None],
    ) -> None:
        self._ledgers = ledgers
        self._removals = removals
        self._freshness = freshness
        self._redis = redis
        self._on_removed = on_removed
        self._counted: dict[str, tuple[int, float]] = {}

    async def report(self) -> list[Ledger]:
        """Write the counts of open runs to their records.

        Returns:
            The runs of which a snapshot begun from now on holds everything.
        """
        ready = []
        for ledger in await asyncio.to_thread(self._ledgers.open_ledgers):
            run = await registry.get_run(self._redis, ledger.run_id)
            left = await self._unencoded(ledger.run_id)
            await registry.set_fields(self._redis, ledger.run_id, **_counts(ledger, left))
            settled = await self._settle(ledger, run) if left == 0 else None
            if settled is not None:
                ready.append(settled)
        return ready

    async def _unencoded(self, run_id: str) -> int:
        """How many reviews of a run have no vectors; of very many, as it was a moment ago."""
        left, again_at = self._counted.pop(run_id, (0, 0.0))
        began = time.monotonic()
        if began >= again_at:
            left = await asyncio.to_thread(self._ledgers.unencoded, run_id)
            again_at = began + COUNT_EVERY_S
        if left >= MANY:
            self._counted[run_id] = (left, again_at)
        return left

    async def _settle(self, ledger: Ledger, run: Run | None) -> Ledger | None:
        """The ledger of a run that waits for its snapshot; None while more is to come of it."""
        if run is not None and registry.ended(run):
            return ledger if await self._all_handled(_end_entry(ledger, run)) else None
        if ledger.expected is None:
            return None
        if ledger.balanced and not ledger.undecided:
            return ledger
        if not await self._all_handled(ledger.end_entry or "0-0"):
            return None
        if await asyncio.to_thread(self._ledgers.ledger, ledger.run_id) != ledger:
            return None  # the last of it was stored since: look again, also for what is to encode
        if not ledger.balanced:
            return ledger
        allowed = run is not None and run.allow_removals
        decided = await asyncio.to_thread(self._removals.decide, ledger.run_id, allowed=allowed)
        self._on_removed()
        return decided

    async def finish(
        self, ready: list[Ledger], snapshot_id: str | None, *, refusal: str | None = None
    ) -> None:
        """End runs.

        Args:
            ready: The runs.
            snapshot_id: What is current and holds their content; None: there is nothing to serve.
            refusal: Why the snapshot with their content was not made current; None when it was.
        """
        if snapshot_id is None and refusal is None:
            refusal = NOTHING_TO_SEARCH
        for ledger in ready:
            run = await registry.get_run(self._redis, ledger.run_id)
            if run is not None:
                await self._end(run, ledger, snapshot_id, refusal)
            await asyncio.to_thread(self._ledgers.close, ledger.run_id)

    async def _end(
        self, run: Run, ledger: Ledger, snapshot_id: str | None, refusal: str | None
    ) -> None:
        times = await asyncio.to_thread(self._freshness.of_run, run.run_id)
        fields: dict[str, object] = {**_counts(ledger, 0), "snapshot_id": snapshot_id}
        if times is not None:
            fields["freshness_median_s"] = round(times.median_s, 3)
            fields["freshness_max_s"] = round(times.max_s, 3)
        error = ledger.shortfall or ledger.fault or refusal
        if registry.ended(run):
            del fields["snapshot_id"]
            await registry.set_fields(self._redis, run.run_id, **fields)
        elif error is None:
            await registry.advance(self._redis, run, "searchable", **fields)
            get_logger().info(
                "run searchable",
                run=run.run_id,
                source=run.source,
                stored=ledger.stored,
                unchanged=ledger.duplicate + ledger.kept,
                removed=ledger.removed or 0,
                snapshot=snapshot_id,
            )
        else:
            await registry.advance(self._redis, run, "incomplete", error=error, **fields)
            get_logger().error("run incomplete", run=run.run_id, error=error)

    async def _all_handled(self, end_entry: str) -> bool:
        """Whether nothing as old as the run's end is left on the stream."""
        oldest = await self._redis.xrange(REVIEWS_STREAM, count=1)
        if not oldest:
            return True
        return _order(oldest[0][0]) > _order(end_entry)


def _end_entry(ledger: Ledger, run: Run) -> str:
    """Where a run ends on the stream; one that was cut short, when it ended."""
    if ledger.end_entry is not None or run.ended_at is None:
        return ledger.end_entry or "0-0"
    return f"{run.ended_at.timestamp() * 1000:.0f}-0"


def _counts(ledger: Ledger, left: int) -> dict[str, object]:
    """A run's counts; while it crawls, ingest itself tells how many reviews are kept."""
    counts: dict[str, object] = {
        "stored": ledger.stored,
        "duplicate": ledger.duplicate,
        "dead_lettered": ledger.dead,
        "embedded": max(0, ledger.stored - left),
        "removed": ledger.removed or 0,
    }
    if ledger.expected is not None:
        counts["kept"] = ledger.kept
    return counts


def _order(entry_id: str) -> tuple[int, int]:
    time_ms, sequence = entry_id.split("-")
    return int(time_ms), int(sequence)
