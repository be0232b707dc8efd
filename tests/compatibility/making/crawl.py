"""The old version's ingest crawls the bundled demo site and takes its commands from Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from .old import HOST, SUPERVISOR, old
from .program import OldProgram

SITE_PORT = 28131
"""The port of the crawled site; the remembered visits hold its address."""
SITE_MOVIES = 30


@contextmanager
def demo_site() -> Iterator[Any]:
    """Serve the first movies of the bundled catalogue at the address that the visits shall hold."""
    server, support = old("services.ingest.demo_site.server"), old("tests.support.watched_site")
    movies = old("services.ingest.demo_site.catalogue").load_catalogue()
    bind = server._bind
    server._bind = lambda host, _: bind(host, SITE_PORT)
    try:
        with support.watched_site(movies[:SITE_MOVIES]) as site:
            assert site.url.endswith(f":{SITE_PORT}"), site.url
            yield site
    finally:
        server._bind = bind


def change_the_site(site: Any) -> None:
    """Edit a review, remove one movie, and add another one."""
    support = old("tests.support.watched_site")
    movies = old("services.ingest.demo_site.catalogue").load_catalogue()[: SITE_MOVIES + 1]
    movie = movies[2]
    text = "Seen again after ten years, by the sea, and it is a far better film than I knew."
    reviews = [movie.reviews[0].model_copy(update={"text": text}), *movie.reviews[1:]]
    movies = support.edited(movies, 2, lambda one: support.with_reviews(one, reviews))
    site.catalogue = (*movies[:7], *movies[8:])


@asynccontextmanager
async def running_supervisor(program: OldProgram) -> AsyncIterator[Any]:
    """Run ingest's supervisor of the configured sources; the group of its commands is made."""
    supervising = old("tests.support.supervision").supervising
    async with supervising(program.redis, program.site.url, holder=SUPERVISOR) as supervisor:
        await take_commands(program, supervisor, nothing_to_take=True)
        yield supervisor


def idle_supervisor(program: OldProgram, sources: Mapping[str, None]) -> Any:
    """Make a supervisor of these sources, which does only what it is called for."""
    return old("services.ingest.runs").Supervisor(
        program.redis, sources, program.site.url, 60.0, holder=SUPERVISOR
    )


async def crawl(program: OldProgram, supervisor: Any, name: str) -> Any:
    """Crawl the demo site to its end; returns the run, whose id is kept under ``name``."""
    run = await program.request(name, "demo")
    await take_commands(program, supervisor)
    settled = await old("tests.support.supervision").settled(program.redis, run)
    assert settled.state == "embedding", settled
    return run


async def take_commands(
    program: OldProgram, supervisor: Any, *, nothing_to_take: bool = False
) -> None:
    """Consume the commands as ingest does, until none is left.

    Args:
        program: The old version.
        supervisor: The supervisor that handles the commands.
        nothing_to_take: Whether to stop as soon as the stream is idle, whatever it still holds.
    """
    messages, streams = old("shared.messages"), old("shared.streams")
    stop = asyncio.Event()

    async def on_idle() -> None:
        if nothing_to_take or not await program.redis.xlen(messages.COMMANDS_STREAM):
            stop.set()

    async def on_dead(entry: Any, reason: str) -> None:
        raise AssertionError(reason)

    await streams.StreamConsumer(
        url=program.url, stream=messages.COMMANDS_STREAM, group=messages.INGEST_GROUP,
        name=HOST, handle=supervisor.handle, on_dead=on_dead,
        dead_stream=f"{messages.COMMANDS_STREAM}.dead", block_ms=1, on_idle=on_idle,
    ).run(stop)  # fmt: skip
