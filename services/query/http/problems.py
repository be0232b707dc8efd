"""Every way in which a request can fail, as RFC 9457 problem details.

A problem has ``type``, ``title``, ``status``, ``code`` (stable, for programs), ``detail`` (for
people), ``request_id``, and for a request that does not validate ``errors``: a message for each
field at fault. No value that a client sent is ever echoed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
RETRIED = frozenset({429, 503})  # statuses of responses that carry Retry-After


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    status: int
    code: str
    title: str
    detail: str


class Problems(Kind, Enum):
    """The catalogue of problems. ``detail`` is the text of a problem without a more precise one."""

    MALFORMED_QUERY_STRING = (
        400, "malformed-query-string", "Malformed query string",
        "Percent-encode the query string as UTF-8.",
    )  # fmt: skip
    MALFORMED_JSON = (
        400, "malformed-json", "Malformed JSON",
        "Send one JSON object (RFC 8259) in UTF-8.",
    )  # fmt: skip
    MALFORMED_REQUEST = (
        400, "malformed-request", "Malformed HTTP request",
        "The request is not HTTP/1.1. The server closes the connection.",
    )  # fmt: skip
    INVALID_HOST = (
        400, "invalid-host", "The Host is missing or invalid",
        "Send exactly one Host header, with the name or address of this service.",
    )  # fmt: skip
    UNAUTHORIZED = (
        401, "unauthorized", "The admin token is missing or wrong",
        "Send the header Authorization: Bearer TOKEN.",
    )  # fmt: skip
    KEY_REQUIRED = (
        401, "key-required", "A search key is needed",
        "Send the header Authorization: Bearer KEY. The operator of this service gives out keys.",
    )  # fmt: skip
    UNKNOWN_KEY = (
        401, "unknown-key", "The search key is unknown",
        "Send a key of this service in the header Authorization: Bearer KEY; it may be removed.",
    )  # fmt: skip
    ADMIN_OFF = (
        403, "admin-off", "The admin API is disabled",
        "Set MOVIE_SEARCH_ADMIN_TOKEN or MOVIE_SEARCH_ADMIN_TOKEN_FILE to enable it.",
    )  # fmt: skip
    NOT_FOUND = (404, "not-found", "Not found", "See /docs for the operations of this API.")
    UNKNOWN_MOVIE = (
        404, "unknown-movie", "Unknown movie id",
        "The snapshot being served has no movie with this id.",
    )  # fmt: skip
    NO_MAP = (
        404, "no-map", "The snapshot being served has no map",
        "It was published without a map; the next snapshot will have one.",
    )  # fmt: skip
    UNKNOWN_RUN = (404, "unknown-run", "Unknown run id", "No run has this id.")
    UNKNOWN_DEAD_LETTER = (
        404, "unknown-dead-letter", "Unknown dead letter id",
        "No dead letter has this id; it may have been replayed or discarded.",
    )  # fmt: skip
    UNKNOWN_SNAPSHOT = (
        404, "unknown-snapshot", "Unknown snapshot id", "The store has no snapshot with this id.",
    )  # fmt: skip
    UNKNOWN_ACTIVATION = (
        404, "unknown-activation", "Unknown activation id",
        "No activation has this id; activations are kept for one day.",
    )  # fmt: skip
    UNKNOWN_REMOVAL = (
        404, "unknown-removal", "Unknown removal id",
        "No removal has this id; removals are kept for seven days.",
    )  # fmt: skip
    METHOD_NOT_ALLOWED = (
        405, "method-not-allowed", "Method not allowed",
        "The Allow header lists the allowed methods.",
    )  # fmt: skip
    BODY_TIMEOUT = (
        408, "body-timeout", "The body did not arrive in time",
        "Send the body without pauses.",
    )  # fmt: skip
    HEAD_TIMEOUT = (
        408, "head-timeout", "The request did not arrive in time",
        "The server closes the connection.",
    )  # fmt: skip
    SOURCE_BUSY = (
        409, "source-busy", "The source already has a run in progress",
        "Wait until the run has ended, or cancel it.",
    )  # fmt: skip
    RUN_ENDED = (
        409, "run-ended", "The run has already ended",
        "A run that has ended cannot be cancelled.",
    )  # fmt: skip
    BODY_TOO_LARGE = (
        413, "body-too-large", "The body is too large",
        "A body may have 16 KiB; /search, /mcp 96 KiB, /movies/lookup 128 KiB, batches 256 KiB.",
    )  # fmt: skip
    UNSUPPORTED_MEDIA_TYPE = (
        415, "unsupported-media-type", "Unsupported media type",
        "Send Content-Type: application/json, without a Content-Encoding.",
    )  # fmt: skip
    HOST_NOT_ALLOWED = (
        421, "host-not-allowed", "The Host is no name of this service",
        "Add the name to the setting MOVIE_SEARCH_ALLOWED_HOSTS of the query service.",
    )  # fmt: skip
    INVALID_REQUEST = (
        422, "invalid-request", "Invalid request", "See errors for the invalid fields.",
    )  # fmt: skip
    UNKNOWN_SOURCE = (
        422, "unknown-source", "Unknown source",
        "The ingest service has no source with this name.",
    )  # fmt: skip
    RATE_LIMITED = (
        429, "rate-limited", "Too many requests",
        "Wait for the seconds in Retry-After. RateLimit says what is left.",
    )  # fmt: skip
    WRONG_TOKENS = (
        429, "wrong-tokens", "Too many wrong admin tokens from this address",
        "Wait for the seconds in Retry-After. The right token is accepted at any time.",
    )  # fmt: skip
    HEAD_TOO_LARGE = (
        431, "head-too-large", "The head of the request is too large",
        "The request target and the headers may have up to 16 KiB together.",
    )  # fmt: skip
    INTERNAL = (
        500, "internal-error", "Internal error",
        "The request failed; the error has been logged under the request id.",
    )  # fmt: skip
    NOT_READY = (
        503, "not-ready", "No snapshot is being served yet",
        "No crawl has been published yet; start one with `movie-search ingest`, or try again soon.",
    )  # fmt: skip
    OVERLOADED = (
        503, "overloaded", "Too many searches are waiting", "Try again in a few seconds.",
    )  # fmt: skip
    TOO_MANY_CONNECTIONS = (
        503, "too-many-connections", "Too many connections from this address",
        "Close connections that are not in use. The server closes this one.",
    )  # fmt: skip
    ANSWERS_NOT_TAKEN = (
        503, "answers-not-taken", "Too much of earlier answers has not been taken",
        "Read the answers on the other connections from this address first.",
    )  # fmt: skip
    REDIS_UNAVAILABLE = (
        503, "redis-unavailable", "Redis cannot be reached",
        "Redis is not configured or unavailable. Searches are not affected.",
    )  # fmt: skip
    INGEST_UNAVAILABLE = (
        503, "ingest-unavailable", "The ingest service has not started yet",
        "Its sources are unknown until it has started.",
    )  # fmt: skip
    SEARCH_TIMEOUT = (
        504, "search-timeout", "The search waited too long in the queue",
        "The search was not computed. Try again later.",
    )  # fmt: skip


BODY_PROBLEMS = (
    Problems.MALFORMED_JSON,
    Problems.BODY_TIMEOUT,
    Problems.BODY_TOO_LARGE,
    Problems.UNSUPPORTED_MEDIA_TYPE,
    Problems.INVALID_REQUEST,
)
"""How an operation with a JSON body can fail."""


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: Annotated[
        str,
        Field(description="Path of the field, joined by dots; empty for the request as a whole."),
    ]
    message: str


class ProblemDetails(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "examples": [
                {
                    "type": "/docs#unknown-movie",
                    "title": "Unknown movie id",
                    "status": 404,
                    "code": "unknown-movie",
                    "detail": "The snapshot being served has no movie with this id.",
                    "request_id": "0f3c9a4be1d2a687",
                }
            ]
        },
    )

    type: Annotated[str, Field(description="URL of the description of this kind of problem.")]
    title: str
    status: int
    code: Annotated[str, Field(description="The kind of problem: a stable name for programs.")]
    detail: str
    request_id: str
    errors: Annotated[
        list[FieldError] | None, Field(description="The invalid fields of an invalid request.")
    ] = None
    run_id: Annotated[str | None, Field(description="The run that caused the problem.")] = None


class Problem(Exception):
    """A request fails with one of the ``Problems``; the application answers it."""

    def __init__(
        self,
        kind: Problems,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] | None = None,
        run_id: str | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail or kind.detail
        self.errors = list(errors) if errors is not None else None
        self.run_id = run_id
        self.headers = dict(headers or {})
        if kind.status in RETRIED:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        if kind is Problems.UNAUTHORIZED:
            self.headers.setdefault("WWW-Authenticate", 'Bearer realm="admin"')
        if kind in {Problems.KEY_REQUIRED, Problems.UNKNOWN_KEY}:
            self.headers.setdefault("WWW-Authenticate", 'Bearer realm="search"')

    def body(self, request_id: str) -> bytes:
        """Render the problem as JSON."""
        details = ProblemDetails(
            type=f"/docs#{self.kind.code}",
            title=self.kind.title,
            status=self.kind.status,
            code=self.kind.code,
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
            run_id=self.run_id,
        )
        return details.model_dump_json(exclude_none=True).encode()


def documented(*kinds: Problems) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI ``responses`` of an operation that can fail with these problems."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        response = responses.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        response["description"] = " / ".join(
            part for part in (response["description"], kind.title) if part
        )
        response["content"][MEDIA_TYPE]["examples"][kind.code] = {
            "value": {
                "type": f"/docs#{kind.code}",
                "title": kind.title,
                "status": kind.status,
                "code": kind.code,
                "detail": kind.detail,
                "request_id": "0f3c9a4be1d2a687",
            }
        }
        if kind.status in RETRIED:
            response["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait before the next attempt.",
                    "schema": {"type": "integer"},
                }
            }
    return responses
