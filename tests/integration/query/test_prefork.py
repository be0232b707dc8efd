"""Several query workers: one address, one lifetime, and the snapshot in memory once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from shared.encoder import GraphEncoder
from shared.snapshot.storage.leases import leased
from shared.snapshot.storage.store import SnapshotStore
from tests.integration.query.test_query_process import ROOT, command, environment
from tests.support.crawl.supervision import is_alive
from tests.support.ports import free_port
from tests.support.query.snapshots import MOVIES, SampleMovie, SnapshotBuilder
from tests.support.waiting import wait_until

WORKERS = 3


@contextmanager
def workers_of(
    folder: Path, port: int, count: int = WORKERS, **settings: str
) -> Iterator[psutil.Popen]:
    process = psutil.Popen(
        command("--port", str(port)),
        cwd=ROOT,
        env=environment(folder, QUERY_WORKERS=str(count), **settings),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # the parent may have ended before its workers
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = process.children()
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if is_alive(child.pid)]


def get(port: int, path: str) -> httpx.Response | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=20)  # a new connection each time
    except httpx.TransportError:
        return None


def answers(port: int, path: str = "/livez") -> bool:
    response = get(port, path)
    return response is not None and response.status_code == 200


def metric(port: int, line: str) -> float:
    """Return the value of a metric; 0 when it does not exist yet."""
    response = get(port, "/metrics")
    assert response is not None
    match = re.search(rf"^{re.escape(line)} (\S+)$", response.text, re.MULTILINE)
    return float(match[1]) if match else 0.0


def settled_metric(port: int, line: str) -> float:
    """Return a metric once two successive reads agree."""
    values = [metric(port, line)]

    def same() -> bool:
        values.append(metric(port, line))
        return values[-1] == values[-2]

    wait_until(same)
    return values[-1]


def test_they_start_count_together_and_stop_together(tmp_path: Path) -> None:
    port = free_port()
    with workers_of(tmp_path, port) as process:
        wait_until(lambda: answers(port))
        wait_until(lambda: len(children(process)) == WORKERS, what="all are forked")
        assert process.num_threads() == 1  # otherwise it must not fork
        checked = subprocess.run(
            command("--check", "--port", str(port)), cwd=ROOT, env=environment(tmp_path)
        )
        assert checked.returncode == 0
        line = 'movie_search_http_requests_total{method="GET",route="/livez",status="200"}'
        before, used = settled_metric(port, line), process.cpu_times()
        for _ in range(30):
            assert answers(port)
        # Each worker reports the counts of all; a worker counts after it has sent its response.
        wait_until(lambda: metric(port, line) >= before + 30, what="all are counted")
        assert metric(port, line) == before + 30
        # The parent waits without using the CPU.
        assert process.cpu_times().user - used.user < 0.05
        metrics = get(port, "/metrics")
        assert metrics is not None
        for number in range(1, WORKERS + 1):
            memory = f'movie_search_worker_resident_memory_bytes{{worker="{number}"}}'
            assert metric(port, memory) > 10e6
        assert "process_resident_memory_bytes" not in metrics.text  # it would be one worker's only
        running = children(process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "stopped" in errors
        assert "Traceback" not in errors
        assert not [child for child in running if child.is_running()]
    assert not answers(port)


def test_a_worker_that_dies_is_replaced_and_nobody_notices(tmp_path: Path) -> None:
    port = free_port()
    with workers_of(tmp_path, port) as process:
        wait_until(lambda: answers(port))
        line = 'movie_search_http_requests_total{method="GET",route="/livez",status="200"}'
        counted = metric(port, line)
        for _ in range(2):
            victim = children(process)[0]
            victim.kill()
            wait_until(partial(is_replaced, process, victim), what="it is replaced")
            for _ in range(10):
                assert answers(port)
        # The counts of the dead worker are not lost.
        wait_until(lambda: metric(port, line) >= counted + 20, what="all are counted")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0


def is_replaced(process: psutil.Popen, victim: psutil.Process) -> bool:
    running = {child.pid for child in children(process)}
    return len(running) == WORKERS and victim.pid not in running


def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with workers_of(tmp_path, port) as process:
        wait_until(lambda: answers(port))
        running = children(process)
        process.kill()
        wait_until(lambda: not any(is_alive(c.pid) for c in running), what="all workers end")
    assert not answers(port)


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"QUERY_WORKERS": "many"}, "MOVIE_SEARCH_QUERY_WORKERS"), ({"ADMIN_TOKEN": "x"}, "token")],
)
def test_a_bad_setting_is_said_once(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    ended = subprocess.run(
        command("--port", str(free_port())),
        cwd=ROOT,
        env=environment(tmp_path, **{"QUERY_WORKERS": "3", **settings}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert named in line


def padded() -> list[SampleMovie]:
    """More movies than workers, with some passages each."""
    text = " ".join(f"A sentence about number {n} of many." for n in range(40))
    return [
        *MOVIES,
        *(SampleMovie(f"tt{n}", (f"{text} {n}",), title=f"Movie {n}") for n in range(40)),
    ]


@pytest.mark.encoder
@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
def test_they_serve_one_snapshot_and_hold_it_once(encoder_store: Path, tmp_path: Path) -> None:
    [artefact] = (encoder_store / "encoders").iterdir()
    store = SnapshotStore(tmp_path / "snapshots")
    store.root.mkdir()
    (store.root / "encoders").symlink_to(encoder_store / "encoders")
    builder = SnapshotBuilder(store, GraphEncoder(artefact))
    first = builder.publish(padded())
    port = free_port()
    with workers_of(tmp_path, port, RELOAD_INTERVAL_S="0.2") as process:
        wait_until(lambda: answers(port, "/readyz"))
        wait_until(lambda: served_by_all(process, store, first.snapshot_id))
        # The minimum of all workers: each serves the snapshot that it has mapped.
        movies = "movie_search_movies"
        wait_until(lambda: metric(port, movies) == len(padded()), what="all serve it")
        # Each worker holds a lease, and the parent holds none.
        holders = [path.name for path in (tmp_path / "leases").iterdir()]
        assert len(holders) == WORKERS
        assert leased(tmp_path / "leases") == {first.snapshot_id}
        for _ in range(20):
            response = get(port, "/search?q=number+of+many")
            assert response is not None
            assert response.json()["snapshot_id"] == first.snapshot_id

        for child in children(process):
            for name in ("vectors.faiss", "passages.npy"):
                mapped = mapping(child, store.folder(first.snapshot_id) / name)
                assert mapped, f"{name} is not mapped"
                assert all(part.anonymous == 0 for part in mapped)

        second = builder.publish([*padded(), SampleMovie("tt999", ("A new one.",))])
        wait_until(lambda: served_by_all(process, store, second.snapshot_id), what="all reload")
        wait_until(lambda: leased(tmp_path / "leases") == {second.snapshot_id})
        seconds = metric(port, "movie_search_snapshot_sequence")
        assert seconds == second.sequence

        # A replacement accepts nothing before it can answer, so that no client gets "not ready".
        victim = children(process)[0]
        victim.kill()
        victim.wait(60)
        codes = set()

        def replaced() -> bool:
            response = get(port, "/search?q=new+one")
            codes.add(response.status_code if response is not None else None)
            return served_by_all(process, store, second.snapshot_id)

        wait_until(replaced, what="a replacement serves")
        assert codes == {200}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert leased(tmp_path / "leases") <= {second.snapshot_id}  # only those of the killed worker


def served_by_all(process: psutil.Popen, store: SnapshotStore, snapshot_id: str) -> bool:
    path = store.folder(snapshot_id) / "vectors.faiss"
    running = children(process)
    return len(running) == WORKERS and all(mapping(child, path) for child in running)


def mapping(process: psutil.Process, path: Path) -> list[Any]:
    """Return how a process maps a file, with the private part of each mapping."""
    try:
        return [part for part in process.memory_maps(grouped=False) if part.path == str(path)]
    except (psutil.NoSuchProcess, FileNotFoundError):
        return []
