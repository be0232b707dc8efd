"""Routes that read their body themselves and answer every validation error as a problem.

``StrictRoute`` leaves dependencies and validation to FastAPI. ``BodyRoute`` validates the body
itself: solving FastAPI's dependencies for each request costs as much CPU as everything else a
search takes over HTTP, and searches are the most frequent requests and have one dependency. The
OpenAPI document is FastAPI's for both.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.query.http.field_errors import field_errors, is_model
from services.query.http.json_body import read_json
from services.query.http.problems import Problem, Problems


class ParsedRequest(Request):
    """A request whose body has been read and parsed."""

    def __init__(self, request: Request, body: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._parsed_body = body

    async def body(self) -> bytes:
        """Return a placeholder: FastAPI calls ``json`` only when the body is not empty."""
        return b"-"

    async def json(self) -> Any:
        """Return the parsed body."""
        return self._parsed_body


class StrictRoute(APIRoute):
    """A route for ``route_class`` of a router; a request that does not validate is a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the checks of this route."""
        handler = super().get_route_handler()
        reads_body = self.body_field is not None
        model = self._request_model()

        async def strict(request: Request) -> Response:
            await self.admit(request)
            if reads_body:
                request = ParsedRequest(request, await read_json(request))
            try:
                return await handler(request)
            except RequestValidationError as error:
                errors = field_errors(error.errors(), model)
                raise Problem(Problems.INVALID_REQUEST, errors=errors) from error

        return strict

    async def admit(self, request: Request) -> None:
        """Refuse a request, by raising ``Problem``, before its body is read."""

    def _request_model(self) -> type[BaseModel] | None:
        """The model of the body or of the query string, if the operation has one."""
        fields = [self.body_field] if self.body_field is not None else self.dependant.query_params
        models = (field.field_info.annotation for field in fields)
        return next((model for model in models if is_model(model)), None)


class BodyRoute(StrictRoute):
    """A ``StrictRoute`` whose body goes straight from pydantic to the endpoint.

    An endpoint with a body is called with ``(request, service, body)``: the request, the service
    of its state, and the body as its model. Endpoints without a body are called by FastAPI.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that bypasses FastAPI's for endpoints with a body."""
        model = self._request_model()
        if self.body_field is None or model is None:
            return super().get_route_handler()
        body_type: TypeAdapter[BaseModel] = TypeAdapter(model)
        endpoint = self.endpoint

        async def direct(request: Request) -> Response:
            await self.admit(request)
            try:
                body = body_type.validate_python(await read_json(request))
            except ValidationError as error:
                errors = error.errors(include_url=False, include_input=False)
                located = [{**detail, "loc": ("body", *detail["loc"])} for detail in errors]
                raise Problem(
                    Problems.INVALID_REQUEST, errors=field_errors(located, model)
                ) from error
            response: Response = await endpoint(request, request.state.service, body)
            return response

        return direct
