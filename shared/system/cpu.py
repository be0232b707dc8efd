"""How many CPUs this process may use: its affinity, limited by the quotas of its control groups.

A container with ``cpus: 1`` on a machine with 64 CPUs still sees 64 CPUs; a pool of 64 threads
there is throttled for most of every period. The quotas of cgroup v2 (``cpu.max``) and v1
(``cpu.cfs_quota_us``) count, of the process's group and of every group above it; a cpuset is part
of the affinity.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")


def available_threads(root: Path = _ROOT) -> int:
    """The number of CPUs that may be used at once, at least 1; more than half a CPU counts as one.

    Args:
        root: The folder that has ``proc`` and ``sys``.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *(math.ceil(quota - 0.5) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Every quota that applies to this process, in CPUs."""
    for controllers, group in _groups(root):
        if controllers == "":
            for folder in _upwards(root / "sys/fs/cgroup", group):
                yield from _ratio(_numbers(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for name in ("cpu", "cpu,cpuacct"):
                for folder in _upwards(root / "sys/fs/cgroup" / name, group):
                    quota = _numbers(folder / "cpu.cfs_quota_us")
                    yield from _ratio(quota + _numbers(folder / "cpu.cfs_period_us"))


def _groups(root: Path) -> Iterator[tuple[str, str]]:
    """``(controllers, path)`` of the process's groups; in version 2 controllers are empty."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, _, fields = line.partition(":")
        controllers, _, group = fields.partition(":")
        if number.isdigit():
            yield controllers, group


def _upwards(mount: Path, group: str) -> Iterator[Path]:
    """The group's folder and those above it; a container may have only the mount itself."""
    folder = mount / group.lstrip("/")
    while folder != mount and folder.is_relative_to(mount):
        yield folder
        folder = folder.parent
    yield mount


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split() if word.lstrip("-").isdigit()]
    except OSError:
        return []


def _ratio(numbers: list[int]) -> Iterator[float]:
    if len(numbers) == 2 and numbers[0] > 0 and numbers[1] > 0:
        yield numbers[0] / numbers[1]
