"""A TCP proxy before Redis that breaks connections as networks do.

- ``lose_replies(command)``: the command is carried out, its reply is not delivered, the connection
  is reset;
- ``cut_replies(command)``: half of the reply is delivered, then the connection is reset;
- ``blackhole()``: nothing passes in either direction until ``heal()``; what was held passes then,
  as TCP sends it again;
- ``one_way()``: requests pass, replies are held;
- ``dribble()``: one byte at a time, in both directions.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class FaultyProxy:
    """Forwards connections to a server on a Unix socket; made by ``faulty_proxy``."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._losing: Counter[bytes] = Counter()
        self._cutting: Counter[bytes] = Counter()
        self._requests_pass = asyncio.Event()
        self._replies_pass = asyncio.Event()
        self._one_byte = False
        self._connections: set[asyncio.Task[None]] = set()
        self.faults = 0
        self.port = 0
        self.heal()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def lose_replies(self, command: str, times: int = 1) -> None:
        self._losing[command.encode()] += times

    def cut_replies(self, command: str, times: int = 1) -> None:
        self._cutting[command.encode()] += times

    def blackhole(self) -> None:
        self.faults += 1
        self._requests_pass.clear()
        self._replies_pass.clear()

    def one_way(self) -> None:
        self.faults += 1
        self._replies_pass.clear()

    def dribble(self) -> None:
        self.faults += 1
        self._one_byte = True

    def heal(self) -> None:
        """Pass everything as it comes from now on."""
        self._losing.clear()
        self._cutting.clear()
        self._one_byte = False
        self._requests_pass.set()
        self._replies_pass.set()

    @property
    def left(self) -> int:
        """Replies that are still to be lost or cut."""
        return self._losing.total() + self._cutting.total()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to forward a connection.

        A task of our own: one that asyncio makes for a coroutine complains when it is cancelled.
        """
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        try:
            upstream = await asyncio.open_unix_connection(str(self._target))
            try:
                await _Connection(self, (reader, writer), upstream).run()
            finally:
                upstream[1].close()
        except OSError:
            pass  # the server is away
        finally:
            _reset(writer)

    async def close(self) -> None:
        """End all connections."""
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def fault_of(self, request: bytes) -> str | None:
        """What happens to the reply to a request."""
        for kind, wanted in (("lose", self._losing), ("cut", self._cutting)):
            for command in wanted:
                if wanted[command] > 0 and command in request:
                    wanted[command] -= 1
                    self.faults += 1
                    return kind
        return None


class _Connection:
    def __init__(
        self,
        proxy: FaultyProxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._fault: str | None = None

    async def run(self) -> None:
        pumps = {asyncio.create_task(self._requests()), asyncio.create_task(self._replies())}
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _requests(self) -> None:
        while data := await self._client[0].read(_CHUNK):
            await self._proxy._requests_pass.wait()
            self._fault = self._fault or self._proxy.fault_of(data)
            await self._pass(data, self._server[1])

    async def _replies(self) -> None:
        while data := await self._server[0].read(_CHUNK):
            await self._proxy._replies_pass.wait()
            if self._fault is not None:
                if self._fault == "cut":
                    await self._pass(data[: len(data) // 2], self._client[1])
                return
            await self._pass(data, self._client[1])

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        step = 1 if self._proxy._one_byte else len(data) or 1
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            if step == 1:
                await asyncio.sleep(0)


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.close()


@asynccontextmanager
async def faulty_proxy(redis_url: str) -> AsyncIterator[FaultyProxy]:
    """A proxy before a server on a Unix socket."""
    proxy = FaultyProxy(Path(redis_url.removeprefix("unix://")))
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
