"""What the attempts at a run have come to, so that no run is begun again for ever.

Crawl processes die, with or without their supervisor, and a run goes on from the pages that it has
finished. An attempt that finished pages is therefore no reason to give up; ``MAX_ATTEMPTS`` in a
row that finished none are. All attempts together have the source's time limit. The figures are
fields of the run's record that only ingest reads; an attempt counts as in vain from its start, so
that the death of the supervisor is counted too.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from shared.delivery.redis_client import Client
from shared.runs import registry

MAX_ATTEMPTS = 3  # in a row that bring a run no further
RETRY_AFTER_S = 1.0  # doubled for each attempt in vain


class RetryBudget(BaseModel):
    """The attempts at one run so far."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempts: int = 0
    in_vain: int = 0
    """Of these, the latest in a row that finished no page."""
    finished: int = 0
    """Pages that the run had finished before the latest attempt."""
    crawl_s: float = 0.0
    """How long the processes have run, together."""

    def begun(self) -> Self:
        """With one more attempt, which has not finished anything yet."""
        return self.model_copy(update={"attempts": self.attempts + 1, "in_vain": self.in_vain + 1})

    def seen(self, finished: int) -> Self:
        """With the number of pages that are finished by now."""
        if finished <= self.finished:
            return self
        return self.model_copy(update={"finished": finished, "in_vain": 0})

    def refusal(self, time_limit_s: float) -> str | None:
        """Why there must be no other attempt; None when there may."""
        if self.crawl_s >= time_limit_s:
            return f"the time limit of {time_limit_s:g} s was reached"
        if self.in_vain >= MAX_ATTEMPTS:
            return f"the crawl ended {self.in_vain} times without getting further"
        return None

    @property
    def retry_after_s(self) -> float:
        """The pause before the next attempt."""
        return RETRY_AFTER_S * float(2**self.in_vain)


async def read_budget(redis: Client, run_id: str) -> RetryBudget:
    """The attempts at a run, as its record has them."""
    return RetryBudget.model_validate(await redis.hgetall(registry.run_key(run_id)))


async def write_budget(redis: Client, run_id: str, attempts: RetryBudget) -> None:
    """Keep them in the run's record."""
    await registry.set_fields(redis, run_id, **attempts.model_dump())
