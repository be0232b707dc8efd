"""The composition root: builds the application; its lifespan makes the running components.

Nothing here is global: two applications in one process share nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypedDict

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from services.query.access.admission import Admission
from services.query.access.origins import CorsOrigins
from services.query.access.proxies import TrustedProxies
from services.query.api import health, movie_map, movies, poster_images, search
from services.query.api.admin import dead_letters, removals, runs, snapshots
from services.query.api.caching import release
from services.query.api.lookup import movie_lookup
from services.query.api.openapi import describe
from services.query.assistants.llms_text import LLMS_TEXT
from services.query.assistants.mcp_endpoint import MCP_PATH, McpEndpoint
from services.query.components import QueryService
from services.query.http.connections import Connections
from services.query.http.encodings import accepts_gzip
from services.query.http.hosts import AllowedHosts
from services.query.http.problems import MEDIA_TYPE, Problem, Problems
from services.query.http.token_throttle import TokenThrottle
from services.query.middleware import RequestMiddleware, request_id_of
from services.query.page.page_files import PageFile, PageFiles, read_page
from services.query.serving.batching import Batcher
from services.query.serving.generation import EncoderFactory, graph_encoders
from services.query.serving.metrics import Metrics
from services.query.serving.reloader import Reloader
from services.query.serving.worker_slot import WorkerSlot
from services.query.settings import QuerySettings, listed
from shared.delivery.redis_check import warn_of_unusable_redis
from shared.delivery.redis_client import connect, connect_reader
from shared.snapshot.storage.leases import Leases, holder_name
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import VerificationCache

PAGES = ("/", "/movie/{movie_id}", "/film/{movie_id}", "/explore", "/mine", "/admin")
"""The addresses of the page, as in ``ui/src/router.ts``, which redirects ``/film``."""


class LifespanState(TypedDict):
    """The values that the lifespan puts into ``request.state``."""

    service: QueryService
    connections: Connections


def create_app(
    settings: QuerySettings,
    *,
    encoder_factory: EncoderFactory | None = None,
    verified: VerificationCache | None = None,
    slot: WorkerSlot | None = None,
) -> FastAPI:
    """Build the query service as an ASGI application.

    Args:
        settings: The settings: the store, limits, the admin token.
        encoder_factory: Opens the encoder of a snapshot; None: from the artefact in the store.
        verified: Cache of verified files, which need no second verification.
        slot: The slot of this worker; None when there is one process only.

    Raises:
        SettingsInvalid: the admin token, the Redis password or the file of keys is unusable.
    """
    admin_token = settings.read_admin_token()
    redis_url = settings.read_redis_url()
    metrics = Metrics(slot)
    admission = Admission.of(settings)
    mcp = McpEndpoint()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[LifespanState]:
        store = SnapshotStore(settings.snapshot_dir)
        batcher = Batcher(
            capacity=settings.encode_queue,
            timeout_s=settings.request_timeout_s,
            metrics=metrics,
            cached_queries=settings.query_cache,
        )
        redis = connect(redis_url) if redis_url is not None else None
        announcements = connect_reader(redis_url, block_ms=0) if redis_url is not None else None
        reloader = Reloader(
            store,
            Leases(settings.leases, holder_name()),
            encoder_factory=encoder_factory
            or graph_encoders(store, settings.encoder_precision, verified),
            interval_s=settings.reload_interval_s,
            metrics=metrics,
            verified=verified,
            announcements=announcements,
        )
        if slot is not None and slot.replaces:
            await reloader.reload_now()  # the other workers answer in the meantime
        tasks = [asyncio.create_task(reloader.run(), name="reloader")]
        if redis_url is not None:  # searches need no Redis, so it is not waited for
            tasks.append(asyncio.create_task(warn_of_unusable_redis(redis_url)))
        try:
            yield {
                "service": QueryService(
                    settings,
                    metrics,
                    reloader,
                    batcher,
                    redis,
                    admin_token,
                    TokenThrottle(),
                    admission,
                ),
                "connections": Connections(metrics),
            }
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await mcp.close()
            await batcher.close()
            await reloader.close()
            for client in (redis, announcements):
                if client is not None:
                    await client.aclose()

    app = FastAPI(
        title="Semantic Movie Search",
        version=release(),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from a CDN; /docs is a page of this service
        redoc_url=None,
        redirect_slashes=False,
        # /metrics is a route of this service; FastAPI would look for exporters at every request.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    modules = (
        search,
        movie_lookup,
        movies,
        movie_map,
        poster_images,
        health,
        runs,
        dead_letters,
        snapshots,
        removals,
    )
    routers = [module.router for module in modules]
    for router in routers:
        app.include_router(router)
    pages = read_page()
    _add_pages(app, pages)
    app.router.routes.append(Route(MCP_PATH, mcp, include_in_schema=False))
    app.add_route("/llms.txt", _llms_text, methods=["GET"], include_in_schema=False)
    api_routes = [route for router in routers for route in router.routes]
    _add_problem_handlers(app, api_routes, pages.index)
    app.add_middleware(
        RequestMiddleware,
        metrics=metrics,
        hosts=AllowedHosts(settings.hosts()),
        proxies=TrustedProxies(listed(settings.trusted_proxies)),
        origins=CorsOrigins(listed(settings.cors_origins)),
        admission=admission,
    )
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _add_pages(app: FastAPI, files: PageFiles) -> None:
    def add(path: str, file: PageFile) -> None:
        async def page(request: Request) -> Response:
            return file.answer(request, gzipped=_accepts_gzip(request))

        app.add_route(path, page, methods=["GET"], include_in_schema=False)

    async def asset(request: Request) -> Response:
        file = files.assets.get(request.path_params["name"])
        if file is None:
            raise Problem(Problems.NOT_FOUND)
        return file.answer(request, gzipped=_accepts_gzip(request))

    for path in PAGES:
        add(path, files.index)
    add("/docs", files.docs)
    for path, file in files.fixed.items():
        add(path, file)
    app.add_route("/assets/{name}", asset, methods=["GET"], include_in_schema=False)


async def _llms_text(_: Request) -> Response:
    headers = {"Cache-Control": "no-cache"}
    return Response(LLMS_TEXT, media_type="text/plain; charset=utf-8", headers=headers)


def _accepts_gzip(request: Request) -> bool:
    return accepts_gzip(request.headers.getlist("accept-encoding"))


def _add_problem_handlers(app: FastAPI, api_routes: list[BaseRoute], index: PageFile) -> None:
    routes = [*api_routes, *(route for route in app.routes if isinstance(route, Route))]

    def respond(request: Request, problem: Problem) -> Response:
        return Response(
            problem.body(request_id_of(request.scope)),
            status_code=problem.kind.status,
            headers=problem.headers,
            media_type=MEDIA_TYPE,
        )

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - for types
        return respond(request, error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - for types
        if error.status_code == 405:
            allow = ", ".join(_allowed_methods(routes, request.scope))
            return respond(request, Problem(Problems.METHOD_NOT_ALLOWED, headers={"Allow": allow}))
        if error.status_code == 404:
            if _is_for_people(request):  # the page says that there is nothing at this address
                headers = {"Cache-Control": "no-store"}
                return Response(index.content, 404, headers, media_type=index.media_type)
            return respond(request, Problem(Problems.NOT_FOUND))
        raise error  # no other status is expected: the middleware logs it

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)


def _is_for_people(request: Request) -> bool:
    """Whether a browser asks for a page, and not a program for data."""
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")


def _allowed_methods(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """Return the methods of all routes of a path; Starlette names those of the first route only.

    A route with exactly this path hides the routes that have a parameter in its place.
    """
    matching = [route for route in routes if route.matches(scope)[0] is not Match.NONE]
    exact = [route for route in matching if getattr(route, "path", None) == scope["path"]]
    methods = {m for route in exact or matching for m in getattr(route, "methods", ())}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)
