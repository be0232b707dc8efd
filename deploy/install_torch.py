"""Install the CPU build of torch into the environment of the Python that runs this.

On Linux the package index serves torch with gigabytes of CUDA libraries. Where pip would choose
such a build, uv's ``--torch-backend=cpu`` gets the CPU build instead; elsewhere (macOS, Windows,
an index or folder that offers a CPU build) pip chooses the right one. Standard library only.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parent / "locks" / "torch.txt"


def main() -> int:
    """Install the torch of ``locks/torch.txt``; do nothing when it is installed already."""
    pins = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    torch = next(pin for pin in pins if pin.startswith("torch=="))
    if _installed("torch") == torch.partition("==")[2]:
        return 0
    if pip_chooses_cuda(torch):
        _pip("install", "--quiet", "uv")
        command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
        command += ["--torch-backend=cpu", "--no-deps", "--requirements", str(LOCK)]
        return subprocess.run(command, check=False).returncode
    return _pip("install", "--quiet", "--no-deps", "--requirement", str(LOCK)).returncode


def pip_chooses_cuda(pin: str) -> bool:
    """Whether the build that pip would install brings CUDA libraries on this platform."""
    if sys.platform != "linux":
        return False
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = _pip(
            "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
            "--report", report.name, pin,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(done.returncode)
        metadata = json.loads(Path(report.name).read_text())["install"][0]["metadata"]
    needed = " ".join(metadata.get("requires_dist", []))
    return "nvidia" in needed or "cuda" in needed


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def _pip(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False)


if __name__ == "__main__":
    sys.exit(main())
