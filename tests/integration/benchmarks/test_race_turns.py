"""Servers take turns: one runs, the others are frozen; load comes from another process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.race.contenders import OUR_API
from tests.benchmarks.race.load import Load, LoadFailed, Requests, closed_loop, open_loop
from tests.benchmarks.race.servers import Server, ServerFailed
from tests.benchmarks.race.turns import cold_starts, laps, lined_up
from tests.benchmarks.race.venvs import NotInstalled, ensure

ANSWER_BYTES = 300


def constant(name: str, folder: Path, *arguments: str) -> Server:
    command = [sys.executable, "-m", "tests.benchmarks.race.constant_app", *arguments]
    requests = Requests(OUR_API, ["a quiet film", "rain"], 50, folder / f"{name}.txt")
    return Server(name, command, requests, folder / f"{name}.log", folder=ROOT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = constant("one", tmp_path, "{port}", str(ANSWER_BYTES))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_server_is_loaded_from_another_process(server: Server) -> None:
    before = server.cpu_s()
    load = closed_loop(server.requests, server.port, concurrency=2, seconds=1)
    assert load.requests > 20
    assert load.errors == 0
    assert 0 < load.p50_ms <= load.p99_ms <= load.max_ms
    assert server.cpu_s() > before
    assert server.answer_bytes() == ANSWER_BYTES
    memory = server.memory()
    assert 10 < memory.private_mb <= memory.rss_mb


def test_an_open_loop_keeps_its_rate(server: Server) -> None:
    load = open_loop(server.requests, server.port, rate=50, seconds=1)
    assert (load.requests, load.errors) == (50, 0)
    assert 0.9 < load.wall_s < 60


def test_requests_continue_after_those_of_the_last_window(server: Server) -> None:
    assert server.requests.offset == 0
    open_loop(server.requests, server.port, rate=20, seconds=0.5)
    assert server.requests.offset == 10


def test_a_frozen_server_takes_no_cpu_and_is_measured_in_its_turn(tmp_path: Path) -> None:
    servers = [constant(name, tmp_path, "{port}", "50") for name in ("first", "second")]
    states: list[tuple[str, list[str]]] = []

    def drive(server: Server) -> Load:
        states.append((server.name, [psutil.Process(one.pid).status() for one in servers]))
        return closed_loop(server.requests, server.port, concurrency=1, seconds=1)

    with lined_up(servers):
        results = laps(servers, 1, drive)
    (first, then), (second, now) = states
    assert (first, second) == ("first", "second")
    assert then[1] == now[0] == psutil.STATUS_STOPPED
    assert psutil.STATUS_STOPPED not in (then[0], now[1])
    assert all(one.cpu_ms.minimum > 0 and one.errors == 0 for one in results.values())


def test_a_server_that_cannot_start_is_left_out(tmp_path: Path) -> None:
    good = constant("good", tmp_path, "{port}", "50")
    bad = constant("bad", tmp_path, "no-port")
    said: list[str] = []
    starts = cold_starts([bad, good], 1, said.append)
    assert list(starts) == ["good"]
    assert said[0].startswith("bad ended: IndexError")
    with pytest.raises(ServerFailed, match="bad ended"):
        bad.start()


def test_a_load_generator_without_a_result_says_so(tmp_path: Path) -> None:
    requests = Requests(OUR_API, ["rain"], 1, tmp_path / "requests.txt")
    requests.path.unlink()
    with pytest.raises(LoadFailed, match="No such file"):
        open_loop(requests, 1, rate=1, seconds=0.1)


def test_an_environment_that_cannot_be_installed_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements-absent.txt").write_text("./no-such-folder-at-all\n")
    monkeypatch.setattr("tests.benchmarks.race.venvs.COMPETITORS", tmp_path)
    said: list[str] = []
    with pytest.raises(NotInstalled, match="no-such-folder-at-all"):
        ensure("absent", tmp_path / "venvs", say=said.append)
    assert len(said) == 1
