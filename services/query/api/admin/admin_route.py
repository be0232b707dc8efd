"""Shared parts of the admin routes: the check of the token, and Redis with a time limit."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Awaitable
from typing import NoReturn, TypeVar, cast

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPBearer
from redis.exceptions import RedisError

from services.query.components import QueryService
from services.query.http.problems import Problem, Problems
from services.query.http.routing import StrictRoute
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.telemetry import get_logger

REDIS_TIMEOUT_S = 8.0
REFUSED = "Redis refuses the command; the log says why. Searches are not affected."

T = TypeVar("T")

ADMIN_PROBLEMS = (
    Problems.MALFORMED_QUERY_STRING,
    Problems.UNAUTHORIZED,
    Problems.ADMIN_OFF,
    Problems.WRONG_TOKENS,
)
"""How every admin operation can fail."""
REDIS_PROBLEMS = (*ADMIN_PROBLEMS, Problems.REDIS_UNAVAILABLE)
"""How an admin operation that needs Redis can fail."""


class AdminRoute(StrictRoute):
    """Checks the token before anything else, so that a client without it learns nothing."""

    async def admit(self, request: Request) -> None:
        """Check the Authorization header; a token in any other place is ignored."""
        service = cast("QueryService", request.state.service)
        if service.admin_token is None:
            raise Problem(Problems.ADMIN_OFF)
        # As bytes: compare_digest raises on text that is not ASCII.
        authorization = next(
            (value for name, value in request.scope["headers"] if name == b"authorization"), b""
        )
        scheme, _, token = authorization.partition(b" ")
        matches = hmac.compare_digest(token.strip(), service.admin_token)
        if scheme.lower() != b"bearer" or not matches:
            _refuse(service, request, was_tried=bool(authorization))


def _refuse(service: QueryService, request: Request, *, was_tried: bool) -> NoReturn:
    """Refuse a request without the right token; wrong tokens are counted, missing ones are not."""
    if was_tried:
        address = request.client.host if request.client is not None else ""
        decision = service.token_throttle.count(address)
        if decision.is_first:
            get_logger().warning("too many wrong admin tokens", client=address)
        if decision.wait_s > 0:
            retry_after = str(math.ceil(decision.wait_s))
            raise Problem(Problems.WRONG_TOKENS, headers={"Retry-After": retry_after})
    raise Problem(Problems.UNAUTHORIZED)


def admin_router() -> APIRouter:
    """Make a router for operations below ``/admin``."""
    bearer = HTTPBearer(
        scheme_name="AdminToken", description="The operator's admin token.", auto_error=False
    )
    return APIRouter(
        prefix="/admin",
        route_class=AdminRoute,
        tags=["admin"],
        dependencies=[Security(bearer)],  # for the OpenAPI document; AdminRoute decides
    )


def redis_of(service: QueryService) -> Client:
    """Return the service's Redis client.

    Raises:
        Problem: Redis is not configured.
    """
    if service.redis is None:
        raise Problem(Problems.REDIS_UNAVAILABLE)
    return service.redis


async def redis_reply(reply: Awaitable[T]) -> T:
    """Wait for a reply of Redis, for up to ``REDIS_TIMEOUT_S``.

    Raises:
        Problem: Redis is unavailable, or refuses the command.
    """
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            return await reply
    except UNAVAILABLE as error:
        get_logger().warning("redis unavailable", error=type(error).__name__)
        raise Problem(Problems.REDIS_UNAVAILABLE) from error
    except RedisError as error:  # a missing permission, a cluster: searches go on without it
        get_logger().error("redis refuses a command", error=str(error))
        raise Problem(Problems.REDIS_UNAVAILABLE, REFUSED) from error
