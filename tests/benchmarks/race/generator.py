"""Load at a constant rate of arrivals: ``python -m tests.benchmarks.race.generator``.

It is an open loop: request ``n`` is due at ``n / rate`` even if earlier requests are still running,
and its latency counts from that moment. So a stall delays all requests that are due meanwhile, as
it would delay people; a closed loop (``wrk``) would send fewer requests ("coordinated omission"). A
request uses an idle connection or opens one. The delay of the generator itself is reported too.
With ``--concurrency`` instead of ``--rate`` it is a closed loop, for machines without ``wrk``.

It reads requests like ``wrk.lua``: a line is a body, or the path of a GET. It prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from tests.benchmarks.figures.measurement import percentile

TIMEOUT_S = 30.0


SNAPSHOT = b"\r\nx-snapshot-id:"


class AnswerInvalid(RuntimeError):
    """A response without Content-Length, or from a snapshot that it does not name."""


class Refused(AnswerInvalid):
    """A response with an error status."""

    def __init__(self, status: str, *, kept: bool) -> None:
        super().__init__(status)
        self.kept = kept


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> bool:
        """Send a request and read the whole response; returns whether the connection stays open.

        Raises:
            Refused, AnswerInvalid, OSError, EOFError: the request failed.
        """
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = _field(head, b"\r\ncontent-length:")
        if length is None:
            raise AnswerInvalid("a response without Content-Length")
        body = await self.reader.readexactly(int(length))
        kept = head.startswith(b"http/1.1") and b"\r\nconnection: close" not in head
        if head[9:10] != b"2":
            raise Refused(head.partition(b"\r\n")[0].decode(errors="replace"), kept=kept)
        snapshot = _field(head, SNAPSHOT)
        if snapshot is not None and snapshot not in body:
            raise AnswerInvalid("a response from another snapshot than it names")
        return kept


def _field(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a lower-case head; ``name`` begins with the line break before it."""
    start = head.find(name)
    if start < 0:
        return None
    begin = start + len(name)
    return head[begin : head.index(b"\r\n", begin)].strip()


@dataclass
class Generator:
    """Sends requests to one server, and records latencies and errors."""

    host: str
    port: int
    requests: Sequence[bytes]
    next_request: int = 0
    errors: int = 0
    first_error: str = ""
    latencies_s: list[float] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    _idle: list[_Connection] = field(default_factory=list)

    async def open_loop(self, rate: float, seconds: float) -> float:
        """Send ``rate`` requests per second; returns the seconds until the last response."""
        started = time.perf_counter()
        sent: list[asyncio.Task[None]] = []
        for n in range(round(rate * seconds)):
            due = started + n / rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self.lags_s.append(max(0.0, time.perf_counter() - due))
            sent.append(asyncio.create_task(self._one(due)))
        await asyncio.gather(*sent)
        return time.perf_counter() - started

    async def closed_loop(self, concurrency: int, seconds: float) -> float:
        """Keep ``concurrency`` requests in flight; returns the seconds that it took."""
        started = time.perf_counter()

        async def client() -> None:
            while time.perf_counter() - started < seconds:
                await self._one(time.perf_counter())

        await asyncio.gather(*(client() for _ in range(concurrency)))
        return time.perf_counter() - started

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._idle:
            connection.writer.close()

    async def _one(self, due: float) -> None:
        request = self.requests[self.next_request % len(self.requests)]
        self.next_request += 1
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = self._idle.pop() if self._idle else await self._connect()
                kept = await connection.ask(request)
        except (AnswerInvalid, OSError, EOFError, TimeoutError) as error:
            self.errors += 1
            self.first_error = self.first_error or f"{type(error).__name__}: {error}"
            if isinstance(error, Refused) and error.kept and connection is not None:
                self._idle.append(connection)
            elif connection is not None:
                connection.writer.close()
            return
        self.latencies_s.append(time.perf_counter() - due)
        if kept:
            self._idle.append(connection)
        else:
            connection.writer.close()

    async def _connect(self) -> _Connection:
        return _Connection(*await asyncio.open_connection(self.host, self.port))


def raw_requests(
    lines: Sequence[str], *, host: str, method: str, path: str, content_type: str
) -> list[bytes]:
    """HTTP/1.1 requests as bytes, one for each line."""
    made = []
    for line in lines:
        target, body = (line, b"") if method == "GET" else (path, line.encode())
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n"
        if body:
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        made.append(f"{head}\r\n".encode() + body)
    return made


def main() -> int:
    """Send the requests and print the result."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.race.generator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--method", default="POST")
    parser.add_argument("--path", default="/")
    parser.add_argument("--content-type", default="application/json")
    parser.add_argument("--lines", type=Path, required=True)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--seconds", type=float, required=True)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--rate", type=float)
    kind.add_argument("--concurrency", type=int)
    given = parser.parse_args()
    made = raw_requests(
        given.lines.read_text().splitlines(), host=f"127.0.0.1:{given.port}",
        method=given.method, path=given.path, content_type=given.content_type,
    )  # fmt: skip
    print(json.dumps(uvloop.run(_run(given, made))))
    return 0


async def _run(given: argparse.Namespace, made: list[bytes]) -> dict[str, float | int | str]:
    generator = Generator("127.0.0.1", given.port, made, next_request=given.offset)
    if given.rate is not None:
        wall_s = await generator.open_loop(given.rate, given.seconds)
    else:
        wall_s = await generator.closed_loop(given.concurrency, given.seconds)
    await generator.close()
    latencies_s = sorted(generator.latencies_s) or [float("inf")]
    lags = sorted(generator.lags_s) or [0.0]
    return {
        "requests": len(generator.latencies_s),
        "wall_s": wall_s,
        "errors": generator.errors,
        "first_error": generator.first_error,
        "p50_ms": 1000 * percentile(latencies_s, 0.5),
        "p99_ms": 1000 * percentile(latencies_s, 0.99),
        "max_ms": 1000 * latencies_s[-1],
        "lag_p99_ms": 1000 * percentile(lags, 0.99),
    }


if __name__ == "__main__":
    sys.exit(main())
