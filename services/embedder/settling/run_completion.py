"""Completes runs: from the ledger and the current snapshot to the run's record in Redis.

1. A run's ledger balances, everything that it stored is encoded, and no message sent before its end
   is left on the stream.
2. What a complete run no longer saw is removed (``removal``), once.
3. A snapshot started after that becomes current.
4. The run becomes *searchable*; then its ledger is closed.

A run becomes *incomplete* when its end message has arrived, all earlier messages have been handled,
and the ledger still does not balance; when its removal is refused; or when the snapshot that holds
its content cannot be made current, so that the previous one stays. A run that ingest or an operator
has ended keeps its state; once its content is searchable, its record gets the final counts and the
freshness, and its ledger is closed. After a crash at any step, the next process continues from that
step.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from services.embedder.database.run_ledger import Ledger, Ledgers
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.removal import Removals
from shared.delivery.keys import REVIEWS_STREAM
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.telemetry import get_logger

NOTHING_TO_SEARCH = "none of its movies can be searched"

RECOUNT_LIMIT = 2000
RECOUNT_EVERY_S = 10.0
"""Counting takes a microsecond a review: a longer backlog is not counted at every tick."""


class RunCompletion:
    """Reports the progress of open runs and completes them.

    Args:
        ledgers: The ledgers of the open runs.
        removals: Decides what the runs remove.
        freshness: Gives the times from fetched to searchable.
        redis: Connection to the runs' records and the stream.
        on_removed: Called after the removals of a run have been decided.
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

    async def report_progress(self) -> list[Ledger]:
        """Write the counts of open runs to their records.

        Returns:
            The ledgers of the runs that are ready: a snapshot started from now on holds all their
            content.
        """
        ready = []
        for ledger in await asyncio.to_thread(self._ledgers.open_ledgers):
            run = await registry.get_run(self._redis, ledger.run_id)
            left = await self._unencoded(ledger.run_id)
            await registry.set_fields(self._redis, ledger.run_id, **_counts(ledger, left))
            final = await self._final_ledger(ledger, run) if left == 0 else None
            if final is not None:
                ready.append(final)
        return ready

    async def _unencoded(self, run_id: str) -> int:
        """Count the reviews of a run that have no vectors; a long backlog is counted rarely."""
        left, recount_at = self._counted.pop(run_id, (0, 0.0))
        began = time.monotonic()
        if began >= recount_at:
            left = await asyncio.to_thread(self._ledgers.unencoded, run_id)
            recount_at = began + RECOUNT_EVERY_S
        if left >= RECOUNT_LIMIT:
            self._counted[run_id] = (left, recount_at)
        return left

    async def _final_ledger(self, ledger: Ledger, run: Run | None) -> Ledger | None:
        """Return the final ledger of a run, which then waits for its snapshot; None before that."""
        if run is not None and registry.ended(run):
            return ledger if await self._all_handled(_end_entry(ledger, run)) else None
        if ledger.expected is None:
            return None
        if ledger.balanced and not ledger.undecided:
            return ledger
        if not await self._all_handled(ledger.end_entry or "0-0"):
            return None
        if await asyncio.to_thread(self._ledgers.ledger, ledger.run_id) != ledger:
            return None  # more of the run was stored meanwhile, and must be encoded first
        if not ledger.balanced:
            return ledger
        allowed = run is not None and run.allow_removals
        decided = await asyncio.to_thread(self._removals.decide, ledger.run_id, allowed=allowed)
        self._on_removed()
        return decided

    async def complete(
        self, ready: list[Ledger], snapshot_id: str | None, *, refusal: str | None = None
    ) -> None:
        """Set the final state of runs and close their ledgers.

        Args:
            ready: The ledgers of the runs.
            snapshot_id: The current snapshot, which holds their content unless there is a refusal;
                None if nothing is served.
            refusal: Why the snapshot with their content was not made current; None if it was.
        """
        if snapshot_id is None and refusal is None:
            refusal = NOTHING_TO_SEARCH
        for ledger in ready:
            run = await registry.get_run(self._redis, ledger.run_id)
            if run is not None:
                await self._complete_run(run, ledger, snapshot_id, refusal)
            await asyncio.to_thread(self._ledgers.close, ledger.run_id)

    async def _complete_run(
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
        """Whether no entry up to the run's end is left on the stream."""
        oldest = await self._redis.xrange(REVIEWS_STREAM, count=1)
        if not oldest:
            return True
        return _order(oldest[0][0]) > _order(end_entry)


def _end_entry(ledger: Ledger, run: Run) -> str:
    """Return the stream id of a run's end; of a run without end message, its end time as an id."""
    if ledger.end_entry is not None or run.ended_at is None:
        return ledger.end_entry or "0-0"
    return f"{run.ended_at.timestamp() * 1000:.0f}-0"


def _counts(ledger: Ledger, left: int) -> dict[str, object]:
    """Return the counts of a run; ingest writes ``kept`` itself while the run crawls."""
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
