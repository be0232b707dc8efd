"""An HTTP server for the demo site: a thread per connection, GET and HEAD, entity tags."""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from services.ingest.demo_site.demo_catalogue import DemoCatalogue, load_catalogue
from services.ingest.demo_site.demo_pages import DemoSite
from shared.telemetry import get_logger


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: DemoSite

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind resolves the host's full name, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        get_logger().debug("demo site connection failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-site"
    sys_version = ""
    timeout = 30  # seconds until an idle connection is closed
    wbufsize = 64 * 1024  # head and body in one segment; otherwise each page waits for an ACK
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.site.page(self.path)
        known = self.headers.get("If-None-Match", "")
        unchanged = page.status == 200 and page.etag in [tag.strip() for tag in known.split(",")]
        self.send_response(304 if unchanged else page.status)
        self.send_header("ETag", page.etag)
        self.send_header("Cache-Control", "max-age=0, must-revalidate")
        if not unchanged:
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body and not unchanged:
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        get_logger().debug("demo site request", line=format % args)


@contextmanager
def serve_demo_site(
    host: str, port: int, *, catalogue: DemoCatalogue | None = None, disallow: Sequence[str] = ()
) -> Iterator[str]:
    """Serve the site in a thread while the context lasts.

    Args:
        host: Address to listen on.
        port: Port to listen on; a free port is used when it is 0 or already in use.
        catalogue: The movies; default: the bundled ones.
        disallow: Paths that robots.txt forbids.

    Yields:
        The base URL of the site on this machine.
    """
    server = _bind(host, port)
    url = f"http://127.0.0.1:{server.server_port}"
    server.site = DemoSite(load_catalogue() if catalogue is None else catalogue, url, disallow)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="demo-site", daemon=True
    )
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _bind(host: str, port: int) -> _Server:
    try:
        return _Server(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    server = _Server(host, 0)
    get_logger().warning(
        "demo site port in use, using another", in_use=port, port=server.server_port
    )
    return server
