"""The map of the films: ``GET /map``."""

from __future__ import annotations

import asyncio
import gzip

from fastapi import APIRouter, Request, Response

from services.query.api.map_schemas import FilmMap
from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
from services.query.http.strict_route import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["movies"])

FORM = 1
"""Changes with what is answered for a snapshot, so that clients do not keep another form of it."""


@router.get(
    "/map",
    operation_id="getMap",
    summary="Every movie as a point, and clusters",
    response_model=FilmMap,
    responses={
        304: {"description": "The map that the client has (`If-None-Match`)"},
        **documented(Problems.MALFORMED_QUERY_STRING, Problems.NO_MAP, Problems.NOT_READY),
    },
)
async def get_map(request: Request, service: Service) -> Response:
    """Show all movies in the plane: what viewers say alike of is near.

    Movies keep their places from one snapshot to the next, as long as not many come or go. The
    answer is compressed if the client takes gzip, and has an `ETag`.
    """
    generation = service.generation()
    if generation.zipped_map is None:
        raise Problem(Problems.NO_MAP)
    etag = f'"{generation.snapshot_id}-{FORM}"'
    headers = {
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "X-Snapshot-ID": generation.snapshot_id,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = generation.zipped_map
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = await asyncio.to_thread(gzip.decompress, content)
    return Response(content, media_type="application/json", headers=headers)
