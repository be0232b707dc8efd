"""Bad input, row by row, as raw bytes on a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.query.problems import ProblemDetails
from shared.snapshot.store import SnapshotStore
from tests.support.encoders import HashEncoder
from tests.support.query_service import RunningQuery, always, query_settings, running_query
from tests.support.snapshots import SnapshotBuilder

SECRET = "zxqsecretzxq"  # in every bad input that can hold it; in no answer


# One service takes all of it: what one bad input does to the next request is part of the test.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def query(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningQuery]:
    folder = tmp_path_factory.mktemp("query")
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish()
    async with running_query(query_settings(folder), always(encoder)) as running:
        await running.reload()
        yield running


def head(method: str, target: str, *headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: films.example", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(body: bytes, *headers: str, target: str = "/search") -> bytes:
    typed = headers or ("Content-Type: application/json",)
    return head("POST", target, f"Content-Length: {len(body)}", *typed) + body


def answer(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    top, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body


def check_problem(raw: bytes, status: int) -> ProblemDetails:
    found, headers, body = answer(raw)
    assert found == status, raw[:500]
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    problem = ProblemDetails.model_validate_json(body)
    assert problem.status == status
    assert problem.type == f"/docs#{problem.code}"
    assert problem.request_id == headers["x-request-id"]
    assert SECRET.encode() not in raw
    if status == 503:
        assert int(headers["retry-after"]) >= 1
    return problem


def query_json(query: str, **others: Any) -> bytes:
    return json.dumps({"query": query, **others}).encode()


MALFORMED = {
    "empty": b"",
    "cut": f'{{"query": "{SECRET}'.encode(),
    "trailing comma": f'{{"query": "{SECRET}",}}'.encode(),
    "two values": f'{{"query": "{SECRET}"}} {{}}'.encode(),
    "invalid UTF-8": f'{{"query": "{SECRET}\xff"}}'.encode("latin-1"),
    "UTF-16": f'{{"query": "{SECRET}"}}'.encode("utf-16"),
    "UTF-16 without BOM": f'{{"query": "{SECRET}"}}'.encode("utf-16-le"),
    "BOM": f'\ufeff{{"query": "{SECRET}"}}'.encode(),
    "duplicate keys": f'{{"query": "{SECRET}", "query": "b"}}'.encode(),
    "NaN": f'{{"query": "{SECRET}", "k": NaN}}'.encode(),
    "Infinity": f'{{"query": "{SECRET}", "k": -Infinity}}'.encode(),
    "overflow": f'{{"query": "{SECRET}", "k": 1e999}}'.encode(),
    "deep": b'{"query": ' + b"[" * 8 + b"]" * 8 + b"}",
    "very deep": b"[" * 16_000,
    "huge integer": b'{"query": "a", "k": ' + b"9" * 5000 + b"}",
    "raw NUL": b'{"query": "a\x00b"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_body_that_is_not_strict_json_is_400(query: RunningQuery, body: bytes) -> None:
    problem = check_problem(await query.raw(post(body)), 400)
    assert problem.code == "malformed-json"


INVALID = {
    "lone surrogate": (b'{"query": "a\\ud800b"}', "query"),
    "NUL": (b'{"query": "a\\u0000b"}', "query"),
    "escape": (b'{"query": "\\u001b[31m"}', "query"),
    "spaces": (query_json("   "), "query"),
    "empty": (query_json(""), "query"),
    "zero width": (query_json("\u200b\u200d\ufeff"), "query"),
    "bidi": (query_json("\u202e\u2069"), "query"),
    "blank letters": (query_json("\u3164\u115f"), "query"),
    "513 code points": (query_json("é" * 513), "query"),
    "many code points": (query_json(SECRET * 1000), "query"),
    "k 0": (query_json(SECRET, k=0), "k"),
    "k 101": (query_json(SECRET, k=101), "k"),
    "k as text": (query_json(SECRET, k="10"), "k"),
    "k true": (query_json(SECRET, k=True), "k"),
    "k 1.5": (query_json(SECRET, k=1.5), "k"),
    "k null": (query_json(SECRET, k=None), "k"),
    "k huge": (query_json(SECRET, k=10**19), "k"),
    "offset": (query_json(SECRET, offset=1001), "offset"),
    "negative offset": (query_json(SECRET, offset=-1), "offset"),
    "evidence": (query_json(SECRET, evidence=6), "evidence"),
    "mode": (query_json("a", mode=SECRET), "mode"),
    "query is a number": (b'{"query": 5}', "query"),
    "query is a list": (json.dumps({"query": [SECRET]}).encode(), "query"),
    "no query": (b"{}", "query"),
    "unknown field": (query_json("a", **{SECRET: 1}), ""),
    "unknown surrogate field": (b'{"query": "a", "\\ud800": 1}', ""),
    "a list": (json.dumps([SECRET]).encode(), ""),
    "a text": (json.dumps(SECRET).encode(), ""),
    "null": (b"null", ""),
}


@pytest.mark.parametrize(("body", "field"), INVALID.values(), ids=INVALID)
async def test_a_body_that_does_not_validate_is_422_and_says_where(
    query: RunningQuery, body: bytes, field: str
) -> None:
    problem = check_problem(await query.raw(post(body)), 422)
    assert problem.errors is not None
    assert [error.field for error in problem.errors] == [field]
    assert all(error.message for error in problem.errors)


@pytest.mark.parametrize("length", [511, 512])
async def test_the_longest_query_is_searched(query: RunningQuery, length: int) -> None:
    status, _, body = answer(await query.raw(post(query_json("é" * length, k=100))))
    assert status == 200
    assert len(json.loads(body)["hits"]) == 4


@pytest.mark.parametrize(
    "target",
    [
        "/search",
        "/search?q=",
        "/search?q=%20%E2%80%8B",
        "/search?q=a%00b",
        f"/search?q={SECRET}&k=0",
        f"/search?q={SECRET}&k=x",
        f"/search?q={SECRET}&k=1&{SECRET}=1",
        f"/search?q=a&mode={SECRET}",
        f"/search?q={'a' * 513}",
        f"/movies?cursor={SECRET}!",
        f"/movies?cursor={SECRET}A",
        "/movies?limit=0",
        "/movies/tt0075148/similar?k=101",
        f"/movies/tt0075148/similar?{SECRET}=1",
    ],
)
async def test_bad_parameters_are_422(query: RunningQuery, target: str) -> None:
    check_problem(await query.raw(head("GET", target)), 422)


async def test_a_query_string_that_is_not_utf8_is_400(query: RunningQuery) -> None:
    problem = check_problem(await query.raw(head("GET", f"/search?q={SECRET}%FF%FE")), 400)
    assert problem.code == "malformed-query-string"


async def test_a_large_body_is_413_by_its_length(query: RunningQuery) -> None:
    # The answer comes before the body does, which never does.
    announced = head(
        "POST", "/search", "Content-Type: application/json", "Content-Length: 10000000"
    )
    check_problem(await query.raw(announced), 413)


async def test_a_large_body_is_413_in_chunks(query: RunningQuery) -> None:
    chunk = b"%x\r\n%b\r\n" % (1024, b"a" * 1024)
    chunked = head(
        "POST", "/search", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    check_problem(await query.raw(chunked + chunk * 17 + b"0\r\n\r\n"), 413)


async def test_a_body_of_the_limit_is_read(query: RunningQuery) -> None:
    body = query_json("funny")
    status, _, _ = answer(await query.raw(post(body + b" " * (16 * 1024 - len(body)))))
    assert status == 200
    check_problem(await query.raw(post(body + b" " * (16 * 1024 - len(body) + 1))), 413)


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Nothing: 1",),
        ("Content-Type: text/plain",),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: application/jsonx",),
        ("Content-Type: application/json; charset=utf-16",),
        ("Content-Type: application/json", "Content-Encoding: gzip"),
        ("Content-Type: \xff\xfe",),
    ],
)
async def test_another_type_is_415(query: RunningQuery, headers: tuple[str, ...]) -> None:
    check_problem(await query.raw(post(query_json(SECRET), *headers)), 415)


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: Application/JSON; charset=UTF-8",
        'Content-Type: application/json;charset="utf-8"',
    ],
)
async def test_ways_to_say_json(query: RunningQuery, header: str) -> None:
    status, _, _ = answer(await query.raw(post(query_json("funny"), header)))
    assert status == 200


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("PUT", "/search", "GET, POST"),
        ("DELETE", "/search", "GET, POST"),
        ("OPTIONS", "/search", "GET, POST"),
        ("POST", "/movies", "GET"),
        ("POST", "/movies/tt0075148", "GET"),
        ("BREW", "/search", None),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_another_method_is_405(
    query: RunningQuery, method: str, target: str, allow: str | None
) -> None:
    raw = await query.raw(head(method, target))
    if allow is None:  # the parser does not even know it
        assert answer(raw)[0] == 400
        return
    check_problem(raw, 405)
    assert answer(raw)[1]["allow"] == allow


@pytest.mark.parametrize(
    "target",
    [
        f"/movies/{SECRET}",
        "/movies/%00",
        "/movies/%FF",
        "/movies/%F0%9F%98%80",
        f"/movies/{'a' * 5000}",
        f"/movies/{SECRET}/similar",
        f"/{SECRET}",
        "/search/",
        "/page/../__main__.py",
        "/page/%2e%2e/app.py",
        "/page/index.html",
        "//",
    ],
)
async def test_what_is_not_there_is_404(query: RunningQuery, target: str) -> None:
    check_problem(await query.raw(head("GET", target)), 404)


async def test_a_sane_request_id_is_kept_and_another_replaced(query: RunningQuery) -> None:
    kept = answer(await query.raw(head("GET", "/livez", "X-Request-ID: abc-1.2_X")))[1]
    assert kept["x-request-id"] == "abc-1.2_X"
    for bad in ("a b", "a" * 65, "\xe9", "<script>", ""):
        given = answer(await query.raw(head("GET", "/livez", f"X-Request-ID: {bad}")))[1]
        assert given["x-request-id"] != bad
        assert len(given["x-request-id"]) == 16


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_large_head_is_431(query: RunningQuery, pieces: int) -> None:
    headers = [f"X-{n}: {'a' * (40_000 // pieces)}" for n in range(pieces)]
    raw = await query.raw(head("GET", "/livez", *headers))
    assert raw.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_never_ends_is_431(query: RunningQuery) -> None:
    raw = await query.raw(b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * 30_000)
    assert raw.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "junk",
    [b"\x00\x01\x02\x03\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\r\n"],
)
async def test_what_is_not_http_is_400_and_closed(query: RunningQuery, junk: bytes) -> None:
    assert (await query.raw(junk)).startswith(b"HTTP/1.1 400 ")


async def test_no_cross_origin_access_is_granted(query: RunningQuery) -> None:
    for method in ("GET", "OPTIONS"):
        raw = await query.raw(
            head(method, "/search?q=a", "Origin: https://evil.example",
                 "Access-Control-Request-Method: POST")
        )  # fmt: skip
        assert b"access-control" not in raw.lower()


async def test_the_service_still_answers_after_all_that(query: RunningQuery) -> None:
    for body in (*MALFORMED.values(), *(body for body, _ in INVALID.values())):
        await query.raw(post(body))
    status, _, _ = answer(await query.raw(post(query_json("funny"))))
    assert status == 200
