"""The query service on a real socket, in the event loop of the test.

So a test can also use its components: reload at once, or read the generation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
from fastapi import FastAPI

from services.query.app import create_app
from services.query.components import QueryService
from services.query.http.server import listen, make_server
from services.query.serving.generation import EncoderFactory
from services.query.settings import QuerySettings
from shared.encoder import Encoder
from tests.support.waiting import async_wait_until


@dataclass(frozen=True)
class RunningQuery:
    """A running service and a client of it."""

    app: FastAPI
    service: QueryService
    client: httpx.AsyncClient
    host: str
    port: int

    async def reload(self) -> None:
        """Make the reloader read CURRENT now."""
        await self.service.reloader.reload_now()

    async def raw(self, request: bytes) -> bytes:
        """Send bytes unchanged; return all bytes until the connection is closed."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            await writer.drain()
            return await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.close()


def always(encoder: Encoder) -> EncoderFactory:
    """Return an encoder factory that always returns ``encoder``."""
    return lambda manifest: encoder


def query_settings(folder: Path, **changes: object) -> QuerySettings:
    """Settings of a service whose store is in ``folder``; it reloads only on request."""
    values: dict[str, object] = {
        "data_dir": folder,
        "reload_interval_s": 3600.0,
        **changes,
    }
    return QuerySettings.model_validate(values)


@asynccontextmanager
async def running_query(
    settings: QuerySettings,
    encoder_factory: EncoderFactory | None,
) -> AsyncIterator[RunningQuery]:
    """Start the service, wait until it answers, stop it."""
    app = create_app(settings, encoder_factory=encoder_factory)
    caught: list[QueryService] = []

    async def catching(scope: object, receive: object, send: object) -> None:
        await app(scope, receive, send)  # type: ignore[arg-type]
        state = cast("dict[str, dict[str, QueryService]]", scope).get("state", {})
        if "service" in state and not caught:
            caught.append(state["service"])

    listening = listen("127.0.0.1", 0)
    host, port = listening.getsockname()[:2]
    server = make_server(cast("FastAPI", catching))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client:

            async def answers() -> bool:
                if task.done():
                    task.result()
                return server.started and (await client.get("/livez")).status_code == 200

            await async_wait_until(answers, what="the query service answers")
            yield RunningQuery(app, caught[0], client, host, port)
    finally:
        server.should_exit = True
        await task
        listening.close()
