"""uvicorn's HTTP protocol with a bound on every wait for a client, and every error a problem.

httptools bounds nothing, and uvicorn waits as long as a client likes. Here:

1. A head (request line and headers) of more than ``MAX_HEAD_BYTES`` is answered 431; one that takes
   longer than ``ARRIVES_WITHIN_S``, or a connection that sends nothing, 408.
2. Other bytes that arrive while no response is due (the remainder of a body that the application
   did not read, blank lines) end the connection unless a request begins within
   ``ARRIVES_WITHIN_S``. A body that is read has a separate bound (``json_body.BODY_TIMEOUT_S``).
3. A client that takes less than ``LEAST_TAKEN_BYTES`` of its response in ``TAKEN_WITHIN_S`` is cut
   off.
4. Bytes that cannot be parsed are answered 400. Responses that are still due to earlier requests of
   the connection are sent first: otherwise a client would take the refusal for one of them.
5. An offer of another protocol (``Upgrade: h2c``, from Java's HttpClient and ``curl --http2``) is
   not taken, and the request is answered as if it had not been made (RFC 9110, section 7.8).
6. A client over its share of the connections is answered 503 and closed
   (``services.query.http.connections``).

Timers are started only when data ends in the middle of a request: most requests arrive in one
piece.
"""

from __future__ import annotations

import asyncio
import http
import secrets
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from services.query.http.clients import client_at
from services.query.http.connections import Connections
from services.query.http.problems import MEDIA_TYPE, Problem, Problems
from services.query.http.security_headers import SECURITY_HEADERS

MAX_HEAD_BYTES = 16 * 1024
ARRIVES_WITHIN_S = 10.0
TAKEN_WITHIN_S = 20.0
LEAST_TAKEN_BYTES = 16 * 1024


class HeadTooLarge(Exception):
    """The head of a request exceeds ``MAX_HEAD_BYTES``."""


