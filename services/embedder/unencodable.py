"""Reports reviews that cannot be encoded as dead letters, beside messages that cannot be stored."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine

from services.embedder.database.set_aside import ExhaustedReview, exhausted_reviews
from services.embedder.database.work_list import MAX_ATTEMPTS
from shared.delivery.dead_letters import letter_of
from shared.delivery.keys import DEAD_LETTERS_STREAM
from shared.delivery.messages import ReviewMessage
from shared.delivery.redis_client import Client

NO_RUN = "encoding"
"""Stands for the run in letters of reviews whose run has long ended."""
_NO_ENTRY = "0-0"


class Unencodable:
    """The reviews whose attempts at encoding are used up.

    Args:
        engine: The database.
        redis: Connection for the dead letters.
    """

    def __init__(self, engine: Engine, redis: Client) -> None:
        self._engine = engine
        self._redis = redis

    async def claim(self, holder: str) -> list[ExhaustedReview]:
        """Claim some of them; they stay on the work list.

        Args:
            holder: Name of the claimant.
        """
        return await asyncio.to_thread(exhausted_reviews, self._engine, holder)

    async def report(self, exhausted: ExhaustedReview) -> None:
        """Add a dead letter with the review as its message, so that a replay tries it again.

        If the process ends before the review has left the work list, there will be another one.

        Raises:
            One of ``UNAVAILABLE``: Redis is unavailable.
        """
        message = ReviewMessage(
            run_id=exhausted.run_id or NO_RUN, source=exhausted.source, review=exhausted.review
        )
        letter = letter_of(
            message.to_fields(),
            entry_id=_NO_ENTRY,
            reason=exhausted.reason,
            deliveries=MAX_ATTEMPTS,
        )
        await self._redis.xadd(DEAD_LETTERS_STREAM, letter)
