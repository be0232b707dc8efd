"""An embedder killed between any two steps leaves the same rows, snapshot and run as without."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine, reading
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from services.embedder.settling.freshness import Freshness
from services.embedder.settling.removal import Removals
from services.embedder.settling.run_completion import RunCompletion
from shared.delivery.redis_client import Client, connect
from shared.runs import registry
from shared.runs.registry import Run
from shared.snapshot import commit
from tests.support.delivery.redis_server import redis_server
from tests.support.embedder.arrivals import Sent, kept, movie, review
from tests.support.embedder.arrivals import end as run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until

KILLED = 9

# The embedder's steps for a run, in order; the process ends before or after the step.
STEPS: dict[str, tuple[object, str, bool]] = {
    "before anything is committed": (ReviewConsumer, "_store", False),
    "after the commit, before the acknowledgement": (ReviewConsumer, "_store", True),
    "before vectors are kept": (WorkList, "save", False),
    "after vectors are kept": (WorkList, "save", True),
    "before the removal": (Removals, "decide", False),
    "after the removal, before the snapshot": (Removals, "decide", True),
    "before the commit point": (commit, "point_current_at", False),
    "after the commit point, before SQL knows": (SnapshotRecords, "published", False),
    "after the snapshot, before freshness": (SnapshotRecords, "published", True),
    "after freshness, before the completion": (RunCompletion, "complete", False),
    "before the run's record": (Freshness, "of_run", False),
    "after the run's record, before the ledger is closed": (Ledgers, "close", False),
    "after everything": (Ledgers, "close", True),
}


def run_until(settings: dict[str, Any], step: str) -> None:
    """Run an embedder, in a separate process that ends at a step as by ``kill -9``."""
    home, name, after = STEPS[step]
    original: Callable[..., Any] = getattr(home, name)

    def deadly(*args: Any, **options: Any) -> Any:
        if after:
            original(*args, **options)
        os._exit(KILLED)

    setattr(home, name, deadly)
    opened = EmbedderSettings.model_validate(settings)
    service = Embedder(opened, open_engine(opened.database), HashEncoder(), precision="f32")
    asyncio.run(service.run(asyncio.Event()))


async def kill_at(settings: EmbedderSettings, step: str) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=run_until, args=(settings.model_dump(exclude_none=True), step)
    )
    process.start()
    await asyncio.to_thread(process.join, 120)
    assert process.exitcode == KILLED
    process.close()


FIRST: list[Sent] = [
    movie("tt1"), review("a", "tt1"), review("b", "tt1"), review("c", "tt1"),
    movie("tt2"), review("d", "tt2"),
    movie("tt3"), review("e", "tt3"),
]  # fmt: skip


async def first_run(redis: Client, settings: EmbedderSettings) -> None:
    run = await new_run(redis, "site")
    sent = [item.model_copy(update={"run_id": run.run_id}) for item in FIRST]
    async with embedder(settings, HashEncoder()):
        await send(redis, [*sent, run_end(sent, run=run.run_id, complete=True)])
        assert (await ended(redis, run)).state == "searchable"


async def second_run(redis: Client) -> Run:
    """A run that changes a review, adds one, keeps some, and has lost a movie with its review."""
    run = await new_run(redis, "site")
    sent: list[Sent] = [
        review("a", "tt1", run=run.run_id, text="Otherwise now."),
        review("new", "tt3", run=run.run_id),
    ]
    names = ["movie/tt1", "movie/tt3", "review/a", "review/b", "review/c", "review/e"]
    ending = run_end(sent, kept=names, run=run.run_id, complete=True)
    await send(redis, [*sent, kept(*names, run=run.run_id), ending])
    return run


def rows_of(engine: Engine) -> dict[str, set[tuple[str, ...]]]:
    """All stored rows, without the numbers of changes and snapshots, and the ids of runs."""
    passed_over = {"revision", "added_by", "run_id", "end_entry"}
    tables = {}
    with reading(engine) as connection:
        for table in SQLModel.metadata.sorted_tables:
            if table.name in {"revision", "snapshots"}:
                continue
            columns = [column for column in table.columns if column.name not in passed_over]
            rows = connection.execute(table.select().with_only_columns(*columns)).all()
            tables[table.name] = {tuple(map(str, row)) for row in rows}
    return tables


Result = tuple[Run, dict[str, set[tuple[str, ...]]], list[tuple[str, int]]]


async def result_of(redis: Client, settings: EmbedderSettings, run: Run) -> Result:
    end = await registry.get_run(redis, run.run_id)
    assert end is not None
    engine = open_engine(settings.database)
    rows = rows_of(engine)
    engine.dispose()
    snapshot = current(settings)
    assert end.snapshot_id == snapshot.snapshot_id
    movies = snapshot.catalogue.movies(range(snapshot.catalogue.counts()[0]))
    return end, rows, [(movie.movie_id, movie.review_count) for movie in movies]


def settings_for(redis_url: str, folder: Path) -> EmbedderSettings:
    return EmbedderSettings(redis_url=redis_url, data_dir=folder, publish_idle_s=0.1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The results of both runs when no process is killed."""

    async def both(redis_url: str) -> Result:
        redis = connect(redis_url)
        settings = settings_for(redis_url, tmp_path_factory.mktemp("undisturbed"))
        await first_run(redis, settings)
        run = await second_run(redis)
        async with embedder(settings, HashEncoder()):
            await ended(redis, run)
        result = await result_of(redis, settings, run)
        await redis.aclose()
        return result

    with redis_server() as server:
        result = asyncio.run(both(server.url))
    assert (result[0].state, result[0].removed, result[0].kept) == ("searchable", 1, 3)
    assert result[2] == [("tt1", 3), ("tt3", 2)]
    return result


@pytest.mark.parametrize("step", STEPS)
async def test_killed(
    step: str, undisturbed: Result, redis: Client, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_for(redis_url, tmp_path)
    await first_run(redis, settings)
    run = await second_run(redis)
    await kill_at(settings, step)
    async with embedder(settings, HashEncoder()):
        await ended(redis, run)
        ledgers = Ledgers(engine := open_engine(settings.database))

        async def closed() -> bool:
            return not ledgers.open_ledgers()

        await async_wait_until(closed)
        engine.dispose()
    end, *rest = await result_of(redis, settings, run)
    fields = {
        "state", "stored", "duplicate", "dead_lettered", "kept", "removed", "embedded", "error"
    }  # fmt: skip
    assert end.model_dump(include=fields) == undisturbed[0].model_dump(include=fields)
    assert tuple(rest) == undisturbed[1:]