class ConnectUnsupported(Exception):
    """A CONNECT request, which asks for a tunnel."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._had_request = False
        self._unparsed_bytes = 0
        self._parsed_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None
        self._refusal: Problem | None = None
        self._running: RequestResponseCycle | None = None
        self._connections = cast("Connections | None", self.app_state.get("connections"))
        self._client = ""
        self._is_counted = False
        self._untaken_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and start the timer for the first request."""
        super().connection_made(transport)
        self._client = client_at(self.client[0]) if self.client is not None else ""
        if self._connections is not None:
            self._is_counted = self._connections.admit(self._client)
            if not self._is_counted:
                self._refuse(Problem(Problems.TOO_MANY_CONNECTIONS))
                return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers, and tell the request that is being answered."""
        self._stop_timer()
        if self._take_timer is not None:
            self._take_timer.cancel()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True  # uvicorn tells only the newest request
        super().connection_lost(exc)
        self._count_untaken(0)
        if self._connections is not None and self._is_counted:
            self._connections.closed(self._client)

    def data_received(self, data: bytes) -> None:
        """Parse data; count the bytes of an incomplete head, because the parser keeps all of it."""
        if self._is_over():
            return
        was_in_head = self._in_head
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError:
            self.send_400_response("")
        if self._is_over():
            return
        if was_in_head and self._in_head:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > MAX_HEAD_BYTES:
                self._refuse(Problem(Problems.HEAD_TOO_LARGE))
                return
        if self._in_head or self._is_idle():
            self._start_timer()

    def _parse(self, data: memoryview) -> None:
        """Parse data as HTTP, whatever other protocol is offered in it.

        The parser ends at a head with an offer. A new one reads the same head without the offer,
        and goes on behind it.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                head = self._head_without_offer()
                data = data[offer.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _head_without_offer(self) -> bytes:
        version = self.scope["http_version"].encode()
        lines = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, version)]
        lines += [b"%b: %b" % pair for pair in self.headers if pair[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """Reset the counts: a request begins, perhaps on a connection that was kept alive."""
        super().on_message_begin()
        self._in_head = True
        self._unparsed_bytes = self._parsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the bytes of a part of the request line."""
        super().on_url(url)
        self._parsed_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the bytes of a header."""
        super().on_header(name, value)
        self._parsed_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        """Stop the timer: the head is complete.

        Raises:
            HeadTooLarge: the head arrived in one piece, but is too large. The parser passes the
                exception on as an ``HttpParserError``.
            ConnectUnsupported: the request asks for a tunnel.
        """
        if self._parsed_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge
        if self.parser.should_upgrade():
            method = self.parser.get_method()
            if method == b"CONNECT":
                raise ConnectUnsupported
            self.scope["method"] = method.decode("ascii")
            self.scope["http_version"] = self.parser.get_http_version()
            return  # ``_parse`` reads the head again, without the offer
        super().on_headers_complete()
        self._note_authority()
        self._had_request = True
        self._in_head = False
        self._stop_timer()

    def on_message_complete(self) -> None:
        """Note that the body is complete; the head of an offer has none yet."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _note_authority(self) -> None:
        """Keep the host of an absolute target, which counts instead of the header's."""
        if not self.url.startswith(b"/"):
            authority = self.url.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
            cast("dict[str, Any]", self.scope)["authority"] = authority.rpartition(b"@")[2]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cast("dict[str, Any]", cycle.scope)["is_gone"] = lambda: cycle.disconnected
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        """Count what waits for the client: uvicorn sends no more until it has been taken."""
        super().pause_writing()
        self._count_untaken(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Count that the client has taken it."""
        super().resume_writing()
        self._count_untaken(0)

    def _count_untaken(self, size: int) -> None:
        if self._connections is None:
            return
        if self._untaken_bytes:
            self._connections.taken(self._client, self._untaken_bytes)
        if size:
            self._connections.waits_for(self._client, size)
        self._untaken_bytes = size

    def on_response_complete(self) -> None:
        """Watch that the client takes the response; send a refusal that is due after it."""
        if self._refusal is not None and self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # the newest request: its body caused the refusal
        refusal_is_next = self._refusal is not None and not self.pipeline
        super().on_response_complete()
        if refusal_is_next and not self.transport.is_closing():
            assert self._refusal is not None  # noqa: S101 - for types
            self._send_problem(self._refusal)
        self._watch_client()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse a request that cannot be parsed."""
        too_large = self._parsed_bytes > MAX_HEAD_BYTES
        self._refuse(Problem(Problems.HEAD_TOO_LARGE if too_large else Problems.MALFORMED_REQUEST))

    def _is_over(self) -> bool:
        return self._refusal is not None or self.transport.is_closing()

    def _is_idle(self) -> bool:
        return not self._had_request or self.cycle.response_complete

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(ARRIVES_WITHIN_S, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(Problem(Problems.HEAD_TIMEOUT))
        elif self._is_idle():
            self._close()

    def _refuse(self, problem: Problem) -> None:
        """Answer the last request of the connection, after the requests before it."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        self._refusal = problem
        is_current = not self.pipeline and self._had_request and self.cycle.more_body
        if self._is_idle() or is_current:
            self._send_problem(problem)

    def _send_problem(self, problem: Problem) -> None:
        request_id = secrets.token_hex(8)
        body = problem.body(request_id)
        status = http.HTTPStatus(problem.kind.status)
        headers = {
            "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close",
            "X-Request-ID": request_id, "Cache-Control": "no-store", **SECURITY_HEADERS,
            **problem.headers,
        }  # fmt: skip
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self._close()

    def _close(self) -> None:
        self.transport.close()  # after the bytes that were written have been sent
        self._watch_client()

    def _watch_client(self) -> None:
        waiting_bytes = self.transport.get_write_buffer_size()
        if waiting_bytes and self._take_timer is None:
            self._take_timer = self.loop.call_later(
                TAKEN_WITHIN_S, self._check_client, waiting_bytes
            )

    def _check_client(self, before_bytes: int) -> None:
        self._take_timer = None
        waiting_bytes = self.transport.get_write_buffer_size()
        # The buffer may also have grown, by responses to requests that arrived in the meantime.
        if waiting_bytes and 0 <= before_bytes - waiting_bytes < LEAST_TAKEN_BYTES:
            self.transport.abort()
        else:
            self._watch_client()
