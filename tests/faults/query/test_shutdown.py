"""SIGTERM with requests in flight: all accepted requests are answered."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.counts import Counted
from tests.support.query.query_process import publish, query_child, read_all
from tests.support.query.raw_http import answer, head, post, query_json
from tests.support.waiting import wait_until

IN_FLIGHT = 24
ENCODE_S = 0.05


def are_read(port: int, connections: Sequence[socket.socket]) -> bool:
    """Return whether a process has read all bytes from its sockets' buffers in the kernel.

    A line of the file: number, local and remote address, state, bytes to send and to read.
    """
    ports = {connection.getsockname()[1] for connection in connections}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        here, there = (int(address.partition(":")[2], 16) for address in (local, remote))
        if here == port and there in ports and int(queues.partition(":")[2], 16):
            return False
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_all_requests_in_flight_are_answered(
    tmp_path: Path, counted: Counted, workers: int
) -> None:
    publish(tmp_path)
    with query_child(
        tmp_path, changes={"encode_s": ENCODE_S}, QUERY_WORKERS=str(workers), QUERY_CACHE="0"
    ) as query:
        idle = query.connect()  # kept open, sends no more requests
        idle.sendall(head("GET", "/livez", close=False))
        assert idle.recv(15).startswith(b"HTTP/1.1 200")
        slow = query.connect()  # never finishes its request
        slow.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        asked = [query.connect() for _ in range(IN_FLIGHT)]
        for number, connection in enumerate(asked):
            close = number % 2 == 0  # kept connections end after their response
            connection.sendall(post(query_json(f"boxer {number}"), close=close))
        first = asked[0].recv(65536)
        wait_until(lambda: are_read(query.port, asked), what="all are taken, and most of them wait")
        query.process.send_signal(signal.SIGTERM)
        received = [first + read_all(asked[0]), *map(read_all, asked[1:])]
        assert query.process.wait(60) == 0
        log = query.log.read_text()
        for connection in (idle, slow, *asked):
            connection.close()
    for raw in received:
        response = answer(raw)
        assert response.status == 200
        assert len(json.loads(response.body)["hits"]) == 4
    assert "stopped" in log
    assert "Traceback" not in log
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", query.port))
    counted("requests in flight at SIGTERM", IN_FLIGHT)


def test_a_request_that_never_ends_does_not_keep_it(tmp_path: Path) -> None:
    """The drain is bounded: a body that does not arrive is given up after its timeout."""
    publish(tmp_path)
    changes = {"timeouts": {"BODY_TIMEOUT_S": 1.0}}
    with query_child(tmp_path, changes=changes) as query, query.connect() as connection:
        connection.sendall(
            head("POST", "/search", "Content-Type: application/json", "Content-Length: 9")
        )
        answers: list[bytes] = []
        reading = threading.Thread(target=lambda: answers.append(read_all(connection)))
        reading.start()
        wait_until(query.answers, what="it has read the head, too")
        assert query.stop() == 0
        reading.join()
    assert answer(answers[0]).status == 408
