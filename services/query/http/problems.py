"""Every way in which a request can fail, as RFC 9457 problem details.

A problem has ``type``, ``title``, ``status``, ``code`` (the same for ever, for programs),
``detail`` (for people), ``request_id``, and for a request that does not validate ``errors``: which
field, and what is wanted there. Nothing that a client sent is ever echoed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
RETRIED = frozenset({429, 503})  # answers that carry Retry-After


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    status: int
    code: str
    title: str
    detail: str


class Problems(Kind, Enum):
    """The catalogue. ``detail`` is what is said when nothing more is known."""

    MALFORMED_QUERY_STRING = (
        400, "malformed-query-string", "The query string cannot be read",
        "Percent-encode UTF-8.",
    )  # fmt: skip
    MALFORMED_JSON = (
        400, "malformed-json", "The body cannot be read",
        "Send one JSON object (RFC 8259) in UTF-8.",
    )  # fmt: skip
    MALFORMED_REQUEST = (
        400, "malformed-request", "This is not HTTP/1.1", "The connection is closed.",
    )  # fmt: skip
    UNAUTHORIZED = (
        401, "unauthorized", "The admin token is missing or wrong",
        "Send the header Authorization: Bearer TOKEN.",
    )  # fmt: skip
    ADMIN_OFF = (
        403, "admin-off", "The admin API is off",
        "Set MOVIE_SEARCH_ADMIN_TOKEN or MOVIE_SEARCH_ADMIN_TOKEN_FILE to switch it on.",
    )  # fmt: skip
    NOT_FOUND = (404, "not-found", "There is nothing here", "See /docs for what there is.")
    UNKNOWN_MOVIE = (
        404, "unknown-movie", "No such movie",
        "The snapshot being served holds no movie with this id.",
    )  # fmt: skip
    NO_MAP = (
        404, "no-map", "The snapshot being served has no map",
        "It was published before there were maps; the next one will have one.",
    )  # fmt: skip
    UNKNOWN_RUN = (404, "unknown-run", "No such run", "No run with this id is known.")
    UNKNOWN_DEAD_LETTER = (
        404, "unknown-dead-letter", "No such dead letter",
        "No dead letter with this id is known; it may have been replayed or discarded.",
    )  # fmt: skip
    UNKNOWN_SNAPSHOT = (
        404, "unknown-snapshot", "No such snapshot", "The store holds no snapshot with this id.",
    )  # fmt: skip
    UNKNOWN_ACTIVATION = (
        404, "unknown-activation", "No such activation",
        "No activation with this id is known; they are forgotten after a day.",
    )  # fmt: skip
    METHOD_NOT_ALLOWED = (
        405, "method-not-allowed", "This method is not allowed here",
        "The Allow header lists those that are.",
    )  # fmt: skip
    BODY_TIMEOUT = (408, "body-timeout", "The body did not arrive in time", "Send it at once.")
    HEAD_TIMEOUT = (
        408, "head-timeout", "The request did not arrive in time", "The connection is closed.",
    )  # fmt: skip
    SOURCE_BUSY = (
        409, "source-busy", "The source has a run that has not ended",
        "Wait for it, or cancel it.",
    )  # fmt: skip
    RUN_ENDED = (
        409, "run-ended", "The run has already ended", "It cannot be cancelled any more.",
    )  # fmt: skip
    BODY_TOO_LARGE = (
        413, "body-too-large", "The body is too large",
        "A body may have 16 KiB at the most, that of /search/batch 256 KiB.",
    )  # fmt: skip
    UNSUPPORTED_MEDIA_TYPE = (
        415, "unsupported-media-type", "The body is of a type that is not read here",
        "Send Content-Type: application/json, and no Content-Encoding.",
    )  # fmt: skip
    INVALID_REQUEST = (
        422, "invalid-request", "The request does not validate", "See errors for what is wanted.",
    )  # fmt: skip
    UNKNOWN_SOURCE = (
        422, "unknown-source", "No such source",
        "Only a source that ingest has configured can run.",
    )  # fmt: skip
    WRONG_TOKENS = (
        429, "wrong-tokens", "Too many wrong admin tokens from this address",
        "Wait as long as Retry-After says. The right token is let in at any time.",
    )  # fmt: skip
    HEAD_TOO_LARGE = (
        431, "head-too-large", "The head of the request is too large",
        "Its target and headers may have 16 KiB together.",
    )  # fmt: skip
    INTERNAL = (500, "internal-error", "Something went wrong here", "It has been logged.")
    NOT_READY = (
        503, "not-ready", "No snapshot is being served yet",
        "The index is being built or loaded; try again soon.",
    )  # fmt: skip
    OVERLOADED = (
        503, "overloaded", "Too many searches are waiting", "Try again a little later.",
    )  # fmt: skip
    REDIS_UNAVAILABLE = (
        503, "redis-unavailable", "Redis cannot be reached",
        "Redis is not configured or away; searches are not affected.",
    )  # fmt: skip
    INGEST_UNAVAILABLE = (
        503, "ingest-unavailable", "The ingest service has not started yet",
        "Its sources are not known before it has.",
    )  # fmt: skip
    SEARCH_TIMEOUT = (
        504, "search-timeout", "The search could not begin in time", "Nothing was computed.",
    )  # fmt: skip


class FieldError(BaseModel):
    """What is wanted of one field."""

    field: Annotated[str, Field(description="Where, with dots; empty for the whole request.")]
    message: str


class ProblemDetails(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "examples": [
                {
                    "type": "/docs#unknown-movie",
                    "title": "No such movie",
                    "status": 404,
                    "code": "unknown-movie",
                    "detail": "The snapshot being served holds no movie with this id.",
                    "request_id": "0f3c9a4be1d2a687",
                }
            ]
        },
    )

    type: Annotated[str, Field(description="Where the kind of problem is described.")]
    title: str
    status: int
    code: Annotated[str, Field(description="The kind of problem, for programs.")]
    detail: str
    request_id: str
    errors: Annotated[
        list[FieldError] | None, Field(description="Of a request that does not validate.")
    ] = None
    run_id: Annotated[str | None, Field(description="The run that it is about.")] = None


class Problem(Exception):
    """A request fails, in one of the ways of ``Problems``."""

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

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
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


OF_FIELD = "of_field"


def of_field(field: str, message: str) -> PydanticCustomError:
    """What a validator of a whole model raises when one of its fields is at fault."""
    return PydanticCustomError(OF_FIELD, "{message}", {"field": field, "message": message})


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Say what is wanted, from pydantic's errors, without what was sent.

    The name of an unknown field is the client's own text, so its place is named instead.
    """
    told = []
    for error in errors:
        path = [str(part) for part in error["loc"][1:]]  # the first says body, query or header
        message = str(error["msg"]).removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            path = path[:-1]
            message = "There is a field here that is not known"
        elif error["type"] == OF_FIELD:
            path.append(error["ctx"]["field"])
        told.append(FieldError(field=".".join(path), message=message))
    return told


def documented(*kinds: Problems) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that can fail in these ways."""
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
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
            }
    return responses
