"""How many threads a container may use, from control groups laid out as the kernel does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.system.cpu import available_threads


@pytest.fixture(autouse=True)
def _eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def member(root: Path, *lines: str) -> None:
    put(root / "proc/self/cgroup", "".join(f"{line}\n" for line in lines))


def test_without_control_groups_it_is_the_affinity(tmp_path: Path) -> None:
    assert available_threads(tmp_path) == 8
    member(tmp_path, "garbage", "0::/", "3:cpu:/gone")
    assert available_threads(tmp_path) == 8


@pytest.mark.parametrize(
    ("quota", "threads"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("50000 100000", 1),
        ("150000 100000", 1),
        ("160000 100000", 2),
        ("1600000 100000", 8),
        ("", 8),
        ("0 0", 8),
    ],
)
def test_a_quota_of_version_2(tmp_path: Path, quota: str, threads: int) -> None:
    member(tmp_path, "0::/")  # as a container sees itself
    put(tmp_path / "sys/fs/cgroup/cpu.max", f"{quota}\n")
    assert available_threads(tmp_path) == threads


def test_the_least_quota_of_all_groups_above_counts(tmp_path: Path) -> None:
    member(tmp_path, "0::/system.slice/query.service")
    put(tmp_path / "sys/fs/cgroup/system.slice/query.service/cpu.max", "500000 100000\n")
    put(tmp_path / "sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n")
    put(tmp_path / "sys/fs/cgroup/cpu.max", "max 100000\n")
    assert available_threads(tmp_path) == 3


@pytest.mark.parametrize(("mount", "controllers"), [("cpu", "cpu"), ("cpu,cpuacct", "cpu,cpuacct")])
@pytest.mark.parametrize(("quota", "threads"), [("-1", 8), ("200000", 2), ("10000", 1)])
def test_a_quota_of_version_1(
    tmp_path: Path, mount: str, controllers: str, quota: str, threads: int
) -> None:
    # docker's group as the host names it; in the container only the mount's root is there.
    member(tmp_path, "5:cpuset:/docker/0f", f"4:{controllers}:/docker/0f", "0::/")
    put(tmp_path / "sys/fs/cgroup" / mount / "cpu.cfs_quota_us", f"{quota}\n")
    put(tmp_path / "sys/fs/cgroup" / mount / "cpu.cfs_period_us", "100000\n")
    assert available_threads(tmp_path) == threads


def test_a_cpuset_shows_in_the_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    member(tmp_path, "0::/")
    put(tmp_path / "sys/fs/cgroup/cpu.max", "400000 100000\n")
    assert available_threads(tmp_path) == 1


def test_here_it_is_a_number_of_threads_that_this_process_has() -> None:
    assert 1 <= available_threads() <= 8
