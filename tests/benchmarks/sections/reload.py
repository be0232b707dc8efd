"""The cost of a new snapshot for the query service, idle and under load."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shared.snapshot.commit import Draft, point_current_at, publish
from shared.snapshot.storage.manifest import MANIFEST
from shared.snapshot.storage.store import SnapshotStore
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.figures.measurement import Series, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Key, Measured, Outcome
from tests.benchmarks.race import contenders
from tests.benchmarks.race.load import Load, closed_loop, open_loop
from tests.benchmarks.race.servers import Server

POLL_S = 0.005
TIMEOUT_S = 120.0
INTERVAL_S = 0.05
EVERY_S = 0.5
SHARE = 0.5  # of the throughput, so that the arrivals are no overload
CONCURRENCY = 4
HEIGHTS = 5
QUIET, BUSY = "idle", f"every {EVERY_S} s, under load"


class NotReloaded(RuntimeError):
    """The service did not serve the new ``CURRENT`` in time."""


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Publish the same movies as another snapshot, and switch between the two.

    Raises:
        NotReloaded, tests.benchmarks.race.servers.ServerFailed,
        tests.benchmarks.race.load.LoadFailed.
    """
    say(f"reload: {plan.reloads} times idle, and every {EVERY_S} s under load")
    copied = _two_snapshots(catalogue, plan.work / "reload")
    server = contenders.ours(
        copied, plan, name="reload", MOVIE_SEARCH_RELOAD_INTERVAL_S=str(INTERVAL_S)
    )
    server.start()
    try:
        quiet = _switches(server, copied.store, plan.reloads)
        taken = _height(server, copied)
        full = closed_loop(
            server.requests, server.port, concurrency=CONCURRENCY, seconds=plan.seconds
        )
        rate = SHARE * full.requests / full.wall_s
        rounds = [_round(server, copied.store, rate, plan.seconds) for _ in range(plan.rounds)]
        memory = server.memory()
    finally:
        server.stop()
    steady = Series.of(one.steady.p99_ms for one in rounds)
    disturbed = Series.of(one.disturbed.p99_ms for one in rounds)
    busy = Series.of(took for one in rounds for took in one.switches.values)
    failed = sum(one.steady.errors + one.disturbed.errors for one in rounds)
    rows = [
        [QUIET, quiet.shown(), str(len(quiet.values)), "", ""],
        [BUSY, busy.shown(), str(len(busy.values)),
         f"{number(steady.median)} → {number(disturbed.median)}", str(failed)],
    ]  # fmt: skip
    columns = ("reload", "CURRENT to served, s, min / median", "reloads", "p99 ms", "failed")
    remark = (
        f"{rate:.0f} arrivals a second, in an open loop. {number(memory.rss_mb, 0)} MB resident "
        f"after them; `CURRENT` is checked every {INTERVAL_S} s. A response from another snapshot "
        "than it names would count as failed too."
    )
    figures = {
        "quiet_s": quiet.to_json(), "busy_s": busy.to_json(), "p99_steady_ms": steady.to_json(),
        "p99_reloading_ms": disturbed.to_json(), "failed": failed, "rss_mb": memory.rss_mb,
        "height": taken.to_json(),
    }  # fmt: skip
    outcomes: dict[Key, Outcome] = {
        "p99-reload": Measured(disturbed.over(steady), f"{failed} requests failed"),
        "rss-reload": Measured(taken),
    }
    return Section(
        [Table("reload", "Reloading", columns, rows, [remark])], {"reload": figures}, outcomes
    )


@dataclass(frozen=True)
class _Round:
    steady: Load
    disturbed: Load
    switches: Series


def _round(server: Server, store: SnapshotStore, rate: float, seconds: float) -> _Round:
    """The same arrivals twice: without reloads, and with repeated reloads."""

    def load() -> Load:
        return open_loop(server.requests, server.port, rate=rate, seconds=seconds)

    steady = load()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load)
        switches = _switches(server, store, 0, every_s=EVERY_S, until=loading.done)
        return _Round(steady, loading.result(), switches)


def _height(server: Server, catalogue: Catalogue) -> Series:
    """The peak memory of a reload above the memory before it, as a share of the snapshot."""
    files = catalogue.store.manifest(catalogue.store.current().snapshot_id).files
    size = sum(entry.size_bytes for entry in files.values())
    process = Path(f"/proc/{server.pid}")
    heights = []
    for _ in range(HEIGHTS):
        base = _status(process, "VmRSS")
        (process / "clear_refs").write_text("5")  # resets the high water mark
        _switches(server, catalogue.store, 1)
        heights.append(max(0, _status(process, "VmHWM") - base) / size)
    return Series.of(heights)


def _status(process: Path, name: str) -> int:
    """A value of a process's status in bytes."""
    lines = (process / "status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(value)


def _two_snapshots(catalogue: Catalogue, folder: Path) -> Catalogue:
    """A store with the snapshot of the catalogue under two ids."""
    shutil.rmtree(folder, ignore_errors=True)
    source = catalogue.snapshot
    store = SnapshotStore(folder / "snapshots")
    encoders = store.root / "encoders"
    shutil.copytree(catalogue.artefact, encoders / catalogue.artefact.name)

    def write(target: Path) -> Draft:
        origin = catalogue.store.folder(source.snapshot_id)
        shutil.copytree(origin, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        return Draft(counts=source.manifest.counts, encoder=source.manifest.encoder)

    for sequence in (1, 2):
        publish(store, sequence=sequence, write=write)
    return Catalogue(catalogue.name, store, catalogue.queries_from, catalogue.queries)


def _switches(
    server: Server,
    store: SnapshotStore,
    count: int,
    *,
    every_s: float = 0.0,
    until: Callable[[], bool] | None = None,
) -> Series:
    """Seconds from a new ``CURRENT`` until it is served, ``count`` times or until ``until``."""
    took_s: list[float] = []
    begun = time.perf_counter()
    while len(took_s) < count or (until is not None and not until()):
        time.sleep(max(0.0, begun + every_s * len(took_s) - time.perf_counter()))
        served = store.current().snapshot_id
        [other] = [snapshot_id for snapshot_id in store.snapshot_ids() if snapshot_id != served]
        started = time.perf_counter()
        point_current_at(store, other)
        while _served(server) != other:
            if time.perf_counter() - started > TIMEOUT_S:
                raise NotReloaded(f"{other} is not served after {TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)
        took_s.append(time.perf_counter() - started)
    return Series.of(took_s)


def _served(server: Server) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{server.port}/snapshot", timeout=30) as answer:
        name: str = json.load(answer)["snapshot_id"]
    return name
