"""Runs under a supervisor in the test's process, with real crawl processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil

from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import load_sources
from services.ingest.supervisor.supervisor import Supervisor
from shared.delivery.redis_client import Client
from shared.runs import registry
from shared.runs.registry import Run
from shared.settings import load_settings
from tests.support.waiting import async_wait_until

NOWHERE = "http://127.0.0.1:1"


@asynccontextmanager
async def supervising(
    redis: Client, demo_url: str = NOWHERE, **options: Any
) -> AsyncIterator[Supervisor]:
    """A supervisor of the configured sources; ``options`` are its fields."""
    options.setdefault("sources", load_sources(load_settings(IngestSettings), demo_url=demo_url))
    options.setdefault("time_limit_s", 60.0)
    supervisor = Supervisor(redis, demo_url=demo_url, **options)
    stop = asyncio.Event()
    task = asyncio.create_task(supervisor.run(stop))
    try:
        yield supervisor
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def record_of(redis: Client, run: Run) -> Run:
    """The record of a run, which must be there."""
    record = await registry.get_run(redis, run.run_id)
    assert record is not None
    return record


async def settled(redis: Client, run: Run) -> Run:
    """The run once its crawl is over."""

    async def over() -> Run | None:
        record = await registry.get_run(redis, run.run_id)
        done = record is not None and record.state not in {"queued", "crawling"}
        return record if done else None

    record = await async_wait_until(over, timeout_s=120)
    assert record is not None
    return record


async def crawling(supervisor: Supervisor, run: Run, *, but: int = 0) -> int:
    """Process id of the run's crawl, other than ``but``."""

    async def started() -> int:
        pid = supervisor.pids.get(run.run_id, 0)
        return pid if pid != but else 0

    return await async_wait_until(started)


def is_alive(pid: int) -> bool:
    """Whether a process is there and not merely waited for."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
