"""A client that takes all it can get: ``python -m tests.benchmarks.race.greedy``.

It has an address of its own, and asks on a number of connections, again as soon as it is answered,
until it is killed: batches of searches, or single ones. It prints a line when it has been answered
once on every connection.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

BATCH = 64


def request(path: str, body: bytes) -> bytes:
    """Make a request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests(lines: Sequence[str], kind: str) -> Iterator[bytes]:
    """Yield requests without end, each with other searches than the one before."""
    bodies = cycle(lines)
    while True:
        if kind == "single":
            yield request("/search", next(bodies).encode())
        else:
            searches = ",".join(next(bodies) for _ in range(BATCH))
            yield request("/search/batch", f'{{"searches": [{searches}]}}'.encode())


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
    """Send a request and read the whole response, whatever it is."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))


async def main(port: int, client: str, lines: Sequence[str], kind: str, connections: int) -> None:
    """Ask until the process is killed."""
    waiting = requests(lines, kind)
    answered = 0

    async def on_and_on() -> None:
        nonlocal answered
        pair = await asyncio.open_connection("127.0.0.1", port, local_addr=(client, 0))
        await ask(*pair, next(waiting))
        answered += 1
        if answered == connections:
            print("busy", flush=True)
        while True:
            await ask(*pair, next(waiting))

    await asyncio.gather(*(on_and_on() for _ in range(connections)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--client", required=True, help="an address of this machine")
    parser.add_argument("--lines", type=Path, required=True, help="a body of /search a line")
    parser.add_argument("--kind", choices=("batch", "single"), required=True)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()
    bodies = options.lines.read_text().splitlines()
    asyncio.run(main(**{**vars(options), "lines": bodies}))
