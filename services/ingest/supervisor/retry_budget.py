"""The retry budget of a run: how many attempts were made, and whether another one is allowed.

Crawl processes die, with or without their supervisor, and a run continues from the pages that it
has finished. An attempt that finished pages is therefore no reason to give up; ``MAX_ATTEMPTS`` in
a row that finished none are. All attempts together have the source's time limit. The figures are
fields of the run's record that only ingest reads; an attempt counts as in vain from its start, so
that an attempt whose supervisor died is counted too.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.delivery.keys import run_key
from shared.delivery.redis_client import Client
from shared.runs import registry

MAX_ATTEMPTS = 3  # in a row without a finished page
RETRY_AFTER_S = 1.0  # doubled for each attempt without a finished page


class RetryBudget(BaseModel):
    """The attempts at one run so far."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempts: int = 0
    """Number of attempts."""
    in_vain: int = 0
    """Number of the latest attempts in a row that finished no page."""
    finished: int = 0
    """Number of pages that the run had finished before the latest attempt."""
    crawl_s: float = 0.0
    """Run time in seconds of all crawl processes together."""

    def with_attempt_started(self) -> Self:
        """A copy with one more attempt, which has finished no page yet."""
        return self.model_copy(update={"attempts": self.attempts + 1, "in_vain": self.in_vain + 1})

    def with_finished_pages(self, finished: int) -> Self:
        """A copy with the current number of finished pages."""
        if finished <= self.finished:
            return self
        return self.model_copy(update={"finished": finished, "in_vain": 0})

    def refusal(self, time_limit_s: float) -> str | None:
        """The reason why no further attempt is allowed; None when one is.

        Args:
            time_limit_s: Limit in seconds of all crawl processes of the run together.
        """
        if self.crawl_s >= time_limit_s:
            return f"the time limit of {time_limit_s:g} s was reached"
        if self.in_vain >= MAX_ATTEMPTS:
            return f"the crawl ended {self.in_vain} times without progress"
        return None

    @property
    def retry_after_s(self) -> float:
        """Seconds to wait before the next attempt."""
        return RETRY_AFTER_S * float(2**self.in_vain)


async def read_budget(redis: Client, run_id: str) -> RetryBudget:
    """Read a run's budget from its record."""
    return RetryBudget.model_validate(await redis.hgetall(run_key(run_id)))


async def write_budget(redis: Client, run_id: str, budget: RetryBudget) -> None:
    """Store a run's budget in its record."""
    await registry.set_fields(redis, run_id, **budget.model_dump())
