"""Throw-away virtual environments for competitors, so that none of them enters our locks.

Each is pinned by ``competitors/requirements-NAME.txt``, which ``competitors/lock.sh`` makes. torch
is the build that our own environment has. What cannot be installed is told, and nothing fails.
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
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> Path:
        """A program that it brings."""
        return self.folder / "bin" / name

    def run(self, command: list[str]) -> None:
        """Run something that prepares a competitor.

        Raises:
            NotInstalled: it failed; with its last line.
        """
        # One thread: several on busy cores wait for each other, up to forty times as long.
        _run(command, HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")


def ensure(
    name: str, folder: Path, *, with_torch: bool = False, with_ours: bool = False,
    say: Callable[[str], None],
) -> Venv:  # fmt: skip
    """The environment of a competitor; made now unless it is up to date.

    Args:
        name: Of the competitor.
        folder: Where all of them lie.
        with_torch: Install torch, the version that we pin.
        with_ours: Let it see the packages of our own environment, below its own: what it runs on
            is then the very same as what we run on.
        say: Takes a line of progress.

    Raises:
        NotInstalled: with the reason.
    """
    requirements = COMPETITORS / f"requirements-{name}.txt"
    venv = Venv(folder / name)
    wanted = _fingerprint(requirements, with_torch, with_ours)
    stamp = venv.folder / STAMP
    if stamp.is_file() and stamp.read_text() == wanted and venv.python.exists():
        return venv
    say(f"installing {name} into {venv.folder}")
    shutil.rmtree(venv.folder, ignore_errors=True)
    venv.folder.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(venv.folder)])
    if with_ours:
        [own] = venv.folder.glob("lib/python*/site-packages")
        (own / "movie_search.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    if with_torch:
        _run([str(venv.python), str(INSTALL_TORCH)])
    _run(
        [str(venv.python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement",
         str(requirements)]
    )  # fmt: skip
    stamp.write_text(wanted)
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
    """The line of an installer's output that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no output"])[-1][:200]
