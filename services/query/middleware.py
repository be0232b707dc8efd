"""The outermost middleware, which applies to every request and response.

It adds request ids and security headers, checks the host, bounds bodies, counts metrics, and turns
an unexpected error into a problem. It notes whose request it is, so that clients share the queue
fairly, and counts it against the rate of its key or address. It says which other sites may read the
answer. HEAD is GET without a body, for every path. Plain ASGI, because every request passes through
it.
"""

from __future__ import annotations

import logging
import random
import re
import time
import traceback
from pathlib import Path
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.query.access.admission import Admission, RawHeaders, rate_headers
from services.query.access.origins import CorsOrigins
from services.query.access.proxies import TrustedProxies
from services.query.components import QueryService
from services.query.http.clients import client_of
from services.query.http.connections import Connections
from services.query.http.hosts import AllowedHosts
from services.query.http.problems import MEDIA_TYPE, Problem, Problems
from services.query.http.security_headers import SECURITY_HEADERS
from services.query.http.turns import Turns, TurnTimeout
from services.query.serving.batching import ClientGone, Overloaded
from services.query.serving.metrics import Metrics
from services.query.serving.requester import REQUESTER, Requester
from shared.telemetry import get_logger

MAX_BODY_BYTES = 16 * 1024
SEARCH, BATCH, LOOKUP, MCP = "/search", "/search/batch", "/movies/lookup", "/mcp"
# Limits of the paths with larger bodies: a search may exclude a thousand movies by their ids.
BODY_BYTES = {SEARCH: 96 * 1024, BATCH: 256 * 1024, LOOKUP: 128 * 1024, MCP: 96 * 1024}

