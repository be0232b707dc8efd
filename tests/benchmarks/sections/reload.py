"""What a new snapshot costs the query service, idle and under load."""

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
SHARE = 0.5  # of the throughput: arrivals are a load, and no overload
CONCURRENCY = 4
HEIGHTS = 5
QUIET, BUSY = "idle", f"every {EVERY_S} s, under load"


class NotReloaded(RuntimeError):
    """The service did not follow ``CURRENT`` in time."""


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
    steady = Series.of(own.steady.p99_ms for own in rounds)
    disturbed = Series.of(own.disturbed.p99_ms for own in rounds)
    busy = Series.of(took for own in rounds for took in own.switches.values)
    failed = sum(own.steady.errors + own.disturbed.errors for own in rounds)
    rows = [
        [QUIET, quiet.shown(), str(len(quiet.values)), "", ""],
        [BUSY, busy.shown(), str(len(busy.values)),
         f"{number(steady.median)} → {number(disturbed.median)}", str(failed)],
    ]  # fmt: skip
    columns = ("reload", "CURRENT to served, s, min / median", "reloads", "p99 ms", "failed")
    remark = (
        f"{rate:.0f} arrivals a second, in an open loop. {number(memory.rss_mb, 0)} MB resident "
        f"after them; `CURRENT` is looked at every {INTERVAL_S} s. Failed would be an answer that "
        "names one snapshot and is of another, too."
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
    """The same arrivals twice: while nothing else happens, and while it reloads again and again."""

    def load() -> Load:
        return open_loop(server.requests, server.port, rate=rate, seconds=seconds)

    steady = load()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load)
        switches = _switches(server, store, 0, every_s=EVERY_S, until=loading.done)
        return _Round(steady, loading.result(), switches)


def _height(server: Server, catalogue: Catalogue) -> Series:
    """Memory at the height of a reload over that before it, as a share of the snapshot."""
    files = catalogue.store.manifest(catalogue.store.current().snapshot_id).files
    size = sum(entry.size_bytes for entry in files.values())
    process = Path(f"/proc/{server.pid}")
    found = []
    for _ in range(HEIGHTS):
        base = _status(process, "VmRSS")
        (process / "clear_refs").write_text("5")  # the high water mark begins anew
        _switches(server, catalogue.store, 1)
        found.append(max(0, _status(process, "VmHWM") - base) / size)
    return Series.of(found)


def _status(process: Path, name: str) -> int:
    """A line of a process's status, in bytes."""
    lines = (process / "status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(value)


def _two_snapshots(catalogue: Catalogue, folder: Path) -> Catalogue:
    """A store with the catalogue's snapshot under two names."""
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
    """Seconds from a new ``CURRENT`` until it is served; ``count`` times, or until told."""
    found: list[float] = []
    begun = time.perf_counter()
    while len(found) < count or (until is not None and not until()):
        time.sleep(max(0.0, begun + every_s * len(found) - time.perf_counter()))
        served = store.current().snapshot_id
        [other] = [own for own in store.snapshot_ids() if own != served]
        started = time.perf_counter()
        point_current_at(store, other)
        while _served(server) != other:
            if time.perf_counter() - started > TIMEOUT_S:
                raise NotReloaded(f"{other} is not served after {TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)
        found.append(time.perf_counter() - started)
    return Series.of(found)


def _served(server: Server) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{server.port}/snapshot", timeout=30) as answer:
        name: str = json.load(answer)["snapshot_id"]
    return name
