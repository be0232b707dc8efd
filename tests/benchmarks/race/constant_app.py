"""FastAPI with a constant response: ``python -m ...constant_app PORT BYTES``.

It measures the cost of a request without a search: the minimum of any service on this framework.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel


class SearchBody(BaseModel):
    """A body that is parsed like that of a search."""

    query: str
    k: int = 10


def create_app(size_bytes: int) -> FastAPI:
    """An application that answers every search with this many bytes of JSON."""
    app = FastAPI(openapi_url=None)
    body = b'{"hits":"' + b"x" * max(0, size_bytes - 11) + b'"}'

    @app.post("/search")
    async def search(_: SearchBody) -> Response:
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(int(sys.argv[2])), port=int(sys.argv[1]), log_level="warning", access_log=False
    )
