"""The machine of a measurement, without which its figures mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from shared.encoder import available_threads
from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.figures.tables import Table

PACKAGES = (
    "openvino", "tokenizers", "faiss-cpu", "tantivy", "numpy", "fastapi", "uvicorn", "torch",
    "sentence-transformers",
)  # fmt: skip
TELLING = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx_vnni", "avx512_vnni", "asimd")


def described() -> dict[str, Any]:
    """The machine, its load, and the versions that matter."""
    return {
        "cpu": _cpu(),
        "cpus": available_threads(),
        "features": [name for name in TELLING if name in _flags()],
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "commit": _commit(),
        "packages": {name: installed for name in PACKAGES if (installed := _version(name))},
    }


def table(before: dict[str, Any], after: dict[str, Any]) -> Table:
    """The machine as a table; the load says how idle it was."""
    loads = " → ".join(str(state["load_average"][0]) for state in (before, after))
    rows = [
        ["CPU", f"{before['cpu']}, {before['cpus']} available; {', '.join(before['features'])}"],
        ["memory", f"{before['memory_gb']} GB"],
        ["system", f"{before['system']}, Python {before['python']}"],
        ["packages", _joined(before["packages"])],
        ["commit", before["commit"]],
        ["load average, before → after", loads],
    ]
    return Table("machine", "Machine", ("", ""), rows)


def _joined(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in packages.items())


def _cpu() -> str:
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _flags() -> set[str]:
    for line in _cpuinfo():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """The commit of the checkout, marked when files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
