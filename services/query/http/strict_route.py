"""A route that reads its body strictly, before FastAPI sees it.

FastAPI's own reading answers NaN with 500, takes duplicate keys, and puts the client's text into
its errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.query.http import strict_json
from services.query.http.problems import Problem, Problems
from services.query.http.strict_json import JsonMalformed

BODY_TIMEOUT_S = 10.0


class StrictRequest(Request):
    """A request whose body has been read and parsed."""

    def __init__(self, request: Request, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._parsed = parsed

    async def body(self) -> bytes:
        """Not empty: the body itself is of no use any more."""
        return b"-"

    async def json(self) -> Any:
        """The body as strict JSON."""
        return self._parsed


class StrictRoute(APIRoute):
    """Use as ``route_class`` of a router."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind ours."""
        handler = super().get_route_handler()
        reads_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            await self.admit(request)
            if reads_body:
                request = StrictRequest(request, await read_json(request))
            return await handler(request)

        return strict

    async def admit(self, request: Request) -> None:
        """Refuse a request, by raising ``Problem``, before its body is read."""


async def read_json(request: Request) -> Any:
    """The body of a request as strict JSON.

    Raises:
        Problem: it is not, is too slow, or says that it is something else.
    """
    _check_type(request)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            payload = await request.body()
    except TimeoutError as error:
        raise Problem(Problems.BODY_TIMEOUT, headers={"Connection": "close"}) from error
    try:
        return strict_json.loads(payload)
    except JsonMalformed as error:
        raise Problem(Problems.MALFORMED_JSON, f"The body is not strict JSON: {error}.") from error


def _check_type(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    stated = {part.replace('"', "").replace(" ", "") for part in parameters}
    if (
        media_type.strip() != "application/json"
        or not stated <= {"charset=utf-8", "charset=utf8", ""}
        or request.headers.get("content-encoding", "identity").lower() != "identity"
    ):
        raise Problem(Problems.UNSUPPORTED_MEDIA_TYPE)
