"""kill -9 of a real publisher: before each of its file operations, and at random moments.

The publisher is the embedder's, over a real database, in a process of its own. Whatever it was
doing, readers find the old snapshot or the new one, and the next publisher clears up.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.embedder.database.engine import open_engine
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from shared.delivery.keys import REVIEWS_STREAM, SNAPSHOTS_CHANNEL
from shared.delivery.redis_client import Client, connect
from shared.snapshot.storage.manifest import CURRENT
from shared.snapshot.storage.store import STAGING, TRASH, SnapshotStore
from tests.support.counts import Counted
from tests.support.delivery.redis_server import redis_server
from tests.support.disk.examiner import (
    Examiner,
    Expected,
    Scenario,
    answers_of,
    looked_at,
    tried,
)
from tests.support.disk.operations import Counting, Recorder, Renamed, intercepted, recorded
from tests.support.embedder.arrivals import Sent, movie, review
from tests.support.embedder.arrivals import end as run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import embedder, ended, new_run, send
from tests.support.soak import SOAK, times
from tests.support.waiting import async_wait_until

CALLS = "calls.json"
DISK = "disk"
PROCESSES = multiprocessing.get_context("forkserver")
# The embedder imports scikit-learn when it draws a map; here once for all publishers.
PROCESSES.set_forkserver_preload([__name__, "sklearn.cluster", "sklearn.manifold"])


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def publish(data: Path, at: int | None) -> None:
    """In a process of its own: publish, and be killed before an operation on the store."""
    settings = settings_of(data)
    service = Embedder(settings, open_engine(settings.database), HashEncoder(), precision="f32")
    counting = Counting(at, kill_myself)
    with intercepted(settings.snapshot_dir, counting):
        assert service._publisher.publish() is not None
    (data / CALLS).write_text(json.dumps(counting.calls))


def settings_of(data: Path, **options: object) -> EmbedderSettings:
    """EmbedderSettings of an embedder; the store lies on a disk of its own."""
    return EmbedderSettings.model_validate(
        {
            "data_dir": data / DISK,
            "database_url": f"sqlite:///{data / 'movies.sqlite'}",
            "lease_dir": data / "leases",
            "redis_url": "redis://nowhere",
            "snapshots_kept": 3,
            **options,
        }
    )


def run_publisher(data: Path, at: int | None = None, *, kill_after_s: float | None = None) -> int:
    """The exit code of a publisher."""
    process = PROCESSES.Process(target=publish, args=(data, at))
    process.start()
    if kill_after_s is not None:
        process.join(kill_after_s)
        process.kill()
    process.join(60)
    code = process.exitcode
    process.close()
    assert code is not None
    return code


@dataclass(frozen=True)
class Prepared:
    """A database that has changed since it was last published, and the store."""

    data: Path
    calls: list[str]
    took_s: float

    def copy(self, target: Path) -> SnapshotStore:
        """The same in another place."""
        shutil.copytree(self.data, target)
        return SnapshotStore(settings_of(target).snapshot_dir)


async def _fill(redis_url: str, data: Path) -> None:
    redis = connect(redis_url)
    run = await new_run(redis)
    movies = [f"tt{n}" for n in range(8)]
    sent: list[Sent] = [
        *(movie(movie_id, run=run.run_id) for movie_id in movies),
        *(review(f"of-{movie_id}", movie_id, run=run.run_id) for movie_id in movies),
    ]
    settings = settings_of(data, redis_url=redis_url, publish_idle_s=0.1)
    async with embedder(settings, HashEncoder()) as service:
        await send(redis, [*sent, run_end(sent, run=run.run_id)])
        await ended(redis, run)
        for _ in range(3):  # so that there is something to delete
            await asyncio.to_thread(service._publisher.publish)
    settings = settings_of(data, redis_url=redis_url, publish_idle_s=600, publish_every_s=600)
    async with embedder(settings, HashEncoder()) as service:
        # One more movie, so that the others' part of the lexical index is linked.
        await send(redis, [movie("tt9", run=run.run_id), review("new", "tt9", run=run.run_id)])

        async def stored() -> bool:
            return await redis.xlen(REVIEWS_STREAM) == 0 and service._work_list.backlog_size() == 0

        await async_wait_until(stored)
    await redis.aclose()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    data = tmp_path_factory.mktemp("prepared")
    with redis_server() as server:
        asyncio.run(_fill(server.url, data))
    ready = PROCESSES.Process(target=int)  # the first one also waits for the imports
    ready.start()
    ready.join()
    undisturbed = data.parent / f"{data.name}-undisturbed"
    shutil.copytree(data, undisturbed)
    began = time.monotonic()
    assert run_publisher(undisturbed) == 0
    took_s = time.monotonic() - began
    calls = json.loads((undisturbed / CALLS).read_text())
    assert [call for call in calls if call.startswith("rename .trash")]
    return Prepared(data, calls, took_s)


def current_of(store: SnapshotStore) -> str:
    """What is current, opened as readers do."""
    named = store.current()
    looked_at(store, named.snapshot_id, named.manifest_sha256)
    return named.snapshot_id


def orphans_in(store: SnapshotStore) -> list[str]:
    """What somebody who was killed has left."""
    left = (STAGING, TRASH, f"{CURRENT}.")
    return [path.name for path in store.root.iterdir() if path.name.startswith(left)]


def assert_next_clears_up(data: Path, store: SnapshotStore) -> None:
    before = set(store.snapshot_ids())
    assert run_publisher(data) == 0
    assert current_of(store) == max(store.snapshot_ids())
    assert current_of(store) not in before
    assert orphans_in(store) == []
    for snapshot_id in store.snapshot_ids():
        looked_at(store, snapshot_id)


def steps(calls: list[str]) -> list[int]:
    """Every call; in CI, of those that do the same to one file after the other the first and last.

    The model of ``test_snapshot_crashes`` has tried them all.
    """
    verbs = [call.split()[0] for call in calls]
    return [
        number
        for number, verb in enumerate(verbs)
        if SOAK or verbs[number - 1 : number] != [verb] or verbs[number + 1 : number + 2] != [verb]
    ]


@pytest.mark.timeout(600)
def test_killed_before_any_operation(prepared: Prepared, tmp_path: Path, counted: Counted) -> None:
    commit_point = prepared.calls.index(f"rename {CURRENT}")
    orphans = 0
    for number in steps(prepared.calls):
        call = prepared.calls[number]
        data = tmp_path / str(number)
        store = prepared.copy(data)
        old = current_of(store)
        assert run_publisher(data, number) == -signal.SIGKILL
        assert (current_of(store) == old) == (number <= commit_point), call
        for snapshot_id in store.snapshot_ids():
            looked_at(store, snapshot_id)
        orphans += bool(orphans_in(store))
        if number % times(10, soak=1) == 0 or number == commit_point:
            assert_next_clears_up(data, store)
        counted("kills", 1)
        shutil.rmtree(data)
    assert orphans > 5
    counted("orphans left", orphans)


@pytest.mark.timeout(1200)
def test_killed_at_random_moments(prepared: Prepared, tmp_path: Path, counted: Counted) -> None:
    chance = random.Random(3)
    store = prepared.copy(tmp_path / "data")
    killed, took_s = 0, prepared.took_s
    for _ in range(times(20, soak=400)):
        old = current_of(store)
        began = time.monotonic()
        code = run_publisher(tmp_path / "data", kill_after_s=chance.uniform(0, took_s))
        if code == 0:  # the machine has less to do than it had, or nearly all was done
            took_s = min(took_s, time.monotonic() - began)
        killed += code != 0
        assert current_of(store) in {old, max(store.snapshot_ids())}
        for snapshot_id in store.snapshot_ids():
            looked_at(store, snapshot_id)
    assert killed
    counted("kills", killed)
    assert_next_clears_up(tmp_path / "data", store)


@dataclass
class Announced:
    """What the embedder has told the world, in the middle of what it did to the disk."""

    recorder: Recorder
    ids: list[str] = field(default_factory=list)

    def listen_to(self, redis: Client, patch: pytest.MonkeyPatch) -> None:
        original = redis.publish

        async def publish(channel: str, message: str) -> int:
            assert channel == SNAPSHOTS_CHANNEL
            self.recorder.said(message)
            self.ids.append(message)
            return int(await original(channel, message))

        patch.setattr(redis, "publish", publish)


async def test_what_the_embedder_announces_survives_a_power_cut(
    prepared: Prepared,
    tmp_path: Path,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    counted: Counted,
) -> None:
    """The whole service, which publishes what has changed as links and copies."""
    store = prepared.copy(tmp_path / "data")
    olds = store.snapshot_ids()
    answers = answers_of(store)
    settings = settings_of(tmp_path / "data", redis_url=redis_url, publish_idle_s=0.1)
    with recorded(tmp_path / "data" / DISK) as recorder:
        announced = Announced(recorder)
        async with embedder(settings, HashEncoder()) as service:
            announced.listen_to(service._redis, monkeypatch)

            async def is_announced() -> bool:
                return bool(announced.ids)

            await async_wait_until(is_announced)
    [new] = announced.ids
    assert new not in olds
    kept = store.snapshot_ids()
    scenario = Scenario(
        recorder.trace(),
        before=Expected(frozenset({olds[0], new}), frozenset(kept) - {new}),
        after=Expected(frozenset({new}), frozenset(kept)),
        answers={**answers, **answers_of(store)},
    )
    linked = [path for path in store.folder(new).rglob("*") if path.stat().st_nlink > 1]
    assert [path for path in linked if path.is_file()]
    (tmp_path / "examiner").mkdir()
    result = tried(scenario, Examiner(tmp_path / "examiner"), most=times(200, soak=5000))
    counted("disk states", result.states)
    assert result.violations == []
    assert [done for done in scenario.trace.operations if isinstance(done, Renamed)]
