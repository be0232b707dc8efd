"""``python -m tests.support.query.slow_clients PORT COUNT``: slow connections.

Keeps ``COUNT`` connections open that each send one byte every two seconds, half of them of a head
and half of a body, and reopens connections that were closed. Prints a line when all are open. It
runs as a separate process, so that it does not slow the test that measures.
"""

from __future__ import annotations

import socket
import sys
import threading

EVERY_S = 2.0
HEADERS = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
BEGINNINGS = (b"GET /livez HTTP/1.1\r\nX-Slow: ", b"POST /search HTTP/1.1\r\n" + HEADERS)


def connect(port: int, number: int) -> socket.socket:
    """Open a connection and send the beginning of a request."""
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(BEGINNINGS[number % len(BEGINNINGS)])
    return connection


def main(port: int, count: int) -> None:
    """Run until the process is killed."""
    connections = [connect(port, number) for number in range(count)]
    print("open", flush=True)
    pause = threading.Event()
    while True:
        for number, connection in enumerate(connections):
            pause.wait(EVERY_S / count)
            try:
                connection.sendall(b"a")
            except OSError:
                connection.close()
                connections[number] = connect(port, number)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
