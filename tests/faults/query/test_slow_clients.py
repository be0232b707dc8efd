"""Slow clients: each is cut off in bounded time, and others are not affected."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.benchmarks.figures.measurement import percentile
from tests.support.counts import Counted
from tests.support.query.query_process import ROOT, QueryProcess, publish, query_child, read_all
from tests.support.query.raw_http import answer, answers, head, post, problem_in, query_json
from tests.support.soak import times
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

JSON = "Content-Type: application/json"
# About one second each instead of ten and more: the test is that the wait ends.
PATIENCE_S = 15.0  # for a busy machine
TIMEOUTS = {"ARRIVES_WITHIN_S": 1.0, "BODY_TIMEOUT_S": 0.8, "TAKEN_WITHIN_S": 1.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    publish(folder)
    return folder


@pytest.fixture(scope="module")
def query(folder: Path) -> Iterator[QueryProcess]:
    with query_child(folder, changes={"timeouts": TIMEOUTS}) as running:
        yield running


def drip(connection: socket.socket, content: bytes, every_s: float) -> tuple[bytes, float]:
    """Send byte by byte until the server closes; return the response and the seconds."""
    started, received, at = time.monotonic(), b"", 0
    with suppress(ConnectionResetError, BrokenPipeError):
        while time.monotonic() - started < PATIENCE_S:
            if select.select([connection], [], [], every_s)[0]:
                part = connection.recv(65536)
                if not part:
                    return received, time.monotonic() - started
                received += part
            else:
                connection.sendall(content[at % len(content) : at % len(content) + 1])
                at += 1
        raise AssertionError(f"the connection is still open after {PATIENCE_S} s: {received!r}")
    return received, time.monotonic() - started


ENDLESS = b"X-Slow: " + b"a" * 10_000
SLOW = {
    "nothing at all": (b"", b"", 408),
    "head byte by byte": (b"GET /livez HTTP/1.1\r\n", ENDLESS, 408),
    "request line byte by byte": (b"", b"GET /" + b"a" * 10_000, 408),
    "blank lines": (b"", b"\r\n", 408),
    "body byte by byte": (head("POST", "/search", JSON, "Content-Length: 9000"), b" ", 408),
    "chunks byte by byte": (
        head("POST", "/search", JSON, "Transfer-Encoding: chunked"), b"1\r\n \r\n", 408,
    ),
    "an unused body": (
        head("GET", "/livez", "Content-Length: 9000", close=False), b" ", 200,
    ),
    "unused chunks": (
        head("GET", "/livez", "Transfer-Encoding: chunked", close=False), b"1\r\n \r\n", 200,
    ),
    "blank lines after an answer": (head("GET", "/livez", close=False), b"\r\n", 200),
    "half a request after an answer": (head("GET", "/livez", close=False), b"GET /x", 200),
}  # fmt: skip


@pytest.mark.parametrize(("begin", "content", "status"), SLOW.values(), ids=SLOW)
def test_a_slow_connection_is_ended(
    query: QueryProcess, counted: Counted, begin: bytes, content: bytes, status: int
) -> None:
    with query.connect() as connection:
        connection.sendall(begin)
        # Often enough to reset any timer that a byte can reset.
        received, took_s = drip(connection, content or b"", 0.2) if content else (
            read_all(connection), 0.0,
        )  # fmt: skip
    first, *others = answers(received)
    assert first.status == status
    if status == 408:
        problem_in(first, 408)
    assert all(other.status == 408 for other in others)
    assert took_s < PATIENCE_S
    counted("slow connections", 1)


def test_who_does_not_take_the_answer_is_cut_off(query: QueryProcess, counted: Counted) -> None:
    before = query.family()[0].num_fds()
    asked = head("GET", "/openapi.json", close=False) * 60  # far more than the kernel buffers
    for closing in (b"", head("GET", "/livez")):
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", query.port))
            connection.sendall(asked + closing)
            assert connection.recv(1) == b"H"  # the response is being sent
            wait_until(
                lambda: query.family()[0].num_fds() <= before, what="the connection is ended"
            )
            connection.settimeout(PATIENCE_S)
            assert read_all(connection).count(b"HTTP/1.1 200") < 60
        counted("slow connections", 1)


def test_who_takes_it_slowly_gets_all_of_it(folder: Path) -> None:
    within_s = 4.0  # long enough for the client to take a part in time, on a busy machine too
    changes = {"timeouts": {"TAKEN_WITHIN_S": within_s}}
    with query_child(folder, changes=changes) as query, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", query.port))
        started = time.monotonic()
        connection.sendall(head("GET", "/openapi.json", close=False) * 50 + head("GET", "/livez"))
        received = b""
        paused = threading.Event()
        while part := connection.recv(65536):
            received += part
            paused.wait(0.005)
        assert time.monotonic() - started > within_s  # the pace counts, not the total time
    assert [one.status for one in answers(received)] == [200] * 51


@contextmanager
def slow_clients(query: QueryProcess, count: int) -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "tests.support.query.slow_clients",
        str(query.port),
        str(count),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield
        finally:
            process.kill()


def test_five_hundred_slow_clients_do_not_slow_the_others(folder: Path, counted: Counted) -> None:
    """Compare the best rounds, measured in turns, so that a busy machine slows both.

    Other work only makes the figures worse, so more rounds are run before the test fails.
    """
    slow, asked, rounds = 500, 300, times(3, soak=10)
    with query_child(folder) as query:
        process = query.family()[0]

        def p99_ms() -> float:
            times_ms = []
            with query.connect() as connection:
                for n in range(asked):
                    started = time.perf_counter()
                    connection.sendall(post(query_json(f"boxer {n}"), JSON, close=False))
                    received = b""
                    while not received.endswith(b"}"):
                        received += connection.recv(65536)
                    times_ms.append(1000 * (time.perf_counter() - started))
                    assert answer(received).status == 200
            return percentile(sorted(times_ms), 0.99)

        p99_ms()
        quiet_fds = process.num_fds()  # including everything that it opens once
        quiet: list[float] = []
        slowed: list[float] = []
        for number in range(4 * rounds):
            if number >= rounds and min(slowed) <= 2 * min(quiet):
                break
            wait_until(lambda: process.num_fds() <= quiet_fds + 1, what="all are closed")
            quiet.append(p99_ms())
            with slow_clients(query, slow):
                slowed.append(p99_ms())
        wait_until(lambda: process.num_fds() <= quiet_fds + 1, what="all are closed")
    assert min(slowed) <= 2 * min(quiet), (quiet, slowed)
    counted("slow connections", slow * len(slowed))
