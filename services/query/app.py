"""The composition root: builds the application. The lifespan makes everything that lives.

Nothing here is global: two applications in one process share nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from services.query.api import health, movie_map, movies, search
from services.query.api.admin import dead_letters, runs, snapshots
from services.query.api.openapi import describe
from services.query.components import QueryService
from services.query.http.problems import MEDIA_TYPE, Problem, Problems, field_errors
from services.query.http.token_throttle import TokenThrottle
from services.query.middleware import Edge, request_id_of
from services.query.page.page_files import PageFile, PageFiles, read_page
from services.query.serving.batching import Batcher
from services.query.serving.generation import EncoderFactory, graph_encoders
from services.query.serving.metrics import Metrics
from services.query.serving.reloader import Reloader
from services.query.serving.worker_slot import WorkerSlot
from shared.delivery.redis_client import connect
from shared.settings import Settings
from shared.snapshot.storage.leases import Leases, holder_name
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import VerificationCache

PAGES = ("/", "/film/{movie_id}", "/explore", "/admin")  # the page's, as ui/src/router.ts has them


class LifespanState(TypedDict):
    """What the lifespan puts into ``request.state``."""

    service: QueryService


def create_app(
    settings: Settings,
    *,
    encoder_factory: EncoderFactory | None = None,
    proofs: VerificationCache | None = None,
    place: WorkerSlot | None = None,
) -> FastAPI:
    """The query service as an ASGI application.

    Args:
        settings: Where the snapshots are, bounds, the admin token.
        encoder_factory: Opens a snapshot's encoder; the artefact in the store if None.
        proofs: Files that need not be proven again.
        place: Among several workers, if there are.

    Raises:
        SettingsInvalid: the admin token or the Redis password cannot be used.
    """
    admin_token = settings.read_admin_token()
    redis_url = settings.read_redis_url()
    metrics = Metrics(place)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[LifespanState]:
        store = SnapshotStore(settings.snapshot_dir)
        batcher = Batcher(
            capacity=settings.encode_queue,
            timeout_s=settings.request_timeout_s,
            metrics=metrics,
            cached_queries=settings.query_cache,
        )
        reloader = Reloader(
            store,
            Leases(settings.leases, holder_name()),
            encoder_factory=encoder_factory
            or graph_encoders(store, settings.encoder_precision, proofs),
            interval_s=settings.reload_interval_s,
            metrics=metrics,
            proofs=proofs,
        )
        if place is not None and place.replaces:
            await reloader.reload_now()  # the others answer until this one can, too
        redis = connect(redis_url) if redis_url is not None else None
        following = asyncio.create_task(reloader.run(), name="reloader")
        try:
            yield {
                "service": QueryService(
                    settings, metrics, reloader, batcher, redis, admin_token, TokenThrottle()
                )
            }
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await batcher.close()
            await reloader.close()
            if redis is not None:
                await redis.aclose()

    app = FastAPI(
        title="Semantic Movie Search",
        version=_version(),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from a CDN; /docs is our own
        redoc_url=None,
        redirect_slashes=False,
        # /metrics is our own; FastAPI would look for exporters at every request.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    rooms = (search, movies, movie_map, health, runs, dead_letters, snapshots)
    routers = [room.router for room in rooms]
    for router in routers:
        app.include_router(router)
    _add_pages(app, read_page())
    _add_problem_handlers(app, [route for router in routers for route in router.routes])
    app.add_middleware(Edge, metrics=metrics)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _add_pages(app: FastAPI, files: PageFiles) -> None:
    def add(path: str, file: PageFile) -> None:
        async def page(request: Request) -> Response:
            return file.answer(request)

        app.add_route(path, page, methods=["GET"], include_in_schema=False)

    async def asset(request: Request) -> Response:
        file = files.assets.get(request.path_params["name"])
        if file is None:
            raise Problem(Problems.NOT_FOUND)
        return file.answer(request)

    for path in PAGES:
        add(path, files.index)
    add("/docs", files.docs)
    for path, file in files.fixed.items():
        add(path, file)
    app.add_route("/assets/{name}", asset, methods=["GET"], include_in_schema=False)


def _add_problem_handlers(app: FastAPI, api_routes: list[BaseRoute]) -> None:
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

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - for types
        told = field_errors(error.errors())
        return respond(request, Problem(Problems.INVALID_REQUEST, errors=told))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - for types
        if error.status_code == 405:
            allow = ", ".join(_allowed_methods(routes, request.scope))
            return respond(request, Problem(Problems.METHOD_NOT_ALLOWED, headers={"Allow": allow}))
        if error.status_code == 404:
            return respond(request, Problem(Problems.NOT_FOUND))
        raise error  # nothing here raises another: let it be logged

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _allowed_methods(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """All methods of a path: it may be several routes, and Starlette names only the first's.

    A route that names the path as it is hides those that have a parameter there.
    """
    found = [route for route in routes if route.matches(scope)[0] is not Match.NONE]
    named = [route for route in found if getattr(route, "path", None) == scope["path"]]
    return sorted({method for route in named or found for method in getattr(route, "methods", ())})


def _version() -> str:
    try:
        return version("semantic-movie-search")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
