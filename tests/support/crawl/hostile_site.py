"""A malicious web site on loopback: raw sockets, so that no library corrects its behaviour.

A route is a function from the request to the bytes of the response, in any number of pieces, even
endless; the server sends them until they end or the client disconnects. It records all requests,
and how many bytes were sent for each.
"""

from __future__ import annotations

import gzip
import json
import socket
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import brotli  # type: ignore[import-untyped]
from backports import zstd

MIB = 2**20
_MAX_REQUEST_BYTES = 64 * 2**10


@dataclass
class Asked:
    """One request, as the server saw it."""

    target: str
    host: str
    headers: Mapping[str, str]
    at: float
    sent_bytes: int = 0
    gone: threading.Event = field(default_factory=threading.Event)


Answer = Iterable[bytes]
Route = Callable[[Asked], Answer]


def answer(
    body: bytes | str = b"", status: int = 200, kind: str = "text/html", **headers: str
) -> Answer:
    """A whole answer. Header names have ``_`` for ``-``."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(content)}")
    return ["\r\n".join([*lines, "", ""]).encode(), content]


def stream(pieces: Iterable[bytes], *lines: str) -> Answer:
    """An answer whose body has no announced end."""
    head = ["HTTP/1.1 200 OK", "Content-Type: text/html", "Connection: close", *lines, "", ""]
    yield "\r\n".join(head).encode()
    yield from pieces


def chunked(pieces: Iterable[bytes]) -> Answer:
    """An answer in chunks."""
    sized = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return stream(sized, "Transfer-Encoding: chunked")


def movie_page(number: int, *, links: Iterable[str] = (), text: str = "", extra: str = "") -> str:
    """A good page, about one movie with one review."""
    movie = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "name": f"Film {number}",
        "sameAs": f"https://www.imdb.com/title/tt{number:07d}/",
        "review": {
            "@type": "Review",
            "@id": f"review-{number}",
            "reviewBody": text or f"A quiet film about subject {number}, and worth an evening.",
        },
    }
    anchors = "".join(f'<a href="{link}">link</a>' for link in links)
    return (
        f"<!doctype html><html><head><title>Film {number}</title>"
        f'<script type="application/ld+json">{json.dumps(movie)}</script></head>'
        f"<body>{anchors}{extra}</body></html>"
    )


def index(*links: str) -> str:
    """A page of links."""
    return "<html><body>" + "".join(f'<a href="{link}">x</a>' for link in links) + "</body></html>"


def deflate_bomb(size_bytes: int, *, wbits: int = 31) -> bytes:
    """White space, packed a thousandfold; made in no time, as every mebibyte packs alike."""
    packer = zlib.compressobj(9, wbits=wbits)
    head = packer.compress(b"<html>") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + piece * (size_bytes // MIB) + packer.flush()


def brotli_bomb(size_bytes: int) -> bytes:
    """The same, by brotli."""
    return bytes(brotli.compress(b" " * size_bytes, quality=1))


def zstd_bomb(size_bytes: int) -> bytes:
    """The same, by zstd."""
    return bytes(zstd.compress(b" " * 16 * MIB)) * (size_bytes // (16 * MIB))


def twice_packed_bomb(size_bytes: int) -> bytes:
    """A bomb within a bomb: what comes off the wire is smaller by another factor."""
    return gzip.compress(deflate_bomb(size_bytes), mtime=0)


class HostileSite:
    """The server; ``with hostile_site(routes) as site``."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = dict(routes)
        self._lock = threading.Lock()
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        site = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # Little waits here, so that what was sent is nearly what was taken.
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 2**10)
                site.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def url(self, host: str = "127.0.0.1", path: str = "/") -> str:
        """The URL of a path, by any name that leads here."""
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, route: Route) -> None:
        """Answer a path in another way from now on."""
        self._routes[path] = route

    def paths(self, host: str | None = None) -> list[str]:
        """What was asked for, in order; of one name only if named."""
        address = None if host is None else f"{host}:{self.port}"
        with self._lock:
            return [one.target for one in self.asked if address in {None, one.host}]

    def of(self, path: str, host: str | None = None) -> list[Asked]:
        """The requests for a path."""
        address = None if host is None else f"{host}:{self.port}"
        with self._lock:
            return [one for one in self.asked if one.target == path and address in {None, one.host}]

    def serve(self, connection: socket.socket) -> None:
        """Answer one request of one connection."""
        asked = _read(connection)
        if asked is None:
            return
        with self._lock:
            self.asked.append(asked)
        route = self._route(asked.host.rpartition(":")[0], asked.target.partition("?")[0])
        try:
            for piece in route(asked):
                if self.stopping.is_set():
                    return
                connection.sendall(piece)
                asked.sent_bytes += len(piece)
        except OSError:
            pass  # the client has gone, as it should
        finally:
            asked.gone.set()

    def _route(self, name: str, path: str) -> Route:
        for full in (name + path, path):
            if full in self._routes:
                return self._routes[full]
            fitting = [
                pattern
                for pattern in self._routes
                if pattern.endswith("*") and full.startswith(pattern[:-1])
            ]
            if fitting:
                return self._routes[max(fitting, key=len)]
        return lambda _: answer("not here", 404)

    def start(self) -> None:
        """Serve, in threads."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End it, endless answers included."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hostile_site(routes: Mapping[str, Route]) -> Iterator[HostileSite]:
    """A running site.

    Args:
        routes: By ``/path`` or ``name/path``; with ``*`` at the end, all that begin so.
    """
    site = HostileSite(routes)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def _read(connection: socket.socket) -> Asked | None:
    connection.settimeout(60)
    received = b""
    try:
        while b"\r\n\r\n" not in received and len(received) < _MAX_REQUEST_BYTES:
            piece = connection.recv(4096)
            if not piece:
                return None
            received += piece
    except OSError:
        return None
    head = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    target = head[0].split(" ")[1]
    return Asked(target, headers.get("host", ""), headers, time.monotonic())
