"""The OpenAPI document: FastAPI's, with problems instead of its validation errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.config import JsonDict

from services.query.access.admission import is_limited
from services.query.api.admin import admin_examples
from services.query.api.examples import SNAPSHOT
from services.query.http.problems import ProblemDetails, Problems, documented

DESCRIPTION = """\
Describe what you feel like watching, and get the movies whose reviews match, with the matching
passages.

Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. Every
response has the header `X-Request-ID`; an id sent with the request is kept. Responses from the
index have the header `X-Snapshot-ID`: each response comes from exactly one snapshot. GETs of them
have an `ETag`, and are answered 304 to `If-None-Match` until another snapshot is served. HEAD is
answered wherever GET is.

The operations of *search* and *movies* need no credentials, unless the operator asks for a search
key (`Authorization: Bearer KEY`) or limits how often a client may ask: `RateLimit` then says what
is left. This API only grows: fields and operations are added, and none that is documented here is
removed or changed. Ignore fields that you do not know. Assistants use the same searches at `/mcp`.
"""

TAGS = [
    {"name": "search", "description": "Search movies."},
    {"name": "movies", "description": "List, show and compare movies."},
    {"name": "operations", "description": "Health, metrics and the snapshot being served."},
    {
        "name": "admin",
        "description": "Sources, runs, dead letters and snapshots. Requires the admin token.",
    },
]

# Examples of models that services share, and examples with nulls, which FastAPI drops.
EXAMPLES: dict[str, JsonDict] = {
    "SnapshotInfo": SNAPSHOT,
    "Run": admin_examples.RUN,
    "RunAccepted": {"run_id": admin_examples.RUN_ID, "source": "demo", "state": "queued"},
    "RunList": {"runs": [admin_examples.RUN]},
    "UnreadList": admin_examples.UNREAD_LIST,
    "SourceList": {
        "sources": [
            {"source": "demo", "last_run": None},
            {"source": "my_site", "last_run": admin_examples.RUN},
        ],
        "orphaned": ["old_site"],
    },
    "DeadLetterPage": admin_examples.DEAD_LETTER_PAGE,
    "DeadLetterDetail": admin_examples.DEAD_LETTER_DETAIL,
    "Replayed": admin_examples.REPLAYED,
    "SnapshotList": admin_examples.SNAPSHOT_LIST,
    "Activation": admin_examples.ACTIVATION,
    "Removal": admin_examples.REMOVAL,
}

_REQUEST_ID_HEADER = {
    "X-Request-ID": {"description": "Id of the request.", "schema": {"type": "string"}}
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document; it is built at the first call."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            tags=TAGS,
            routes=app.routes,
            contact={"name": "The operator of this service"},
            servers=[{"url": "/", "description": "This service."}],
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        schemas = document["components"]["schemas"]
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        for name, example in EXAMPLES.items():
            schemas[name]["examples"] = [example]
        # Of spans, tools that know no ``prefixItems`` read at least what is in them.
        schemas["Evidence"]["properties"]["marks"]["items"]["items"] = {"type": "integer"}
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _add_access(path, method, operation)
                _complete_responses(operation["responses"])
        document["x-problems"] = [
            {"code": kind.code, "status": kind.status, "title": kind.title, "detail": kind.detail}
            for kind in Problems
        ]
        app.openapi_schema = document
    return app.openapi_schema


_LIMIT_HEADERS = {
    "RateLimit": {
        "description": 'Requests left, and seconds until all are free: `"address";r=59;t=1`.',
        "schema": {"type": "string"},
    }
}
_UNCHANGED = {"description": "The client's copy is up to date (`If-None-Match`)."}


def _add_access(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say that a public operation needs no token, and how it is limited and cached."""
    if "security" in operation:
        return
    operation["security"] = []
    if not is_limited(path):
        return
    kinds = (Problems.KEY_REQUIRED, Problems.UNKNOWN_KEY, Problems.RATE_LIMITED)
    limits = {str(status): response for status, response in documented(*kinds).items()}
    limits["429"]["headers"] |= _LIMIT_HEADERS
    operation["responses"] |= limits
    if method == "get":
        operation["responses"].setdefault("304", dict(_UNCHANGED))


def _complete_responses(responses: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI adds by default; add the header that every response has."""
    invalid = responses.get("422", {}).get("content", {}).get("application/json")
    if invalid is not None:
        del responses["422"]
    for response in responses.values():
        response["headers"] = {**_REQUEST_ID_HEADER, **response.get("headers", {})}
