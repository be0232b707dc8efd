"""Create ``.venv`` with all pinned packages; do nothing when it is up to date.

``make setup`` runs this with the Python of the machine, so it uses only the standard library. It
prints each step and how long the set-up took; an error is one line that says what to do.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "deploy" / "locks"
VENV = ROOT / ".venv"
OLDEST = (3, 11)


def main() -> int:
    """Set up the environment; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install what the tests need")
    dev = parser.parse_args().dev
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:3]))
        return fail(f"Python {version} is too old: use 3.11 or newer (make PYTHON=python3.11)")
    python = VENV / "bin" / "python"
    stamp = VENV / ("setup-dev.stamp" if dev else "setup.stamp")
    current = fingerprint(dev)
    if stamp.is_file() and stamp.read_text() == current and python.exists():
        return 0
    started = time.monotonic()
    if not python.exists():
        say("creating .venv")
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
            return fail(
                "cannot create .venv: is this folder writable, and is Python's venv module "
                "installed (Debian: apt install python3-venv)?"
            )
    lock = LOCKS / ("dev.txt" if dev else "runtime.txt")
    steps = (
        ("installing torch (CPU build)", [str(ROOT / "deploy" / "install_torch.py")]),
        (
            "installing the pinned packages",
            ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(lock)],
        ),
        (
            "installing movie-search",
            ["-m", "pip", "install", "--quiet", "--no-deps", "--editable", str(ROOT)],
        ),
    )
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    log = VENV / "setup.log"
    for what, arguments in steps:
        say(what)
        with log.open("w") as stream:
            code = subprocess.run(
                [str(python), *arguments],
                check=False,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            ).returncode
        if code:
            error = reason(log.read_text())
            return fail(f"{what} failed ({error}); is there a network? Full log: {log}")
    stamp.write_text(current)
    if dev:
        (VENV / "setup.stamp").write_text(fingerprint(dev=False))
    say(f"set up in {time.monotonic() - started:.0f} s")
    return 0


def reason(output: str) -> str:
    """The line of pip's output that names the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no output"])[-1][:300]


def fingerprint(dev: bool) -> str:
    """A digest that changes when the environment must be set up again."""
    digest = hashlib.sha256(sys.version.encode())
    names = ["torch.txt", "dev.txt" if dev else "runtime.txt"]
    for path in [ROOT / "pyproject.toml", *(LOCKS / name for name in names)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"setup: {text}", flush=True)


def fail(text: str) -> int:
    """Print an error; returns the exit code."""
    print(f"setup: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
