"""The OpenAPI document: FastAPI's, with our problems in place of its errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.config import JsonDict

from services.query.api.admin import admin_examples
from services.query.api.examples import SNAPSHOT
from services.query.http.problems import ProblemDetails, Problems

DESCRIPTION = """\
Describe what you feel like watching and get the films whose viewers say just that, with the
passages of their reviews that say it.

Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. Every
response carries `X-Request-ID`; one sent with a request is kept. Responses from the index carry
`X-Snapshot-ID`: each comes from exactly one snapshot.
"""

TAGS = [
    {"name": "search", "description": "Finding movies."},
    {"name": "movies", "description": "The movies of the index."},
    {"name": "operations", "description": "Health, metrics, and what is being served."},
    {
        "name": "admin",
        "description": "Sources and runs, dead letters, snapshots. Needs the admin token.",
    },
]

# Of models that other services share, and of those whose examples hold nulls, which FastAPI drops.
EXAMPLES: dict[str, JsonDict] = {
    "SnapshotInfo": SNAPSHOT,
    "Run": admin_examples.RUN,
    "RunAccepted": {"run_id": admin_examples.RUN_ID, "source": "demo", "state": "queued"},
    "RunList": {"runs": [admin_examples.RUN]},
    "SourceList": {
        "sources": [
            {"source": "demo", "last_run": None},
            {"source": "my_site", "last_run": admin_examples.RUN},
        ]
    },
    "DeadLetterPage": admin_examples.DEAD_LETTER_PAGE,
    "DeadLetterDetail": admin_examples.DEAD_LETTER_DETAIL,
    "Replayed": admin_examples.REPLAYED,
    "SnapshotList": admin_examples.SNAPSHOT_LIST,
    "Activation": admin_examples.ACTIVATION,
}

_REQUEST_ID_HEADER = {
    "X-Request-ID": {"description": "The request's id.", "schema": {"type": "string"}}
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Build the document, once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            tags=TAGS,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        schemas = document["components"]["schemas"]
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        for name, example in EXAMPLES.items():
            schemas[name]["examples"] = [example]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operations in document["paths"].values():
            for operation in operations.values():
                _mend(operation["responses"])
        document["x-problems"] = [
            {"code": kind.code, "status": kind.status, "title": kind.title, "detail": kind.detail}
            for kind in Problems
        ]
        app.openapi_schema = document
    return app.openapi_schema


def _mend(responses: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI adds by itself; describe the header that all have."""
    invalid = responses.get("422", {}).get("content", {}).get("application/json")
    if invalid is not None:
        del responses["422"]
    for response in responses.values():
        response["headers"] = {**_REQUEST_ID_HEADER, **response.get("headers", {})}
