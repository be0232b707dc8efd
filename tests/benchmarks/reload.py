"""What a new snapshot costs the query service, idle and under load."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.snapshot.commit import Draft, point_current_at, publish
from shared.snapshot.manifest import MANIFEST
from shared.snapshot.store import SnapshotStore
from tests.benchmarks import contenders
from tests.benchmarks.catalogues import Catalogue
from tests.benchmarks.load import Load, closed_loop
from tests.benchmarks.measurement import Series, number
from tests.benchmarks.plan import Plan
from tests.benchmarks.section import Say, Section
from tests.benchmarks.servers import Server
from tests.benchmarks.tables import Table

POLL_S = 0.005
TIMEOUT_S = 120.0
INTERVAL_S = 0.05
CONCURRENCY = 4
QUIET, BUSY = "idle", f"under load, concurrency {CONCURRENCY}"


class NotReloaded(RuntimeError):
    """The service did not follow ``CURRENT`` in time."""


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Publish the same movies as another snapshot, and switch between the two.

    Raises:
        NotReloaded, tests.benchmarks.servers.ServerFailed, tests.benchmarks.load.LoadFailed.
    """
    say(f"reload: {plan.reloads} times, idle and under load")
    copied = _two_snapshots(catalogue, plan.work / "reload")
    server = contenders.ours(
        copied, plan, name="reload", MOVIE_SEARCH_RELOAD_INTERVAL_S=str(INTERVAL_S)
    )
    server.start()
    try:
        quiet = _switches(server, copied.store, plan.reloads)
        steady = _load(server, plan.seconds)()
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(_load(server, plan.seconds))
            busy = _switches(server, copied.store, plan.reloads, until=loading.done)
            disturbed = loading.result()
        memory = server.memory()
    finally:
        server.stop()
    rows = [
        [QUIET, quiet.shown(), "", "", ""],
        [BUSY, busy.shown(), str(len(busy.values)),
         f"{number(steady.p99_ms)} → {number(disturbed.p99_ms)}", str(disturbed.errors)],
    ]  # fmt: skip
    columns = ("reload", "CURRENT to served, s, min / median", "reloads", "p99 ms", "failed")
    remark = (
        f"{number(memory.rss_mb, 0)} MB resident after them; `CURRENT` is looked at every "
        f"{INTERVAL_S} s."
    )
    figures = {
        "quiet_s": quiet.to_json(), "busy_s": busy.to_json(), "p99_steady_ms": steady.p99_ms,
        "p99_reloading_ms": disturbed.p99_ms, "failed": disturbed.errors,
        "rss_mb": memory.rss_mb,
    }  # fmt: skip
    return Section([Table("reload", "Reloading", columns, rows, [remark])], {"reload": figures})


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
    server: Server, store: SnapshotStore, count: int, until: Callable[[], bool] | None = None
) -> Series:
    """Seconds from a new ``CURRENT`` until it is served; ``count`` times, or until told."""
    found: list[float] = []
    while (until is None and len(found) < count) or (until is not None and not until()):
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


def _load(server: Server, seconds: float) -> Callable[[], Load]:
    return lambda: closed_loop(
        server.requests, server.port, concurrency=CONCURRENCY, seconds=seconds
    )
