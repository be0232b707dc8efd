"""Bringing runs to their end: ledger and snapshot to the run's record in Redis.

A run is *searchable* when its ledger balances, everything that it stored is encoded, and a
snapshot that holds it is current. It is *incomplete* when its end has come, everything sent before
that has been handled, and the ledger still does not balance; or when the snapshot that holds it was
refused by the canaries, so that the old one stays. A run that ingest or an operator has
ended otherwise is only closed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.embedder.ledger import Ledger, Ledgers
from shared import runs
from shared.messages import REVIEWS_STREAM
from shared.redis import Client
from shared.telemetry import get_logger


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that waits for a snapshot begun from now on."""

    ledger: Ledger
    balanced: bool


class Settlement:
    """Follows the open runs."""

    def __init__(self, ledgers: Ledgers, redis: Client) -> None:
        self._ledgers = ledgers
        self._redis = redis

    async def report(self, run_ids: set[str] | None = None) -> list[Ready]:
        """Write the counts of open runs to their records, and close those that ended elsewhere.

        Returns:
            The runs of which a snapshot begun from now on holds everything.
        """
        ready = []
        for ledger in await asyncio.to_thread(self._ledgers.open_ledgers, run_ids):
            run = await runs.get_run(self._redis, ledger.run_id)
            if run is not None and runs.ended(run):
                await asyncio.to_thread(self._ledgers.close, ledger.run_id)
                continue
            left = await asyncio.to_thread(self._ledgers.unencoded, ledger.run_id)
            await runs.set_fields(
                self._redis,
                ledger.run_id,
                stored=ledger.stored,
                duplicate=ledger.duplicate,
                dead_lettered=ledger.dead,
                embedded=max(0, ledger.stored - left),
            )
            if ledger.expected is None:
                continue
            complete = ledger.balanced or await self._all_handled(ledger)
            if complete and left == 0:
                ready.append(Ready(ledger, ledger.balanced))
        return ready

    async def finish(
        self, ready: list[Ready], snapshot_id: str | None, *, refusal: str | None = None
    ) -> None:
        """End runs.

        Args:
            ready: The runs.
            snapshot_id: What is current and holds their content; None: there is nothing to serve.
            refusal: Why the snapshot with their content was not made current; None when it was.
        """
        for item in ready:
            run = await runs.get_run(self._redis, item.ledger.run_id)
            if run is not None:
                if item.balanced and snapshot_id is not None and refusal is None:
                    await runs.advance(self._redis, run, "searchable", snapshot_id=snapshot_id)
                    get_logger().info(
                        "run searchable",
                        run=run.run_id,
                        source=run.source,
                        stored=item.ledger.stored,
                        unchanged=item.ledger.duplicate,
                        snapshot=snapshot_id,
                    )
                else:
                    error = refusal or "no movie of it can be searched"
                    if not item.balanced:
                        error = (
                            f"{item.ledger.expected} items were sent, {item.ledger.items} arrived"
                        )
                    fields = {"snapshot_id": snapshot_id} if snapshot_id else {}
                    await runs.advance(self._redis, run, "incomplete", error=error, **fields)
                    get_logger().error("run incomplete", run=run.run_id, error=error)
            await asyncio.to_thread(self._ledgers.close, item.ledger.run_id)

    async def _all_handled(self, ledger: Ledger) -> bool:
        """Whether nothing older than the run's end is left on the stream."""
        oldest = await self._redis.xrange(REVIEWS_STREAM, count=1)
        if not oldest:
            return True
        return _order(oldest[0][0]) > _order(ledger.end_entry or "0-0")


def _order(entry_id: str) -> tuple[int, int]:
    time_ms, sequence = entry_id.split("-")
    return int(time_ms), int(sequence)
