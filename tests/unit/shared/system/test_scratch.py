"""Private folders: gone with their process, also one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from shared.system.scratch import KINDS, SWEPT_AFTER_S, scratch_folder

PREFIX = "movie-search-test-"
HOLD = f"""
import sys, signal
from shared.system.scratch import scratch_folder
with scratch_folder({PREFIX!r}) as folder:
    (folder / "file").write_text("left")
    print(folder, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def aged(folder: Path) -> Path:
    past = time.time() - 2 * SWEPT_AFTER_S
    os.utime(folder, (past, past))
    return folder


def test_it_is_there_and_then_gone() -> None:
    with scratch_folder(PREFIX) as folder:
        (folder / "file").write_text("x")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays() -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        held = aged(Path(process.stdout.readline().strip()))
        with scratch_folder(PREFIX):
            assert (held / "file").exists()
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        with scratch_folder("movie-search-other-"):
            assert held.exists()  # of another kind
        with scratch_folder(PREFIX):
            assert not held.exists()
    finally:
        process.kill()
        process.communicate()


def test_what_any_of_our_services_left_goes_whichever_starts_next(tmp_path: Path) -> None:
    left = [tmp_path / f"{kind}left" for kind in KINDS]
    for folder in left:
        folder.mkdir()
        aged(folder)
    with scratch_folder(PREFIX):
        assert not any(folder.exists() for folder in left)


def test_what_a_clock_that_was_ahead_left_goes_too(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    future = time.time() + 10_000_000
    os.utime(left, (future, future))
    with scratch_folder(PREFIX):
        assert not left.exists()


def test_one_that_is_just_being_made_stays(tmp_path: Path) -> None:
    young = tmp_path / f"{PREFIX}young"
    young.mkdir()
    with scratch_folder(PREFIX):
        assert young.exists()
    aged(young)
    with scratch_folder(PREFIX):
        assert not young.exists()


def test_a_link_of_that_name_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "valuable"
    target.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(target)
    aged(target)
    with scratch_folder(PREFIX):
        assert target.exists()
