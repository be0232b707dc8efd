"""Caching and compression of the public answers.

An answer to a GET comes from exactly one snapshot, so the snapshot's id is its ``ETag``: a client
that asks again with ``If-None-Match`` is answered 304 before anything is computed, until another
snapshot is served. The tag is weak, because answers also hold the times that they took. What a tag
stands for changes with ``FORMAT`` and with the version of the service.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Coroutine
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from fastapi import Request, Response

from services.query.components import QueryService
from services.query.http.encodings import accepts_gzip
from services.query.http.routing import BodyRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

FORMAT = 1
"""Increase it when the same request to the same snapshot gets another answer than before."""

LEAST_ZIPPED_BYTES = 1400  # less fits into one packet
_MOST_AT_ONCE_BYTES = 64 * 1024  # more is compressed beside the event loop
_LEVEL = 1  # level 6 takes twice as long for 7% less
_GZIP_WINDOW = 31


def release() -> str:
    """Return the version of the service."""
    try:
        return version("semantic-movie-search")
    except PackageNotFoundError:  # the service runs from a checkout that is not installed
        return "0"


def etag_of(snapshot_id: str) -> str:
    """Return the ETag of the answers from a snapshot."""
    return f'W/"{snapshot_id}-{FORMAT}.{_RELEASE}"'


_RELEASE = release()


def matches(request: Request, etag: str) -> bool:
    """Return whether the client has the answer with this ETag (RFC 9110, section 13.1.2)."""
    sent = ",".join(request.headers.getlist("if-none-match"))
    tags = {tag.strip().removeprefix("W/") for tag in sent.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


class SnapshotRoute(BodyRoute):
    """A route whose answers come from the snapshot: GETs have an ETag, and JSON is compressed."""

    def get_route_handler(self) -> Handler:
        """Return the handler of ``BodyRoute``, with 304, ``ETag`` and gzip."""
        handler = super().get_route_handler()

        async def cached(request: Request) -> Response:
            is_get = request.method == "GET"
            if is_get and (answer := _unchanged(request)) is not None:
                return answer
            response = await handler(request)
            snapshot_id = response.headers.get("X-Snapshot-ID")
            if is_get and snapshot_id is not None:
                response.headers.update(_caching(snapshot_id))
            return await compressed(request, response)

        return cached


def _unchanged(request: Request) -> Response | None:
    generation = cast("QueryService", request.state.service).reloader.generation
    if generation is None or not matches(request, etag_of(generation.snapshot_id)):
        return None
    headers = _caching(generation.snapshot_id)
    return Response(
        status_code=304,
        headers={**headers, "Vary": "Accept-Encoding", "X-Snapshot-ID": generation.snapshot_id},
    )


def _caching(snapshot_id: str) -> dict[str, str]:
    return {"ETag": etag_of(snapshot_id), "Cache-Control": "no-cache"}


async def compressed(request: Request, response: Response) -> Response:
    """Compress a response for a client that accepts gzip, if that is worthwhile."""
    response.headers["Vary"] = "Accept-Encoding"
    body = bytes(response.body)
    accepted = request.headers.getlist("accept-encoding")
    if len(body) < LEAST_ZIPPED_BYTES or not accepts_gzip(accepted):
        return response
    if len(body) > _MOST_AT_ONCE_BYTES:
        body = await asyncio.to_thread(zipped, body)
    else:
        body = zipped(body)
    response.body = body
    response.headers["Content-Length"] = str(len(body))
    response.headers["Content-Encoding"] = "gzip"
    return response


def zipped(body: bytes) -> bytes:
    """Compress as gzip, quickly."""
    return zlib.compress(body, _LEVEL, _GZIP_WINDOW)
