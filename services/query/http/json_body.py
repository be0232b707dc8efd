"""JSON bodies of requests, read by pydantic's parser.

The parser refuses what RFC 8259 does not allow: bad syntax, NaN and Infinity, a byte order mark,
UTF-16 and invalid UTF-8. This module also refuses nesting deeper than ``MAX_DEPTH``, numbers that
overflow to infinity, and lone surrogates. Of duplicate keys the last one counts.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

from fastapi import Request
from pydantic_core import from_json

from services.query.http.problems import FieldError, Problem, Problems

BODY_TIMEOUT_S = 10.0
MAX_DEPTH = 8


async def read_json(request: Request) -> Any:
    """Read the body of a request as JSON.

    Raises:
        Problem: the body is not JSON, arrives too slowly, or is declared as another media type.
    """
    _check_media_type(request)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            payload = await request.body()
    except TimeoutError as error:
        raise Problem(Problems.BODY_TIMEOUT, headers={"Connection": "close"}) from error
    return parse_json(payload)


def parse_json(payload: bytes) -> Any:
    """Parse one JSON value.

    Raises:
        Problem: the bytes are not JSON in UTF-8, are nested too deep, hold a number that
            overflows, or hold text with a lone surrogate, which is valid JSON but invalid text.
    """
    try:
        value = from_json(payload, allow_inf_nan=False)
    except ValueError as error:
        if "hex escape" in str(error):  # how the parser reports a lone surrogate
            surrogate = FieldError(field="", message="Lone surrogates are not allowed")
            raise Problem(Problems.INVALID_REQUEST, errors=[surrogate]) from error
        raise Problem(Problems.MALFORMED_JSON, f"The body is not valid JSON: {error}.") from error
    _check_value(value, depth=0)
    return value


def _check_value(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise Problem(Problems.MALFORMED_JSON, f"The body nests over {MAX_DEPTH} levels.")
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(item, depth + 1)
    elif isinstance(value, float) and math.isinf(value):
        raise Problem(Problems.MALFORMED_JSON, "A number in the body is too large.")


def _check_media_type(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    stated = {part.replace('"', "").replace(" ", "") for part in parameters}
    if (
        media_type.strip() != "application/json"
        or not stated <= {"charset=utf-8", "charset=utf8", ""}
        or request.headers.get("content-encoding", "identity").lower() != "identity"
    ):
        raise Problem(Problems.UNSUPPORTED_MEDIA_TYPE)
