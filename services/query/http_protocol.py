"""uvicorn's HTTP protocol with a bound on the head of a request, which httptools does not have.

A request line and headers of more than ``MAX_HEAD_BYTES``, or that take longer than
``HEAD_TIMEOUT_S`` to arrive, end the connection: 431, or 408. Otherwise a client could make the
process keep any amount of headers, or any number of connections that never ask anything.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 16 * 1024
HEAD_TIMEOUT_S = 10.0


class HeadTooLarge(Exception):
    """The head of a request is over the bound."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._unparsed_bytes = 0
        self._parsed_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives of a head before it is complete: the parser keeps all of it."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > MAX_HEAD_BYTES:
                self._end(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """A request begins, perhaps on a connection that was kept."""
        super().on_message_begin()
        self._in_head = True
        self._unparsed_bytes = self._parsed_bytes = 0
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request line."""
        super().on_url(url)
        self._parsed_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._parsed_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        """The head is complete.

        Raises:
            HeadTooLarge: it came in one piece, but is too large; the parser passes this on, and
                ``send_400_response`` is called.
        """
        self._in_head = False
        self._stop_timer()
        if self._parsed_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that could not be parsed."""
        if self._parsed_bytes > MAX_HEAD_BYTES:
            self._end(b"431 Request Header Fields Too Large")
        else:
            super().send_400_response(msg)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self._end, b"408 Request Timeout")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, status: bytes) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
