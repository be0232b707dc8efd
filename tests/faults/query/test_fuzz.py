"""Generated requests, from the OpenAPI document and as raw bytes.

schemathesis generates requests from the document and runs all of its checks: responses are as
documented, requests that violate a schema are refused, valid requests are accepted, and nothing
works without the token. The raw bytes are valid requests that are broken at random: none of them
causes a 5xx other than 503 and 504, no input is echoed, and the process stays alive (I14).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.counts import Counted
from tests.support.query.query_process import TOKEN, QueryProcess, whole_query_child
from tests.support.query.raw_http import SECRET, answer, chunked, head, post, query_json
from tests.support.soak import SOAK, examples, times
from tests.support.waiting import wait_until

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
ALLOWED_5XX = {503, 504}


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryProcess]:
    # Half of the broken requests wait for bytes that never arrive.
    timeouts = {"ARRIVES_WITHIN_S": 0.1, "BODY_TIMEOUT_S": 0.1}
    folder = tmp_path_factory.mktemp("query")
    with whole_query_child(folder, changes={"timeouts": timeouts}, LOG_LEVEL="debug") as running:
        yield running
        log = running.log.read_text()
    assert "Traceback" not in log
    assert "request failed" not in log
    assert SECRET not in log


@pytest.mark.timeout(3600)
def test_the_openapi_document_is_true(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, counted: Counted
) -> None:
    with whole_query_child(tmp_path_factory.mktemp("served")) as query:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file", str(CONFIGURATION), "run", f"{query.base}/openapi.json",
                # No check is named, so all run; a named check would run for every operation.
                "--header", BEARER, "--no-color", "--no-shrink",
                "--suppress-health-check", "all", "--max-examples", str(times(5, soak=400)),
                *([] if SOAK else ["--seed", "1"]),
            ],
            cwd=tmp_path,
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)},
            capture_output=True,
            text=True,
        )  # fmt: skip
        log = query.log.read_text()
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases is not None, done.stdout
    assert cases[1] == cases[2]
    assert "Traceback" not in log
    counted("generated requests", int(cases[1]))


REQUESTS = (
    post(query_json(SECRET), JSON),
    post(query_json(SECRET, k=3, avoid="sad", like=["nm:1"], filters={"year": {"gte": 1990}})),
    post(json.dumps({"searches": [{"query": SECRET}] * 3}).encode(), target="/search/batch"),
    chunked(query_json(SECRET), b""),
    head("GET", f"/search?q={SECRET}&k=5&mode=lexical"),
    head("GET", f"/suggest?q={SECRET}"),
    head("GET", "/movies?limit=2&cursor=bm06MQ"),
    head("GET", "/movies/tt0075148/similar?diversity=0.5"),
    head("GET", f"/movies/{SECRET}"),
    head("GET", "/map", "Accept-Encoding: gzip", 'If-None-Match: "x"'),
    head("GET", "/snapshot") + head("GET", "/metrics"),
    head("GET", "/admin/dead-letters?limit=2&cursor=1-1", BEARER),
    head("DELETE", "/admin/dead-letters/1-1", BEARER),
    post(b'{"ids": ["1-1"]}', JSON, BEARER, target="/admin/dead-letters/replay"),
    post(b'{"source": "demo"}', JSON, BEARER, "Idempotency-Key: k", target="/admin/ingest"),
    head("GET", "/admin/ingest/run", BEARER),
    head("POST", "/admin/snapshots/00000001-00000000/activate", BEARER),
)
PIECES = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b" ", b":",
    b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u202e", b"NaN", b"-Infinity", b"1e999", b"null",
    b"[" * 9, b'{"a":' * 9, b"9" * 30, b"-1", b"%", b"%00", b"%FF", b"%ED%A0%80", b"&q=x", b"?",
    b"#", b"//", b"*", b"\xe2\x80\x8b", b"\xf0\x9f\x98\x80" * 9, b"a" * 600, b"a" * 17_000, b"0-0",
    b"Content-Length: 5\r\n", b"Content-Length: 99999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n",
    b"Connection: upgrade\r\n", b"Connection: keep-alive\r\n", b"Host: b\r\n", b"0\r\n\r\n",
    b"fffffffff\r\n",
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Draw one or two valid requests with some bytes changed, removed, inserted or repeated."""
    request = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(request)))
        upto = min(len(request), at + draw(st.integers(0, 40)))
        piece = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(request[at:upto] * 2))
        )
        request = request[:at] + piece + request[upto:]
    return request


def quiet(function: Callable[..., None]) -> Callable[..., None]:
    """Set the number of examples; the server outlives an example on purpose."""
    return settings(
        max_examples=examples(250),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )(function)


@quiet
@given(request=st.one_of(broken(), st.binary(max_size=200)))
@example(request=head("GET", "/admin/dead-letters?cursor=0-0", BEARER))
@example(request=head("GET", "/search?q=%C2%B2", "Content-Length: \xb2"))
def test_no_bytes_make_it_fail(query: QueryProcess, counted: Counted, request: bytes) -> None:
    check(query, request)
    counted("broken requests", 1)


NAMES = (
    "query", "k", "offset", "avoid", "like", "unlike", "filters", "mode", "evidence", "diversity",
    "explain", "year", "genres", "rating", "gte", "lte", "any", "none", "x",
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.integers(-2, 102), st.floats(),
        st.text(max_size=30), st.characters(), st.sampled_from(["nm:1", "lexical", SECRET]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=10,
)  # fmt: skip


@quiet
@given(body=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
@example(body={"query": "a", "filters": {"rating": {"gte": float("nan")}}})
@example(body={"query": "a", "like": ["\ud800"]})
def test_no_json_makes_it_fail(query: QueryProcess, counted: Counted, body: Any) -> None:
    check(query, post(json.dumps({"query": "boxer", **body}).encode()))
    counted("odd bodies", 1)


def check(query: QueryProcess, request: bytes) -> None:
    """The response is HTTP, is no failure, and contains nothing of the request."""
    raw = query.raw(request)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", raw)]
    assert raw == b"" or raw.startswith(b"HTTP/1.1 ")
    assert all(status < 500 or status in ALLOWED_5XX for status in statuses), raw[:500]
    assert SECRET.encode() not in raw
    # Repeated, because a busy client may miss the short timeout.
    wait_until(lambda: answer(query.raw(head("GET", "/livez"))).status == 200, what="it lives")
