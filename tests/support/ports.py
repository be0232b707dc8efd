"""Ports for services that are told where to listen.

They lie below those that the system itself gives out, and each process of a test run has a stretch
of its own: between the choice and the use of a port nobody else takes it, and a service that is
started again finds it free.
"""

from __future__ import annotations

import itertools
import os
import socket

FIRST, BEYOND = 10_000, 32_000  # Linux gives out ports from 32768 on
STRETCH = 1_000

_numbers = itertools.count(os.getpid())  # runs beside this one begin elsewhere


def free_port() -> int:
    """A port on which nobody listens, another one each time."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker * STRETCH % (BEYOND - FIRST)
    for number in itertools.islice(_numbers, STRETCH):
        port = first + number % STRETCH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError(f"no port is free from {first} on")
