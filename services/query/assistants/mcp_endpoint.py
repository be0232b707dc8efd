"""``POST /mcp``: reads the request within our bounds, and passes it on to the MCP SDK.

The SDK is imported at the first request, in a thread, so that searches go on meanwhile. It would
wait for a body as long as a client likes, and answer a GET with a stream that stays open; here the
body has its usual bounds, and other methods than POST are refused, as the protocol allows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from services.query.components import QueryService
from services.query.http.json_body import BODY_TIMEOUT_S
from services.query.http.problems import Problem, Problems

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

MCP_PATH = "/mcp"


class McpEndpoint:
    """The endpoint; the server behind it starts with the first request."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            raise Problem(Problems.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await Request(scope, receive).body()
        except TimeoutError as error:
            raise Problem(Problems.BODY_TIMEOUT, headers={"Connection": "close"}) from error
        manager = await self._started(cast("QueryService", scope["state"]["service"]))
        await manager.handle_request(scope, _replayed(body, receive), send)

    async def close(self) -> None:
        """End the server."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _started(self, service: QueryService) -> StreamableHTTPSessionManager:
        async with self._lock:
            if self._manager is None:
                manager = await asyncio.to_thread(_make_manager, service)
                is_running = asyncio.Event()
                self._task = asyncio.create_task(_run(manager, is_running), name="mcp")
                await is_running.wait()
                self._manager = manager
        return self._manager


def _make_manager(service: QueryService) -> StreamableHTTPSessionManager:
    from services.query.assistants.mcp_server import make_manager  # noqa: PLC0415

    return make_manager(service)


async def _run(manager: StreamableHTTPSessionManager, is_running: asyncio.Event) -> None:
    async with manager.run():
        is_running.set()
        await asyncio.Event().wait()


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body that has been read, then what the client does."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
