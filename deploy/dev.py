"""Run the system for development: ``make dev``, or ``python deploy/dev.py``.

`movie-search up` runs the system, and Vite serves the page with hot reload and proxies the API to
it. When a source file of the query service changes, that service is stopped; `movie-search up`
starts it again with the new code. The embedder and ingest keep running with their old code.
Ctrl-C, or the end of either process, stops both. Options are passed on to `movie-search up`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil
from watchfiles import Change, awatch

from services.local.processes import STOP_GRACE_S
from shared.system.child_process import die_with_parent, terminate_then_kill

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "services" / "query" / "ui"
SOURCES = (ROOT / "services" / "query", ROOT / "shared")
SUFFIXES = {".py", ".html", ".css", ".js"}  # of the query service and of the pages it serves as is
SYSTEM_GRACE_S = 4 * STOP_GRACE_S  # `movie-search up` stops its children one after the other


def main() -> int:
    """Run until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("MOVIE_SEARCH_PORT", "8000"))
    )
    port: int = parser.parse_known_args()[0].port
    return asyncio.run(run(sys.argv[1:], f"http://127.0.0.1:{port}"))


async def run(arguments: Sequence[str], api_url: str) -> int:
    """Run both processes until one ends or a signal arrives.

    Args:
        arguments: Options of `movie-search up`.
        api_url: Address of the query service.

    Returns:
        The exit code: 0 after a signal, otherwise that of the process that has ended.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    system = await start([sys.executable, "-m", "services.cli", "up", *arguments], os.environ)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # make setup's Node
    environment = {**os.environ, "PATH": path, "MOVIE_SEARCH_URL": api_url}
    page = await start([str(UI / "node_modules" / ".bin" / "vite"), str(UI)], environment)
    reloading = asyncio.create_task(reload_query(system.pid, stop))
    stopping = asyncio.create_task(stop.wait())
    ended = [asyncio.create_task(process.wait()) for process in (system, page)]
    try:
        await asyncio.wait({stopping, reloading, *ended}, return_when=asyncio.FIRST_COMPLETED)
        return next((task.result() for task in ended if task.done()), 0)
    finally:
        stop.set()
        for process, grace_s in ((page, STOP_GRACE_S), (system, SYSTEM_GRACE_S)):
            if process.returncode is None:
                await terminate_then_kill(process.send_signal, process.wait(), grace_s=grace_s)
        await reloading


async def start(
    command: Sequence[str], environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start a process that ends with this one, however this one ends."""
    return await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches only this process, which stops the others
        preexec_fn=partial(die_with_parent, os.getpid()),
    )


async def reload_query(system_pid: int, stop: asyncio.Event) -> None:
    """Stop the query service after every change of its code, until ``stop`` is set.

    Args:
        system_pid: The process id of `movie-search up`, which starts the service again.
        stop: Ends the watch.
    """
    folders = [folder for source in SOURCES for folder in (source, *source.rglob("*/"))]
    watched = [folder for folder in folders if UI not in (folder, *folder.parents)]
    watch = awatch(*watched, watch_filter=is_source, stop_event=stop, recursive=False)
    async for changes in watch:
        names = ", ".join(sorted({Path(path).name for _, path in changes}))
        print(f"dev: {names} changed, restarting the query service", file=sys.stderr)
        for child in psutil.Process(system_pid).children():
            if "services.query" in child.cmdline():
                child.terminate()


def is_source(_change: Change, path: str) -> bool:
    """Whether the query service must be restarted after a change of this file."""
    return Path(path).suffix in SUFFIXES


if __name__ == "__main__":
    sys.exit(main())
