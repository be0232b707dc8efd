"""Bad input, row by row, as raw bytes on the socket of one real process.

The next request is part of the test: after each bad input, the process still answers.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from services.query.http.problems import ProblemDetails
from tests.support.counts import Counted
from tests.support.query.query_process import TOKEN, QueryProcess, whole_query_child
from tests.support.query.raw_http import (
    SECRET,
    answer,
    answers,
    chunked,
    head,
    post,
    problem_in,
    query_json,
)

BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
KIB = 1024
BODY_TIMEOUT_S = 1.5  # a busy machine may pause between the parts of a body
Refused = Callable[..., list[ProblemDetails]]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryProcess]:
    folder = tmp_path_factory.mktemp("query")
    changes = {"timeouts": {"BODY_TIMEOUT_S": BODY_TIMEOUT_S}}
    with whole_query_child(folder, changes=changes, LOG_LEVEL="debug") as running:
        yield running
        log = running.log.read_text()
    assert SECRET not in log
    assert TOKEN not in log
    assert "Traceback" not in log


@pytest.fixture
def refused(query: QueryProcess, counted: Counted) -> Refused:
    """Send requests; each must be refused with the status and leave the process alive."""

    def ask(cases: Mapping[str, bytes], status: int, code: str) -> list[ProblemDetails]:
        problems, wrong = [], {}
        for name, request in cases.items():
            try:
                response = answer(query.raw(request))
                problem = problem_in(response, status)
                assert problem.code == code
                problems.append(problem)
                assert answer(query.raw(head("GET", "/livez"))).status == 200
            except AssertionError as error:
                wrong[name] = str(error)
        assert not wrong
        counted("bad inputs", len(cases))
        return problems

    return ask


def bodies(cases: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: post(body) for name, body in cases.items()}


MALFORMED = {
    "empty": b"",
    "cut": f'{{"query": "{SECRET}'.encode(),
    "trailing comma": f'{{"query": "{SECRET}",}}'.encode(),
    "comment": f'{{"query": "{SECRET}" /* */}}'.encode(),
    "single quotes": f"{{'query': '{SECRET}'}}".encode(),
    "two values": f'{{"query": "{SECRET}"}} {{}}'.encode(),
    "invalid UTF-8": f'{{"query": "{SECRET}\xff"}}'.encode("latin-1"),
    "overlong UTF-8": b'{"query": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"query": "\xed\xa0\x80"}',
    "UTF-16": f'{{"query": "{SECRET}"}}'.encode("utf-16"),
    "UTF-16 without BOM": f'{{"query": "{SECRET}"}}'.encode("utf-16-le"),
    "UTF-32": f'{{"query": "{SECRET}"}}'.encode("utf-32"),
    "BOM": f'\ufeff{{"query": "{SECRET}"}}'.encode(),
    "NaN": f'{{"query": "{SECRET}", "k": NaN}}'.encode(),
    "Infinity": f'{{"query": "{SECRET}", "k": Infinity}}'.encode(),
    "-Infinity": f'{{"query": "{SECRET}", "k": -Infinity}}'.encode(),
    "overflow": f'{{"query": "{SECRET}", "k": 1e999}}'.encode(),
    "leading zero": b'{"query": "a", "k": 01}',
    "hexadecimal": b'{"query": "a", "k": 0x10}',
    "depth 9": b'{"query": ' + b"[" * 8 + b"]" * 8 + b"}",
    "depth 9 of objects": b'{"query": ' + b'{"a":' * 8 + b"1" + b"}" * 8 + b"}",
    "depth 16,000": b"[" * 16_000,
    "5000 digits": b'{"query": "a", "k": ' + b"9" * 5000 + b"}",
    "-5000 digits": b'{"query": "a", "k": -' + b"9" * 5000 + b"}",
    "raw NUL": b'{"query": "a\x00b"}',
    "raw newline": b'{"query": "a\nb"}',
    "bad escape": b'{"query": "\\x41"}',
}


def test_a_body_that_is_not_strict_json_is_400(refused: Refused) -> None:
    refused(bodies(MALFORMED), 400, "malformed-json")


INVALID = {
    "lone surrogate": (b'{"query": "a\\ud800b"}', ""),
    "surrogates in the wrong order": (b'{"query": "\\udc00\\ud800"}', ""),
    "NUL": (b'{"query": "a\\u0000b"}', "query"),
    "escape": (b'{"query": "\\u001b[31m"}', "query"),
    "C1 control": (b'{"query": "a\\u0085b"}', "query"),
    "spaces": (query_json("   "), "query"),
    "ideographic space": (query_json("\u3000"), "query"),
    "empty": (query_json(""), "query"),
    "zero width": (query_json("\u200b\u200d\ufeff"), "query"),
    "bidi": (query_json("\u202e\u2069"), "query"),
    "blank letters": (query_json("\u3164\u115f"), "query"),
    "513 code points": (query_json("é" * 513), "query"),
    "many code points": (query_json(SECRET * 1000), "query"),
    "k 0": (query_json(SECRET, k=0), "k"),
    "k -1": (query_json(SECRET, k=-1), "k"),
    "k 101": (query_json(SECRET, k=101), "k"),
    "k as text": (query_json(SECRET, k="10"), "k"),
    "k true": (query_json(SECRET, k=True), "k"),
    "k 1.5": (query_json(SECRET, k=1.5), "k"),
    "k null": (query_json(SECRET, k=None), "k"),
    "k huge": (query_json(SECRET, k=10**19), "k"),
    "offset": (query_json(SECRET, offset=1001), "offset"),
    "negative offset": (query_json(SECRET, offset=-1), "offset"),
    "evidence": (query_json(SECRET, evidence=6), "evidence"),
    "diversity": (query_json(SECRET, diversity=1.01), "diversity"),
    "mode": (query_json("a", mode=SECRET), "mode"),
    "explain": (query_json("a", explain="yes"), "explain"),
    "avoid": (query_json("a", avoid="\u200b"), "avoid"),
    "like": (query_json("a", like=[""] * 11), "like"),
    "year": (query_json("a", filters={"year": {"gte": 2, "lte": 1}}), "filters.year"),
    "query is a number": (b'{"query": 5}', "query"),
    "query is a list": (json.dumps({"query": [SECRET]}).encode(), "query"),
    "no query": (b"{}", "query"),
    "unknown field": (query_json("a", **{SECRET: 1}), ""),
    "unknown field inside": (query_json("a", filters={SECRET: 1}), "filters"),
    "unknown surrogate field": (b'{"query": "a", "\\ud800": 1}', ""),
    "a list": (json.dumps([SECRET]).encode(), ""),
    "a text": (json.dumps(SECRET).encode(), ""),
    "a number": (b"7", ""),
    "null": (b"null", ""),
}


def test_a_body_that_does_not_validate_is_422_and_says_where(refused: Refused) -> None:
    requests = bodies({name: body for name, (body, _) in INVALID.items()})
    problems = refused(requests, 422, "invalid-request")
    for problem, (name, (_, field)) in zip(problems, INVALID.items(), strict=True):
        assert problem.errors, name
        assert {error.field.split(".")[0] for error in problem.errors} == {field.split(".")[0]}
        assert field in [error.field for error in problem.errors] or name == "like", name
        assert all(error.message for error in problem.errors)


def test_a_batch_is_judged_search_by_search(refused: Refused) -> None:
    def batch(*searches: Any) -> bytes:
        return post(json.dumps({"searches": searches}).encode(), target="/search/batch")

    good = {"query": "boxer"}
    [none, many, second] = refused(
        {"none": batch(), "65": batch(*[good] * 65), "bad": batch(good, {"query": SECRET, "k": 0})},
        422, "invalid-request",
    )  # fmt: skip
    for problem, field in ((none, "searches"), (many, "searches"), (second, "searches.1.k")):
        assert problem.errors is not None
        assert [error.field for error in problem.errors] == [field]


@pytest.mark.parametrize("length", [511, 512])
def test_the_longest_query_with_a_k_beyond_the_catalogue_is_searched(
    query: QueryProcess, length: int
) -> None:
    response = answer(query.raw(post(query_json("é" * length, k=100))))
    assert response.status == 200
    assert len(json.loads(response.body)["hits"]) == 4


def test_bad_parameters_are_422(refused: Refused) -> None:
    targets = [
        "/search",
        "/search?q=",
        "/search?q=%20%E2%80%8B",
        "/search?q=a%00b",
        "/search?q=%1B",
        f"/search?q={SECRET}&k=0",
        f"/search?q={SECRET}&k=x",
        f"/search?q={SECRET}&k=1&{SECRET}=1",
        f"/search?q=a&mode={SECRET}",
        f"/search?q={'a' * 513}",
        f"/suggest?q={SECRET}&limit=21",
        f"/movies?cursor={SECRET}!",
        f"/movies?cursor={SECRET}A",
        "/movies?limit=0",
        "/movies/tt0075148/similar?k=101",
        f"/movies/tt0075148/similar?{SECRET}=1",
    ]
    refused({target: head("GET", target) for target in targets}, 422, "invalid-request")


def test_a_query_string_that_is_not_utf8_is_400(refused: Refused) -> None:
    targets = [f"/search?q={SECRET}%FF%FE", "/livez?%C0", "/search?q=%ED%A0%80", "/metrics?=%80"]
    refused({target: head("GET", target) for target in targets}, 400, "malformed-query-string")


def test_a_large_body_is_413_chunked_or_not(refused: Refused) -> None:
    length = "Content-Length: "
    refused(
        {
            # The response comes at once, although the body never arrives.
            "announced": head("POST", "/search", JSON, f"{length}10000000"),
            "announced, 19 digits": head("POST", "/search", JSON, f"{length}{10**18}"),
            "one byte over": post(query_json("a").ljust(96 * KIB + 1)),
            "chunks of 1 KiB": chunked(*[b"a" * KIB] * 97),
            "one chunk": chunked(b"a" * (96 * KIB + 1)),
            "chunks of a byte": chunked(*[b" "] * (96 * KIB + 1)),
            "batch": post(b" " * (256 * KIB + 1), target="/search/batch"),
            "batch in chunks": chunked(*[b" " * 16 * KIB] * 17, target="/search/batch"),
        },
        413, "body-too-large",
    )  # fmt: skip


def test_a_body_of_the_limit_is_read(query: QueryProcess) -> None:
    body = query_json("funny").ljust(96 * KIB)
    assert answer(query.raw(post(body))).status == 200
    assert answer(query.raw(chunked(body[: 8 * KIB], body[8 * KIB :], b""))).status == 200


def test_a_body_that_does_not_come_is_408(refused: Refused) -> None:
    body = query_json(SECRET)
    refused(
        {
            "longer than announced": head("POST", "/search", JSON, "Content-Length: 99") + body,
            "no last chunk": chunked(body),
            "nothing": head("POST", "/search", JSON, "Content-Length: 9"),
        },
        408, "body-timeout",
    )  # fmt: skip


def test_another_type_is_415(refused: Refused) -> None:
    cases = [
        ("X-Nothing: 1",),
        ("Content-Type:",),
        ("Content-Type: text/plain",),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Content-Type: application/jsonx",),
        ("Content-Type: application/json; charset=utf-16",),
        ("Content-Type: \xff\xfe",),
        *((JSON, f"Content-Encoding: {name}") for name in ("gzip", "br", "deflate", SECRET)),
    ]
    refused({str(case): post(query_json(SECRET), *case) for case in cases}, 415,
            "unsupported-media-type")  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: Application/JSON; charset=UTF-8",
        'Content-Type: application/json;charset="utf-8"',
    ],
)
def test_ways_to_say_json(query: QueryProcess, header: str) -> None:
    assert answer(query.raw(post(query_json("funny"), header))).status == 200


def test_another_method_is_405_and_says_which_are_allowed(
    refused: Refused, query: QueryProcess
) -> None:
    allowed = {
        ("PUT", "/search"): "GET, HEAD, POST",
        ("DELETE", "/search"): "GET, HEAD, POST",
        ("OPTIONS", "/search"): "GET, HEAD, POST",
        ("TRACE", "/search"): "GET, HEAD, POST",
        ("PATCH", "/search/batch"): "POST",
        ("HEAD", "/search/batch"): "POST",
        ("POST", "/movies"): "GET, HEAD",
        ("POST", "/movies/tt0075148"): "GET, HEAD",
        ("POST", "/"): "GET, HEAD",
        ("PROPFIND", "/livez"): "GET, HEAD",
        ("PUT", "/admin/ingest"): "GET, HEAD, POST",
    }
    for (method, target), allow in allowed.items():
        if method != "HEAD":  # its response has no body
            refused({f"{method} {target}": head(method, target)}, 405, "method-not-allowed")
        top = query.raw(head(method, target)).partition(b"\r\n\r\n")[0].lower()
        assert top.startswith(b"http/1.1 405 ")
        assert f"\r\nallow: {allow}".lower().encode() + b"\r\n" in top


def test_a_host_that_is_missing_twice_there_or_not_ours_is_refused(
    refused: Refused, query: QueryProcess
) -> None:
    """A page of another site cannot read answers by having its name point here."""
    line = "GET /search?q=boxer HTTP/1.1\r\n"
    refused(
        {
            "none": f"{line}Connection: close\r\n\r\n".encode(),
            "two": head("GET", "/search?q=boxer", "Host: localhost"),
            "two, another's": head("GET", "/search?q=boxer", "Host: evil.example"),
            "empty": head("GET", "/search?q=boxer", host=""),
            "malformed": head("GET", "/search?q=boxer", host="a b"),
            "none, absolute": b"GET http://localhost/livez HTTP/1.1\r\nConnection: close\r\n\r\n",
        },
        400, "invalid-host",
    )  # fmt: skip
    name = f"{SECRET}.example"
    problems = refused(
        {
            "GET": head("GET", "/search?q=boxer", host=name),
            "with a port": head("GET", "/movies", host=f"{name}:8000"),
            "POST": post(query_json(SECRET)).replace(b"Host: localhost", f"Host: {name}".encode()),
            "the page": head("GET", "/", host=name),
            "metrics": head("GET", "/metrics", host=name),
            "absolute target": head("GET", f"http://{name}/livez"),
            "HTTP/1.0": f"GET /livez HTTP/1.0\r\nHost: {name}\r\n\r\n".encode(),
        },
        421, "host-not-allowed",
    )  # fmt: skip
    assert all("MOVIE_SEARCH_ALLOWED_HOSTS" in problem.detail for problem in problems)
    log = query.log.read_text()
    assert log.count("host not allowed") == 1
    for host in ("localhost:8000", "127.0.0.1", f"[::1]:{query.port}", "192.168.7.7:80"):
        assert answer(query.raw(head("GET", "/livez", host=host))).status == 200


def test_head_is_get_without_a_body(query: QueryProcess) -> None:
    targets = ["/", "/livez", "/readyz", "/search?q=boxer", "/movies", "/movies/tt0075148", "/docs",
               "/suggest?q=a", "/facets", "/snapshot", "/metrics", "/openapi.json", "/map",
               "/movies/none", "/search", "/nothing", "/admin/sources"]  # fmt: skip
    for target in targets:
        got = answer(query.raw(head("GET", target)))
        top, separator, body = query.raw(head("HEAD", target)).partition(b"\r\n\r\n")
        assert separator
        assert body == b"", target
        [asked] = answers(top.replace(b"content-length", b"x-length") + separator)
        assert asked.status == got.status, target
        assert asked.headers["content-type"] == got.headers["content-type"]
        if target not in {"/search?q=boxer", "/metrics"}:  # times, and counts, of another length
            assert asked.headers["x-length"] == got.headers["content-length"], target


def test_gzip_that_is_not_accepted_is_not_sent(query: QueryProcess) -> None:
    for target in ("/docs", "/map"):
        plain = answer(query.raw(head("GET", target, "Accept-Encoding: gzip;q=0, *;q=0.5")))
        assert "content-encoding" not in plain.headers, target
        zipped = answer(query.raw(head("GET", target, "Accept-Encoding: br, gzip;q=0.5")))
        assert zipped.headers["content-encoding"] == "gzip", target
        assert gzip.decompress(zipped.body) == plain.body


def test_what_is_not_there_is_404(refused: Refused) -> None:
    movies = [SECRET, "%00", "%FF", "%F0%9F%98%80", "a" * 5000, "%2e%2e", "'%20OR%201=1--"]
    refused({movie: head("GET", f"/movies/{movie}") for movie in movies}, 404, "unknown-movie")
    refused({movie: head("GET", f"/movies/{movie}/similar") for movie in movies},
            404, "unknown-movie")  # fmt: skip
    targets = [
        f"/{SECRET}", "/search/", "/page/../__main__.py", "/page/%2e%2e/app.py", "//", "/SEARCH",
        "/page/index.html", "/assets/..%2f..%2fapp.py", "/livez;a=b", "/%00", "/movies/%2e%2e%2f",
    ]  # fmt: skip
    refused({target: head("GET", target) for target in targets}, 404, "not-found")


def test_a_sane_request_id_is_kept_and_another_replaced(query: QueryProcess) -> None:
    kept = answer(query.raw(head("GET", "/livez", "X-Request-ID: abc-1.2_X"))).headers
    assert kept["x-request-id"] == "abc-1.2_X"
    for bad in ("a b", "a" * 65, "\xe9", "<script>", ""):
        given = answer(query.raw(head("GET", "/livez", f"X-Request-ID: {bad}"))).headers
        assert given["x-request-id"] != bad
        assert len(given["x-request-id"]) == 16


def test_what_is_not_http_is_400_and_closed(refused: Refused) -> None:
    line = b"GET /livez HTTP/1.1\r\n"
    host = b"Host: a\r\n"
    cases = {
        "binary": b"\x00\x01\x02\x03\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        "no target": b"GET\r\n\r\n",
        "HTTP/9.9": b"GET / HTTP/9.9\r\n\r\n",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "unknown method": head("BREW", "/search"),
        "lower case": head("get", "/search"),
        "CONNECT": head("CONNECT", "films.example:80"),
        "target without slash": head("GET", SECRET),
        "target with a space": head("GET", f"/ {SECRET}"),
        "target in Latin-1": head("GET", "/movies/\xe9"),
        "NUL in a header": line + b"X: a\x00b\r\n\r\n",
        "folded header": line + host + b"X: a\r\n b: c\r\n\r\n",
        "header without colon": line + b"Nothing\r\n\r\n",
        "space before the colon": line + b"Host : a\r\n\r\n",
        "bare CR": line + b"Host: a\rX: b\r\n\r\n",
        "two lengths": head("POST", "/search", JSON, "Content-Length: 2", "Content-Length: 3"),
        "length and chunks": head("POST", "/search", JSON, "Content-Length: 2",
                                  "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        "negative length": head("POST", "/search", JSON, "Content-Length: -1"),
        "length in words": head("POST", "/search", JSON, "Content-Length: two"),
        "length of 400 digits": head("POST", "/search", JSON, f"Content-Length: {'9' * 400}"),
        "length with a sign": head("POST", "/search", JSON, "Content-Length: +2"),
        "chunks of words": chunked() + b"zz\r\n{}\r\n0\r\n\r\n",
        "chunk too large to say": chunked() + b"f" * 40 + b"\r\n",
        "chunk longer than said": chunked() + b"1\r\n{}\r\n0\r\n\r\n",
    }  # fmt: skip
    refused(cases, 400, "malformed-request")


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_large_head_is_431(refused: Refused, pieces: int) -> None:
    headers = [f"X-{n}: {'a' * (40_000 // pieces)}" for n in range(pieces)]
    refused(
        {
            "headers": head("GET", "/livez", *headers),
            "target": head("GET", f"/{'a' * 40_000}"),
            "query": head("GET", f"/search?q={'a' * 40_000}"),
            "never ends": b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * 30_000,
            "method never ends": b"GET /" + b"a" * 30_000,
        },
        431, "head-too-large",
    )  # fmt: skip


def test_odd_but_right_requests_are_answered(query: QueryProcess, counted: Counted) -> None:
    old = b"GET /livez HTTP/1.0\r\n\r\n"
    cases = {
        "absolute target": head("GET", "http://localhost:80/livez", host="evil.example"),
        "HTTP/1.0": old,
        "blank lines before": b"\r\n\r\n" + head("GET", "/livez"),
        "fragment": head("GET", "/livez#x"),
        "unused query string": head("GET", "/livez?x=%20&&&=="),
        "header twice": head("GET", "/livez", "X-Request-ID: a", "X-Request-ID: b"),
        "unused body": head("GET", "/livez", "Content-Length: 2") + b"{}",
        "expect": head("GET", "/livez", "Expect: 100-continue"),
        "an upgrade that is not for this connection": head("GET", "/livez", "Upgrade: h2c"),
    }
    for name, request in cases.items():
        assert answer(query.raw(request)).status == 200, name
    counted("odd requests", len(cases))


def test_pipelined_requests_are_answered_in_their_order(query: QueryProcess) -> None:
    first = head("GET", "/livez", "X-Request-ID: 1", close=False)
    second = post(query_json("boxer"), JSON, "X-Request-ID: 2", close=False)
    third = post(query_json(""), JSON, "X-Request-ID: 3", close=False)
    last = head("GET", "/readyz", "X-Request-ID: 4")
    responses = answers(query.raw(first + second + third + last))
    assert [(one.status, one.headers["x-request-id"]) for one in responses] == [
        (200, "1"), (200, "2"), (422, "3"), (200, "4"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rubbish", "status", "code"),
    [
        (b"RUBBISH\r\n\r\n", 400, "malformed-request"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 30_000, 431, "head-too-large"),
        (chunked() + b"zz\r\n", 400, "malformed-request"),
    ],
)
def test_a_refusal_never_overtakes_the_answers_before_it(
    query: QueryProcess, rubbish: bytes, status: int, code: str
) -> None:
    searches = [
        post(query_json(f"boxer {n}"), JSON, f"X-Request-ID: {n}", close=False) for n in range(3)
    ]
    *responses, refusal = answers(query.raw(b"".join(searches) + rubbish))
    assert [(one.status, one.headers["x-request-id"]) for one in responses] == [
        (200, "0"), (200, "1"), (200, "2"),
    ]  # fmt: skip
    assert problem_in(refusal, status).code == code


def test_a_body_longer_than_announced_is_another_request(query: QueryProcess) -> None:
    body = query_json("funny")
    responses = answers(query.raw(head("POST", "/search", JSON, f"Content-Length: {len(body)}",
                                   close=False) + body + b"more"))  # fmt: skip
    assert responses[0].status == 200
    assert problem_in(responses[1], 400, 408).code in {"malformed-request", "head-timeout"}


def test_no_cross_origin_access_is_granted(query: QueryProcess) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        raw = query.raw(
            head(method, "/search?q=a", "Origin: https://evil.example",
                 "Access-Control-Request-Method: POST")
        )  # fmt: skip
        assert b"access-control" not in raw.lower()


def test_the_admin_api_says_no_and_why(refused: Refused) -> None:
    """One token of each kind; test_security.py tests all of them."""
    target = "/admin/ingest"
    refused(
        {
            "none": head("GET", target),
            "wrong": head("GET", target, f"Authorization: Bearer {SECRET}"),
            "not ASCII": head("GET", target, "Authorization: Bearer p\xe4ss"),
            "in the query": head("GET", f"{target}?token={TOKEN}&access_token={TOKEN}"),
            "before the body": head("POST", target, JSON, "Content-Length: 9"),
        },
        401, "unauthorized",
    )  # fmt: skip
    bad: list[dict[str, Any]] = [
        {"source": SECRET.upper()},
        {"source": 5},
        {"source": "http://films.example"},
        {},
    ]
    refused(
        {str(body): post(json.dumps(body).encode(), JSON, BEARER, target=target) for body in bad},
        422, "invalid-request",
    )  # fmt: skip
    unknown = post(json.dumps({"source": SECRET}).encode(), JSON, BEARER, target=target)
    refused({"unknown": unknown}, 422, "unknown-source")
    refused({"not JSON": post(b"{", JSON, BEARER, target=target)}, 400, "malformed-json")
    refused({"run": head("GET", f"{target}/{SECRET}", BEARER)}, 404, "unknown-run")
    letter = f"/admin/dead-letters/{SECRET}"
    refused({"letter": head("DELETE", letter, BEARER)}, 404, "unknown-dead-letter")
    snapshot = f"/admin/snapshots/{SECRET}/activate"
    refused({"snapshot": head("POST", snapshot, BEARER)}, 404, "unknown-snapshot")


def test_a_second_run_is_409_and_a_repeated_key_gets_the_same_202(
    query: QueryProcess, refused: Refused
) -> None:
    def ingest(source: str, *headers: str) -> bytes:
        body = json.dumps({"source": source}).encode()
        return post(body, JSON, BEARER, *headers, target="/admin/ingest")

    key = "Idempotency-Key: 8e03978e-40d5"
    first, again = (answer(query.raw(ingest("demo", key))) for _ in range(2))
    assert (first.status, again.status, again.body) == (202, 202, first.body)
    [problem] = refused({"second": ingest("demo")}, 409, "source-busy")
    assert problem.run_id == json.loads(first.body)["run_id"]
