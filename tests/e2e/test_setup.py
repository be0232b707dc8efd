"""`make setup`: one line when it cannot work, and no work when it is up to date."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def setup(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "deploy" / "setup_environment.py")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def checkout(folder: Path) -> Path:
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_no_network_is_one_clear_line(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }
    done = setup(root, **nowhere)
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("setup: installing torch (CPU build) failed (ERROR: ")
    assert "is there a network?" in line
    assert not (root / ".venv" / "setup.stamp").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    (root / ".venv").write_text("a file where the folder should be")
    done = setup(root)
    assert done.returncode == 1
    assert "setup: cannot create .venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_done_when_up_to_date() -> None:
    done = subprocess.run(["make", "setup"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    again = setup(ROOT)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
