"""The posters: ``GET /posters/{name}``, pictures from our own origin.

A name is the sha256 of its picture, so clients keep a picture for ever and never ask again. The
file is read beside the snapshots and checked; which snapshot is served does not matter.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.query.components import Service
from services.query.http.problems import Problem, Problems, documented
from services.query.http.routing import StrictRoute
from shared.snapshot.storage.poster_files import MEDIA_TYPE, SUFFIX, PosterFiles

router = APIRouter(route_class=StrictRoute, tags=["movies"])

IMMUTABLE = "public, max-age=31536000, immutable"

PosterName = Annotated[
    str,
    Path(
        description="The sha256 of the picture in hexadecimal digits, and `.webp`.",
        examples=[f"{'5f' * 32}{SUFFIX}"],
    ),
]


@router.get(
    "/posters/{name}",
    operation_id="getPoster",
    summary="Get the poster of a movie",
    response_class=Response,
    responses={
        200: {
            "description": "The picture, at most 342 pixels wide",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "The client's copy is up to date (`If-None-Match`)"},
        **documented(Problems.MALFORMED_QUERY_STRING, Problems.NOT_FOUND),
    },
)
async def get_poster(request: Request, service: Service, name: PosterName) -> Response:
    """Return the picture that a movie names in `poster`. It never changes."""
    digest = name.removesuffix(SUFFIX)
    files = PosterFiles(service.settings.snapshot_dir)
    image = await asyncio.to_thread(files.read, digest) if name.endswith(SUFFIX) else None
    if image is None:
        raise Problem(Problems.NOT_FOUND, "There is no such poster.")
    headers = {"Cache-Control": IMMUTABLE, "ETag": f'"{digest}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(image, media_type=MEDIA_TYPE, headers=headers)
