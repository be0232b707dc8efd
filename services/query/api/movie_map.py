"""The map of the movies: ``GET /map``."""

from __future__ import annotations

import asyncio
import gzip

from fastapi import APIRouter, Request, Response

from services.query.api.map_schemas import MovieMap
from services.query.components import Service
from services.query.http.encodings import accepts_gzip
from services.query.http.problems import Problem, Problems, documented
from services.query.http.routing import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["movies"])

FORMAT = 1
"""Part of the ETag: increase it when the response for a snapshot changes its format."""


@router.get(
    "/map",
    operation_id="getMap",
    summary="Get the map of all movies",
    response_model=MovieMap,
    responses={
        304: {"description": "The client's copy is up to date (`If-None-Match`)"},
        **documented(Problems.MALFORMED_QUERY_STRING, Problems.NO_MAP, Problems.NOT_READY),
    },
)
async def get_map(request: Request, service: Service) -> Response:
    """Return every movie that has reviews as a point in the plane, and the clusters of the points.

    Movies with similar reviews are near each other. Movies keep their places from one snapshot to
    the next unless many movies are added or removed. The response has an `ETag` and is compressed
    if the client accepts gzip.
    """
    generation = service.generation()
    if generation.zipped_map is None:
        raise Problem(Problems.NO_MAP)
    etag = f'"{generation.snapshot_id}-{FORMAT}"'
    headers = {
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "X-Snapshot-ID": generation.snapshot_id,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = generation.zipped_map
    if accepts_gzip(request.headers.getlist("accept-encoding")):
        headers["Content-Encoding"] = "gzip"
    else:
        content = await asyncio.to_thread(gzip.decompress, content)
    return Response(content, media_type="application/json", headers=headers)
