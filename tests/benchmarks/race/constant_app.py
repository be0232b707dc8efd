"""FastAPI alone: an endpoint that answers a constant: ``python -m ...constant_app PORT BYTES``.

What remains of a request when nothing is searched: the floor under any service on this framework.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel


class Wanted(BaseModel):
    """A body to be parsed, as a search's is."""

    query: str
    k: int = 10


def create_app(size_bytes: int) -> FastAPI:
    """An application that answers every search with as many bytes of JSON."""
    app = FastAPI(openapi_url=None)
    body = b'{"hits":"' + b"x" * max(0, size_bytes - 11) + b'"}'

    @app.post("/search")
    async def search(wanted: Wanted) -> Response:
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(int(sys.argv[2])), port=int(sys.argv[1]), log_level="warning", access_log=False
    )