# Paths that are answered whatever else a client does: they tell an operator what is wrong.
ALWAYS_ANSWERED = frozenset({"/livez", "/readyz", "/metrics"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Encoded once, because every response has them.
_SECURITY_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]
_SHARED_SECURITY_HEADERS = [
    pair for pair in _SECURITY_HEADERS if pair[0] != b"cross-origin-resource-policy"
]
_NO_STORE = (b"cache-control", b"no-store")
_REPLACED_HEADERS = frozenset({b"x-request-id", *(name for name, _ in _SECURITY_HEADERS)})


def request_id_of(scope: Scope) -> str:
    """Return the id that the middleware has given to a request."""
    return str(scope["request_id"])


class ResponseAborted(Exception):
    """A request failed after its response had begun; the error has been logged."""


class RequestMiddleware:
    """The outermost ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        hosts: AllowedHosts,
        proxies: TrustedProxies,
        origins: CorsOrigins,
        admission: Admission,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = hosts
        self._proxies = proxies
        self._origins = origins
        self._admission = admission
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        method = scope["method"]
        if method == "HEAD":  # the protocol, which has the original scope, sends no body
            scope = {**scope, "method": "GET"}
        peer = client_of(scope)
        self._proxies.note_client(scope)
        REQUESTER.set(_requester(scope))
        scope["request_id"] = request_id = _request_id(headers)
        scope["began"] = began = time.perf_counter()
        status = 0

        async def decorated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _decorate(
                    message, request_id, [*rate_headers(scope), *self._origins.headers(scope)]
                )
            await send(message)

        try:
            self._hosts.check(scope)
            if (allowed := self._origins.preflight(scope)) is not None:
                await _send_empty(allowed, decorated)
            else:
                self._admission.admit(scope)
                _refuse_overload(scope, peer)
                _refuse_early(scope, headers)
                receive = _bounded(receive, _body_bytes(scope))
                await self._handler(scope)(scope, receive, decorated)
        except Problem as problem:
            await _send_problem(problem, request_id, decorated)
        except (ClientDisconnect, ClientGone):
            status = status or 499
        except Exception as error:  # noqa: BLE001 - it is logged
            # Without the message of the error, which may contain the query.
            get_logger().error(
                "request failed", request_id=request_id, route=_route(scope), **_error_fields(error)
            )
            if status:  # too late for a problem: close the connection
                raise ResponseAborted from None
            await _send_problem(Problem(Problems.INTERNAL), request_id, decorated)
        finally:
            self._record(scope, method, status, time.perf_counter() - began)

    def _handler(self, scope: Scope) -> ASGIApp:
        return self._in_turn if scope["path"] == BATCH else self._app

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a batch of searches after those of the same client."""
        service = scope.get("state", {}).get("service")
        wait_s = service.settings.request_timeout_s if isinstance(service, QueryService) else None
        requester = REQUESTER.get()
        try:
            async with self._turns.of(requester.client, wait_s):
                if requester.is_gone():
                    raise ClientGone
                await self._app(scope, receive, send)
        except TurnTimeout:
            raise Problem(Problems.OVERLOADED) from None

    def _record(self, scope: Scope, method: str, status: int, took_s: float) -> None:
        route = _route(scope)
        method = method if method in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.request_s.labels(route).observe(took_s)
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            get_logger().debug(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(took_s * 1000, 1),
                request_id=scope["request_id"],
            )


def _request_id(headers: Headers) -> str:
    sent = headers.get("x-request-id", "")
    # An id is no secret, so a fast random generator is enough.
    return sent if _REQUEST_ID.fullmatch(sent) else f"{random.getrandbits(64):016x}"


def _requester(scope: Scope) -> Requester:
    is_gone = scope.get("is_gone")  # of our protocol
    client = client_of(scope)
    return Requester(client) if is_gone is None else Requester(client, is_gone)


def _refuse_overload(scope: Scope, peer: str) -> None:
    """Refuse before anything is read: time spent on refusals is lost for the searches.

    Args:
        scope: The request.
        peer: Who has the connection: the client, or its proxy.
    """
    state = scope.get("state", {})
    connections = state.get("connections")
    if (
        isinstance(connections, Connections)
        and scope["path"] not in ALWAYS_ANSWERED
        and not connections.may_ask(peer)
    ):
        raise Problem(Problems.ANSWERS_NOT_TAKEN)
    service = state.get("service")
    if isinstance(service, QueryService) and scope["path"] == SEARCH:
        try:
            service.batcher.refuse_if_full()
        except Overloaded:
            raise Problem(Problems.OVERLOADED) from None


def _refuse_early(scope: Scope, headers: Headers) -> None:
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > _body_bytes(scope):
        raise Problem(Problems.BODY_TOO_LARGE, headers={"Connection": "close"})
    try:
        unquote_to_bytes(scope["query_string"]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(Problems.MALFORMED_QUERY_STRING) from error


def _body_bytes(scope: Scope) -> int:
    return BODY_BYTES.get(scope["path"], MAX_BODY_BYTES)


def _bounded(receive: Receive, max_bytes: int) -> Receive:
    """Count the bytes of the body as they arrive, because a chunked body announces no length."""
    received_bytes = 0

    async def bounded() -> Message:
        nonlocal received_bytes
        message = await receive()
        if message["type"] == "http.request":
            received_bytes += len(message.get("body", b""))
            if received_bytes > max_bytes:
                raise Problem(Problems.BODY_TOO_LARGE, headers={"Connection": "close"})
        return message

    return bounded


def _decorate(message: Message, request_id: str, added: RawHeaders) -> None:
    headers = [pair for pair in message["headers"] if pair[0] not in _REPLACED_HEADERS]
    if all(name != b"cache-control" for name, _ in headers):
        headers.append(_NO_STORE)
    security = _SECURITY_HEADERS
    if any(name == b"cross-origin-resource-policy" for name, _ in added):
        security = _SHARED_SECURITY_HEADERS
    message["headers"] = [*headers, (b"x-request-id", request_id.encode()), *security, *added]


async def _send_empty(headers: RawHeaders, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _send_problem(problem: Problem, request_id: str, send: Send) -> None:
    body = problem.body(request_id)
    headers = MutableHeaders({"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))})
    headers.update(problem.headers)
    await send(
        {"type": "http.response.start", "status": problem.kind.status, "headers": headers.raw}
    )
    await send({"type": "http.response.body", "body": body})


def _error_fields(error: BaseException) -> dict[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or error.__context__
    fields = {"error": type(error).__qualname__, "at": " > ".join(places)}
    return fields if cause is None else {**fields, "cause": type(cause).__qualname__}


def _route(scope: Scope) -> str:
    """Return the template of the route, not the path, which is the client's text."""
    if scope["path"] == SEARCH:  # the request may have been refused before routing
        return SEARCH
    return getattr(scope.get("route"), "path", "unmatched")
