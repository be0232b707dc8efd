"""A route whose body goes straight from pydantic to the endpoint.

FastAPI solves dependencies anew for every request, which costs as much CPU as all else that a
search takes over HTTP. Searches are the requests that come by the thousand, and have one
dependency. The description of the API is FastAPI's, as of any other route.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from services.query.http.strict_route import StrictRoute, read_json

_MISSING = "Field required"


class BodyRoute(StrictRoute):
    """Use as ``route_class`` of a router.

    An endpoint with a body is called with ``(request, service, wanted)``: the request, the service
    of its state, and the body as its model. Endpoints without a body are FastAPI's.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """A handler without FastAPI's in between, for endpoints with a body."""
        if self.body_field is None:
            return super().get_route_handler()
        shape: Any = self.body_field.field_info.annotation
        model: TypeAdapter[Any] = TypeAdapter(shape)
        endpoint = self.endpoint

        async def direct(request: Request) -> Response:
            await self.admit(request)
            wanted = _validated(model, await read_json(request))
            answer: Response = await endpoint(request, request.state.service, wanted)
            return answer

        return direct


def _validated(model: TypeAdapter[Any], parsed: Any) -> Any:
    if parsed is None:  # null is no body, as FastAPI has it
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": _MISSING}])
    try:
        return model.validate_python(parsed)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in told]
        ) from error
