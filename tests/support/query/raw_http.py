"""Requests as bytes, and checks of their responses."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from services.query.http.problems import ProblemDetails
from services.query.http.security_headers import SECURITY_HEADERS

SECRET = "zxqsecretzxq"  # in every bad input that can hold it, in no response and in no log


class Answer(NamedTuple):
    """An HTTP response; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def head(
    method: str, target: str, *headers: str, close: bool = True, host: str = "localhost"
) -> bytes:
    """Make a request without a body, or the head of a request with a body."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(body: bytes, *headers: str, target: str = "/search", close: bool = True) -> bytes:
    """Make a request with a body, JSON unless ``headers`` are given."""
    typed = headers or ("Content-Type: application/json",)
    return head("POST", target, f"Content-Length: {len(body)}", *typed, close=close) + body


def chunked(*chunks: bytes, target: str = "/search") -> bytes:
    """Make a request with a JSON body in chunks, without the final empty chunk."""
    top = head("POST", target, "Content-Type: application/json", "Transfer-Encoding: chunked")
    return top + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def query_json(query: str, **others: Any) -> bytes:
    """Make a body for `/search`."""
    return json.dumps({"query": query, **others}).encode()


def answers(raw: bytes) -> list[Answer]:
    """Parse all responses on a connection, in their order; none may be chunked."""
    responses = []
    while raw:
        top, separator, rest = raw.partition(b"\r\n\r\n")
        assert separator, raw[:300]
        status, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        assert len(rest) >= length, "an answer was cut"
        assert status.startswith("HTTP/1.1 "), status
        responses.append(Answer(int(status.split()[1]), headers, rest[:length]))
        raw = rest[length:]
    return responses


def answer(raw: bytes) -> Answer:
    """Parse the only response on a connection."""
    responses = answers(raw)
    assert len(responses) == 1, responses
    return responses[0]


def problem_in(response: Answer, *statuses: int) -> ProblemDetails:
    """Return the problem in a response, which must have one of these statuses."""
    assert response.status in statuses, (response.status, response.body[:300])
    assert response.headers["content-type"] == "application/problem+json"
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name.lower()] == value
    problem = ProblemDetails.model_validate_json(response.body)
    assert problem.status == response.status
    assert problem.type == f"/docs#{problem.code}"
    assert problem.title
    assert problem.request_id == response.headers["x-request-id"]
    assert SECRET.encode() not in response.body
    assert not any(SECRET in value for value in response.headers.values())
    if response.status in {429, 503}:
        assert int(response.headers["retry-after"]) >= 1
    if response.status == 401:
        assert response.headers["www-authenticate"].startswith("Bearer")
    return problem
