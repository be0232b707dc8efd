"""Virtual environments for the competitors, so that they are not in our locks.

``competitors/requirements-NAME.txt`` pins the packages of each; ``competitors/lock.sh`` writes it.
torch is the build of our own environment. A competitor that cannot be installed is reported, and
the benchmark continues.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMPETITORS = Path(__file__).with_name("competitors")
INSTALL_TORCH = ROOT / "deploy" / "install_torch.py"
STAMP = "bench.stamp"
TIMEOUT_S = 1800


class NotInstalled(RuntimeError):
    """A competitor cannot be installed here; the message is one line."""


@dataclass(frozen=True)
class Venv:
    """An environment that is ready."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its Python interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> Path:
        """A program that is installed in it."""
        return self.folder / "bin" / name

    def run(self, command: list[str]) -> None:
        """Run a command that prepares a competitor.

        Raises:
            NotInstalled: the command failed; the message has its last line.
        """
        # One thread: on busy cores several wait for each other and can take forty times as long.
        _run(command, HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")


def ensure(
    name: str, folder: Path, *, with_torch: bool = False, with_ours: bool = False,
    say: Callable[[str], None],
) -> Venv:  # fmt: skip
    """The environment of a competitor, which is created unless it is up to date.

    Args:
        name: The name of the competitor.
        folder: The folder of all environments.
        with_torch: Install torch in the version that we pin.
        with_ours: Make the packages of our own environment importable too, so that the competitor
            runs on the same versions as we do.
        say: Prints a line of progress.

    Raises:
        NotInstalled: the packages cannot be installed.
    """
    requirements = COMPETITORS / f"requirements-{name}.txt"
    venv = Venv(folder / name)
    fingerprint = _fingerprint(requirements, with_torch, with_ours)
    stamp = venv.folder / STAMP
    if stamp.is_file() and stamp.read_text() == fingerprint and venv.python.exists():
        return venv
    say(f"installing {name} into {venv.folder}")
    shutil.rmtree(venv.folder, ignore_errors=True)
    venv.folder.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(venv.folder)])
    if with_ours:
        [packages] = venv.folder.glob("lib/python*/site-packages")
        (packages / "movie_search.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    if with_torch:
        _run([str(venv.python), str(INSTALL_TORCH)])
    _run(
        [str(venv.python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement",
         str(requirements)]
    )  # fmt: skip
    stamp.write_text(fingerprint)
    return venv


def _fingerprint(requirements: Path, with_torch: bool, with_ours: bool) -> str:
    digest = hashlib.sha256(requirements.read_bytes())
    digest.update(f"{sys.version} {with_torch} {with_ours}".encode())
    if with_torch:
        digest.update((ROOT / "deploy" / "locks" / "torch.txt").read_bytes())
    return digest.hexdigest()


def _run(command: list[str], **changes: str) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **changes}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{type(error).__name__}: {error}") from error
    if done.returncode:
        raise NotInstalled(reason(done.stdout + done.stderr))


def reason(output: str) -> str:
    """The line of an installer's output that names the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no output"])[-1][:200]
