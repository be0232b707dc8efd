"""Services and `movie-search up` on a Redis that cannot do the work: one line, and the end."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.delivery.tcp_redis import tcp_redis
from tests.support.ports import free_port

WITHIN_S = 30.0  # most of it is what Python needs to import everything, on a busy machine
COMMANDS = {
    "ingest": ["-m", "services.ingest"],
    "embedder": ["-m", "services.embedder"],
    "up": ["-m", "services.cli", "up", "--no-crawl"],
}


async def _outcome(
    arguments: list[str], folder: Path, environment: Mapping[str, str]
) -> tuple[int | None, str, float]:
    """Exit code, output, and seconds of a command that ends by itself."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            **os.environ,
            "MOVIE_SEARCH_DATA_DIR": str(folder / "data"),
            "MOVIE_SEARCH_PORT": str(free_port()),
            "MOVIE_SEARCH_DEMO_SITE_PORT": "0",
            **environment,
        },
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 2 * WITHIN_S)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, output.decode(), time.monotonic() - began


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_redis_that_cannot_do_the_work(name: str, tmp_path: Path) -> None:
    with tcp_redis(tmp_path / "redis", "cluster-enabled yes") as port:
        url = f"redis://127.0.0.1:{port}/0"
        code, output, seconds = await _outcome(
            COMMANDS[name], tmp_path, {"MOVIE_SEARCH_REDIS_URL": url}
        )
    assert code == 1, output
    assert f"Redis at 127.0.0.1:{port} cannot be used: it is a cluster" in output
    assert "Traceback" not in output
    assert seconds < WITHIN_S


async def test_up_does_not_wait_long_for_a_redis_that_was_named(tmp_path: Path) -> None:
    port = free_port()
    code, output, seconds = await _outcome(
        COMMANDS["up"], tmp_path, {"MOVIE_SEARCH_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    )
    assert code == 1, output
    assert f"Redis does not answer: Redis at 127.0.0.1:{port}" in output
    assert "start it, or correct MOVIE_SEARCH_REDIS_URL" in output
    assert seconds < WITHIN_S
