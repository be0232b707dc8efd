"""The open loop keeps its schedule, and a stall delays all requests that are due meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.benchmarks.race.generator import Generator, raw_requests

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Answering:
    """A server on loopback that answers when allowed, and records the requests."""

    def __init__(self, answer: bytes = OK, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.asked: list[bytes] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or b"0"))
                self.asked.append(head.split()[1] + body)
                await self.may.wait()
                writer.write(self.answer)
                if self.closes:
                    return
        except EOFError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answering: Answering) -> AsyncIterator[int]:
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def generator(port: int, *lines: str) -> Generator:
    made = raw_requests(
        lines, host="here", method="POST", path="/s", content_type="application/json"
    )
    return Generator("127.0.0.1", port, made)


async def test_requests_go_out_in_order_and_are_counted() -> None:
    answering = Answering()
    async with serving(answering) as port:
        load = generator(port, "first", "second", "third")
        await load.open_loop(rate=100, seconds=0.05)
        await load.close()
    assert sorted(answering.asked) == [b"/sfirst", b"/sfirst", b"/ssecond", b"/ssecond", b"/sthird"]
    assert (len(load.latencies_s), load.errors) == (5, 0)


async def test_a_stall_delays_all_requests_that_are_due_meanwhile() -> None:
    answering = Answering()
    answering.may.clear()
    async with serving(answering) as port:
        load = generator(port, "x")
        running = asyncio.create_task(load.open_loop(rate=100, seconds=0.1))
        while len(answering.asked) < 10:  # noqa: ASYNC110 - all are due though none was answered
            await asyncio.sleep(0.001)
        answering.may.set()
        await running
        await load.close()
    # The first request waited for the whole stall, each later one for the remaining time.
    waited = sorted(load.latencies_s, reverse=True)
    assert waited[0] >= 0.09
    assert waited[0] - waited[-1] >= 0.05  # they were due over 0.09 s


async def test_a_closed_loop_keeps_its_concurrency() -> None:
    answering = Answering()
    answering.may.clear()
    async with serving(answering) as port:
        load = generator(port, "x")
        running = asyncio.create_task(load.closed_loop(concurrency=3, seconds=0.01))
        while len(answering.asked) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        answering.may.set()
        await running
        await load.close()
    assert len(load.latencies_s) == len(answering.asked) >= 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "503 busy"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "without Content-Length"),
    ],
)
async def test_an_error_status_and_a_malformed_response_are_errors(
    answer: bytes, message: str
) -> None:
    async with serving(Answering(answer)) as port:
        load = generator(port, "x")
        await load.open_loop(rate=100, seconds=0.02)
        await load.close()
    assert (load.errors, load.latencies_s) == (2, [])
    assert message in load.first_error


async def test_a_refusal_keeps_its_connection() -> None:
    answering = Answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    async with serving(answering) as port:
        load = generator(port, "x")
        await load.closed_loop(concurrency=1, seconds=0.05)
        assert len(load._idle) == 1
        await load.close()
    assert load.errors == len(answering.asked) > 1


async def test_a_response_from_two_snapshots_is_an_error() -> None:
    for body, errors in ((b"of 1-ab", 0), (b"of 2-cd", 2)):
        answer = b"HTTP/1.1 200 OK\r\nX-Snapshot-ID: 1-ab\r\nContent-Length: 7\r\n\r\n" + body
        async with serving(Answering(answer)) as port:
            load = generator(port, "x")
            await load.open_loop(rate=100, seconds=0.02)
            await load.close()
        assert load.errors == errors
        assert not errors or "another snapshot" in load.first_error


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    answering = Answering(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), closes=True)
    async with serving(answering) as port:
        load = generator(port, "x")
        await load.open_loop(rate=50, seconds=0.1)
    assert (load.errors, len(load.latencies_s)) == (0, 5)


async def test_a_refused_connection_is_an_error() -> None:
    async with serving(Answering()) as port:
        pass
    load = generator(port, "x")
    await load.open_loop(rate=100, seconds=0.01)
    assert load.errors == 1


def test_a_get_has_its_line_as_path() -> None:
    [made] = raw_requests(["/s?q=a"], host="h", method="GET", path="/s", content_type="x")
    assert made == b"GET /s?q=a HTTP/1.1\r\nHost: h\r\n\r\n"
