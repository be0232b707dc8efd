"""Carries out the operator's requests to remove something, or to allow it again.

The requests wait in Redis (``shared.runs.removal_requests``). The publishing loop takes them before
it publishes, so that the next snapshot no longer has what was removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from services.embedder.settling.operator_removal import OperatorRemovals, RemovalImpossible
from shared.delivery.redis_client import Client
from shared.runs import removal_requests
from shared.runs.removal_requests import Removal
from shared.telemetry import get_logger


class RemovalHandler:
    """Carries out requests, oldest first.

    Args:
        redis: Connection to the requests.
        removals: Removes from the database.
        on_removed: Called after something was removed.
    """

    def __init__(
        self, redis: Client, removals: OperatorRemovals, *, on_removed: Callable[[], None]
    ) -> None:
        self._redis = redis
        self._removals = removals
        self._on_removed = on_removed

    async def carry_out(self) -> None:
        """Carry out all requests that wait.

        Raises:
            sqlalchemy.exc.DBAPIError: The database cannot be written; the requests wait.
        """
        while (request := await removal_requests.next_removal(self._redis)) is not None:
            try:
                concluded = await asyncio.to_thread(self._carry_out, request)
            except RemovalImpossible as error:
                concluded = request.model_copy(update={"state": "refused", "reason": str(error)})
                get_logger().warning(
                    "removal refused", kind=request.kind, id=request.id, reason=str(error)
                )
            else:
                self._on_removed()
            ended = concluded.model_copy(update={"ended_at": datetime.now(UTC)})
            await removal_requests.conclude_removal(self._redis, ended)

    def _carry_out(self, request: Removal) -> Removal:
        if request.allow:
            self._removals.allow(request.kind, request.id)
            get_logger().info("removal lifted", kind=request.kind, id=request.id)
            return request.model_copy(update={"state": "done"})
        removed = self._removals.remove(request.kind, request.id)
        get_logger().info(
            "removed by an operator",
            kind=request.kind,
            id=request.id,
            reviews=removed.reviews,
            movies=removed.movies,
        )
        return request.model_copy(
            update={"state": "done", "reviews": removed.reviews, "movies": removed.movies}
        )
