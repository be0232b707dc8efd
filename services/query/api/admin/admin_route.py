"""What all routes of the admin API have in common: the token, and Redis with a time limit."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Awaitable
from typing import NoReturn, TypeVar, cast

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPBearer

from services.query.components import QueryService
from services.query.http.problems import Problem, Problems
from services.query.http.strict_route import StrictRoute
from shared.delivery.redis_client import UNAVAILABLE, Client
from shared.telemetry import get_logger

REDIS_TIMEOUT_S = 8.0

T = TypeVar("T")

GUARDED = (
    Problems.MALFORMED_QUERY_STRING,
    Problems.UNAUTHORIZED,
    Problems.ADMIN_OFF,
    Problems.WRONG_TOKENS,
)
"""How every admin operation can fail."""
WITH_REDIS = (*GUARDED, Problems.REDIS_UNAVAILABLE)
"""How one that needs Redis can fail."""
WITH_BODY = (
    Problems.MALFORMED_JSON,
    Problems.BODY_TIMEOUT,
    Problems.BODY_TOO_LARGE,
    Problems.UNSUPPORTED_MEDIA_TYPE,
    Problems.INVALID_REQUEST,
)
"""How one with a body can fail besides."""


class AdminRoute(StrictRoute):
    """Asks for the token before anything else, so that nothing can be learnt without it."""

    async def admit(self, request: Request) -> None:
        """Check the Authorization header; a token anywhere else does not count."""
        service = cast("QueryService", request.state.service)
        if service.admin_token is None:
            raise Problem(Problems.ADMIN_OFF)
        # As bytes: compare_digest raises on text that is not ASCII.
        given = next(
            (value for name, value in request.scope["headers"] if name == b"authorization"), b""
        )
        scheme, _, token = given.partition(b" ")
        matches = hmac.compare_digest(token.strip(), service.admin_token)
        if scheme.lower() != b"bearer" or not matches:
            _refuse(service, request, was_tried=bool(given))


def _refuse(service: QueryService, request: Request, *, was_tried: bool) -> NoReturn:
    """Raise the problem of a wrong token; those of one client are counted, missing ones are not."""
    if was_tried:
        address = request.client.host if request.client is not None else ""
        verdict = service.wrong_tokens.count(address)
        if verdict.is_first:
            get_logger().warning("too many wrong admin tokens", client=address)
        if verdict.wait_s > 0:
            retry_after = str(math.ceil(verdict.wait_s))
            raise Problem(Problems.WRONG_TOKENS, headers={"Retry-After": retry_after})
    raise Problem(Problems.UNAUTHORIZED)


def admin_router() -> APIRouter:
    """A router of operations below ``/admin``."""
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
    """The service's Redis client.

    Raises:
        Problem: none is configured.
    """
    if service.redis is None:
        raise Problem(Problems.REDIS_UNAVAILABLE)
    return service.redis


async def reached(reply: Awaitable[T]) -> T:
    """A reply of Redis.

    Raises:
        Problem: Redis is away.
    """
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            return await reply
    except UNAVAILABLE as error:
        get_logger().warning("redis is away", error=type(error).__name__)
        raise Problem(Problems.REDIS_UNAVAILABLE) from error
