"""Requests as bytes, and what their answers must look like."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from services.query.http.problems import ProblemDetails
from services.query.http.security_headers import SECURITY_HEADERS

SECRET = "zxqsecretzxq"  # in every bad input that can hold it; in no answer and in no log


class Answer(NamedTuple):
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def head(method: str, target: str, *headers: str, close: bool = True) -> bytes:
    """A request without a body, or the head of one with."""
    lines = [f"{method} {target} HTTP/1.1", "Host: films.example", *headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(body: bytes, *headers: str, target: str = "/search", close: bool = True) -> bytes:
    """A request with a body, JSON unless the headers say otherwise."""
    typed = headers or ("Content-Type: application/json",)
    return head("POST", target, f"Content-Length: {len(body)}", *typed, close=close) + body


def chunked(*chunks: bytes, target: str = "/search") -> bytes:
    """A request with a JSON body in chunks, without the last, empty one."""
    top = head("POST", target, "Content-Type: application/json", "Transfer-Encoding: chunked")
    return top + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def query_json(query: str, **others: Any) -> bytes:
    """A body of `/search`."""
    return json.dumps({"query": query, **others}).encode()


def answers(raw: bytes) -> list[Answer]:
    """All answers on a connection, in their order; none of them may be chunked."""
    found = []
    while raw:
        top, separator, rest = raw.partition(b"\r\n\r\n")
        assert separator, raw[:300]
        status, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        assert len(rest) >= length, "an answer was cut"
        assert status.startswith("HTTP/1.1 "), status
        found.append(Answer(int(status.split()[1]), headers, rest[:length]))
        raw = rest[length:]
    return found


def answer(raw: bytes) -> Answer:
    """The only answer on a connection."""
    found = answers(raw)
    assert len(found) == 1, found
    return found[0]


def problem_in(found: Answer, *statuses: int) -> ProblemDetails:
    """The problem that an answer is, with one of these statuses."""
    assert found.status in statuses, (found.status, found.body[:300])
    assert found.headers["content-type"] == "application/problem+json"
    for name, value in SECURITY_HEADERS.items():
        assert found.headers[name.lower()] == value
    problem = ProblemDetails.model_validate_json(found.body)
    assert problem.status == found.status
    assert problem.type == f"/docs#{problem.code}"
    assert problem.title
    assert problem.request_id == found.headers["x-request-id"]
    assert SECRET.encode() not in found.body
    assert not any(SECRET in value for value in found.headers.values())
    if found.status in {429, 503}:
        assert int(found.headers["retry-after"]) >= 1
    if found.status == 401:
        assert found.headers["www-authenticate"].startswith("Bearer")
    return problem
