"""Memory and file descriptors stay constant over reloads, requests and broken connections."""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path

import httpx
import psutil
import pytest

from shared.snapshot.commit import point_current_at
from tests.support.counts import Counted
from tests.support.query.query_process import TOKEN, QueryProcess, publish, query_child
from tests.support.query.raw_http import head, post, query_json
from tests.support.query.snapshots import MOVIES, SampleMovie
from tests.support.soak import times
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

GROWTH = 1.05
JSON = "Content-Type: application/json"


def movies(count: int) -> list[SampleMovie]:
    text = " ".join(f"A sentence about number {n} of many." for n in range(40))
    return [
        *MOVIES,
        *(SampleMovie(f"tt{n}", (f"{text} {n}",), title=f"Movie {n}") for n in range(count)),
    ]


def settled_fds(process: psutil.Process) -> int:
    """Count open files after closed connections are released; a lease may briefly be two files."""
    return min(process.num_fds() for _ in range(20))


@pytest.mark.timeout(3600)
def test_reloads_leave_nothing_behind(tmp_path: Path, counted: Counted) -> None:
    builder = publish(tmp_path, movies(60))
    builder.publish(movies(60))
    ids = builder.store.snapshot_ids()
    reloads = times(40, soak=200)
    with query_child(tmp_path, RELOAD_INTERVAL_S="0.02") as query:
        process = query.family()[0]
        with httpx.Client(base_url=query.base, timeout=20) as client:

            def served() -> str:
                match: str = client.get("/snapshot").json()["snapshot_id"]
                return match

            def reload() -> None:
                before = served()
                [other] = [name for name in ids if name != before]
                point_current_at(builder.store, other)
                wait_until(lambda: served() == other, what="it is served")
                assert client.get("/search", params={"q": f"number {other}"}).status_code == 200

            for _ in range(20):  # allocators and caches reach their final size
                reload()
            fds, rss = process.num_fds(), process.memory_info().rss
            for _ in range(reloads):
                reload()
            wait_until(lambda: process.num_fds() <= fds, what="no file is left open")
            grown = process.memory_info().rss / rss
            maps = {part.path for part in process.memory_maps(grouped=True)}
        assert grown <= GROWTH
        assert not [path for path in maps if "(deleted)" in path and "snapshots" in path]
        assert metric(query, 'movie_search_reloads_total{outcome="failed"}') == 0
    counted("reloads", reloads)


@pytest.mark.timeout(3600)
def test_requests_leave_nothing_behind(tmp_path: Path, counted: Counted) -> None:
    """Send good and bad requests on connections that are kept, closed, cut and abandoned."""
    publish(tmp_path, movies(60))
    requests = times(5_000, soak=100_000)
    with query_child(tmp_path, QUERY_CACHE="256", ADMIN_TOKEN=TOKEN) as query:
        process = query.family()[0]
        asked = 0

        def ask(count: int) -> None:
            nonlocal asked
            until = asked + count
            while asked < until:
                asked += 60
                one_after_the_other(query, asked)
                cut(query, asked)

        ask(2_000)
        fds, rss = settled_fds(process), process.memory_info().rss
        ask(requests)
        wait_until(lambda: process.num_fds() <= fds, what="no connection is left open")
        grown = process.memory_info().rss / rss
        assert grown <= GROWTH
        assert process.num_threads() < 40
    counted("requests", requests)


def one_after_the_other(query: QueryProcess, number: int) -> None:
    """Send fifty requests on one connection."""
    kinds = [
        post(query_json(f"sentence {number}", k=5), JSON, close=False),
        post(query_json(""), JSON, close=False),
        post(b"{", JSON, close=False),
        head("GET", f"/movies/tt{number % 90}", close=False),
        head("GET", f"/nothing/{number}", close=False),
        head("GET", f"/search?q=number+{number}&mode=lexical", close=False),
        head("GET", "/admin/ingest", f"Authorization: Bearer {number}", close=False),
        head("PUT", "/search", close=False),
        head("GET", "/livez", f"X-Request-ID: {number}", close=False),
        head("GET", "/map", close=False),
    ]
    with query.connect() as connection:
        for _ in range(5):
            for request in kinds:
                connection.sendall(request)
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                top, _, body = received.partition(b"\r\n\r\n")
                match = re.search(rb"content-length: (\d+)", top)
                left = (int(match[1]) if match else 0) - len(body)
                while left > 0:
                    left -= len(connection.recv(65536))


def cut(query: QueryProcess, number: int) -> None:
    """Open ten connections that end in the middle of a request, five of them by a reset."""
    for n in range(10):
        with query.connect() as connection:
            whole = post(query_json(f"cut {number} {n}"), JSON)
            connection.sendall(whole[: len(whole) * (n + 1) // 10])
            if n % 2:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def metric(query: QueryProcess, line: str) -> float:
    text = httpx.get(f"{query.base}/metrics").text
    match = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0.0
