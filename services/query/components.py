"""The components of the running service, made in the lifespan and passed to the routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from services.query.access.admission import Admission
from services.query.http.problems import Problem, Problems
from services.query.http.token_throttle import TokenThrottle
from services.query.serving.batching import Batcher
from services.query.serving.generation import Generation
from services.query.serving.metrics import Metrics
from services.query.serving.reloader import Reloader
from services.query.settings import QuerySettings
from shared.delivery.redis_client import Client


@dataclass(frozen=True, slots=True)
class QueryService:
    """The components that a request may need."""

    settings: QuerySettings
    metrics: Metrics
    reloader: Reloader
    batcher: Batcher
    redis: Client | None
    admin_token: bytes | None
    token_throttle: TokenThrottle
    admission: Admission

    def generation(self) -> Generation:
        """Return the generation being served. Call it once per request.

        Raises:
            Problem: no snapshot is being served yet.
        """
        generation = self.reloader.generation
        if generation is None:
            raise Problem(Problems.NOT_READY)
        return generation


async def _service(request: Request) -> QueryService:
    # A coroutine, because FastAPI calls plain functions in a thread, for every request.
    return cast("QueryService", request.state.service)


Service = Annotated[QueryService, Depends(_service)]
