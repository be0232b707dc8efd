"""The running service's parts, made in the lifespan and passed on; routes find them here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from services.query.http.problems import Problem, Problems
from services.query.http.token_throttle import TokenThrottle
from services.query.serving.batching import Batcher
from services.query.serving.generation import Generation
from services.query.serving.metrics import Metrics
from services.query.serving.reloader import Reloader
from shared.delivery.redis_client import Client
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class QueryService:
    """What a request may need."""

    settings: Settings
    metrics: Metrics
    reloader: Reloader
    batcher: Batcher
    redis: Client | None
    admin_token: bytes | None
    wrong_tokens: TokenThrottle

    def generation(self) -> Generation:
        """What is served now. Read it once per request.

        Raises:
            Problem: nothing is, yet.
        """
        generation = self.reloader.generation
        if generation is None:
            raise Problem(Problems.NOT_READY)
        return generation


async def _service(request: Request) -> QueryService:
    # Not a plain function: FastAPI would call that in a thread, for every request.
    return cast("QueryService", request.state.service)


Service = Annotated[QueryService, Depends(_service)]
