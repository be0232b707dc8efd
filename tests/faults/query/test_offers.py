"""Offers of another protocol: the request is answered, with its body, and those behind it too.

Java's HttpClient and ``curl --http2`` make such an offer with their first request. A server may
ignore it (RFC 9110, section 7.8).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.query.http.connection import MAX_HEAD_BYTES
from tests.support.counts import Counted
from tests.support.query.query_process import QueryProcess, publish, query_child, read_all
from tests.support.query.raw_http import Answer, answer, answers, head, post, problem_in, query_json

JSON = "Content-Type: application/json"
SETTINGS = "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"
OFFERS = {
    # The headers of JDK 17's java.net.http.HttpClient, in its order.
    "java": (
        "Connection: Upgrade, HTTP2-Settings", SETTINGS, "Upgrade: h2c",
        "User-Agent: Java-http-client/17.0.9",
    ),
    "curl": ("User-Agent: curl/8.5.0", "Accept: */*", "Connection: Upgrade, HTTP2-Settings",
             "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
    "websocket": ("Upgrade: websocket", "Connection: keep-alive, Upgrade",
                  "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "TLS": ("Connection: Upgrade", "Upgrade: TLS/1.0, HTTP/2.0"),
    "two": ("Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket"),
}  # fmt: skip


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryProcess]:
    folder = tmp_path_factory.mktemp("query")
    publish(folder)
    with query_child(folder) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


def search(*headers: str, number: int = 1, query: str = "boxer") -> bytes:
    return post(query_json(query), JSON, f"X-Request-ID: {number}", *headers, close=False)


def is_found(response: Answer, number: int) -> bool:
    assert response.status == 200, response.body
    assert response.headers["x-request-id"] == str(number)
    assert "upgrade" not in response.headers
    return bool(json.loads(response.body)["hits"])


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_a_post_with_an_offer_is_answered(
    query: QueryProcess, counted: Counted, offer: tuple[str, ...]
) -> None:
    last = head("GET", "/livez", "X-Request-ID: last")
    first, livez = answers(query.raw(search(*offer) + last))
    assert is_found(first, 1)
    assert (livez.status, livez.headers["x-request-id"]) == (200, "last")
    counted("offers", 1)


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_an_offer_in_pieces_is_answered(
    query: QueryProcess, counted: Counted, offer: tuple[str, ...]
) -> None:
    request = search(*offer) + head("GET", "/livez", *offer, close=False) + head("GET", "/livez")
    with query.connect() as connection:
        for at in range(len(request)):
            connection.sendall(request[at : at + 1])
        first, *others = answers(read_all(connection))
    assert is_found(first, 1)
    assert [one.status for one in others] == [200, 200]
    counted("offers", 2)


def test_requests_behind_offers_are_answered_in_their_order(
    query: QueryProcess, counted: Counted
) -> None:
    java = OFFERS["java"]
    count = 40
    requests = [search(*(java if n % 3 else ()), number=n) for n in range(count)]
    body = query_json("boxer")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:5], body[5:]))
    requests.append(
        head("POST", "/search", JSON, "Transfer-Encoding: chunked", f"X-Request-ID: {count}",
             *java, close=False) + chunks + b"0\r\n\r\n"
    )  # fmt: skip
    requests.append(head("GET", "/livez"))
    *found, livez = answers(query.raw(b"".join(requests)))
    assert len(found) == count + 1
    assert all(is_found(response, n) for n, response in enumerate(found))
    assert livez.status == 200
    counted("offers", count)


def test_an_offer_lifts_no_limit(query: QueryProcess) -> None:
    java = OFFERS["java"]
    long = f"X-Long: {'a' * MAX_HEAD_BYTES}"
    assert problem_in(answer(query.raw(search(*java, long))), 431).code == "head-too-large"
    large = post(b" " * (96 * 1024 + 1), JSON, *java, close=False)
    assert problem_in(answers(query.raw(large))[0], 413).code == "body-too-large"
    first, second = answers(query.raw(search(*java) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    assert is_found(first, 1)
    assert problem_in(second, 400).code == "malformed-request"
    # The last chunk and the length of a body are read as without the offer: nothing is smuggled.
    both = head("POST", "/search", JSON, "Content-Length: 4", "Transfer-Encoding: chunked", *java)
    assert problem_in(answer(query.raw(both + b"0\r\n\r\n")), 400).code == "malformed-request"


def test_a_tunnel_is_refused_and_nothing_behind_it_is_read(query: QueryProcess) -> None:
    for target in ("films.example:80", "/livez", "localhost:8000"):
        request = head("CONNECT", target, close=False) + head("GET", "/livez")
        assert problem_in(answer(query.raw(request)), 400).code == "malformed-request"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_posts_with_http2(query: QueryProcess, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(query_json("boxer"))
    done = subprocess.run(
        ["curl", "--silent", "--http2", "--max-time", "20", "--json", f"@{body}",
         f"{query.base}/search"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["hits"]
