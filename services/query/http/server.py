"""uvicorn around the application, with bounded connections and a bounded shutdown."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from services.query.http.connection import BoundedHttpProtocol
from shared.settings import PREFIX

BACKLOG = 1024
GRACE_S = 20  # for requests in flight at shutdown; Compose's stop_grace_period is longer


class AddressUnusable(OSError):
    """The address cannot be bound; the message says why and which setting to change."""


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Raises:
        AddressUnusable: the port is in use or not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise AddressUnusable(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port with --port or "
            f"{PREFIX}PORT, another address with {PREFIX}HOST"
        ) from error
    listening.setblocking(False)
    return listening


def make_server(app: FastAPI) -> uvicorn.Server:
    """Make a server for ``app``; run it with the socket of ``listen``."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            log_config=None,  # logging is configured already
            access_log=False,  # its lines would hold queries; /metrics counts requests
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
