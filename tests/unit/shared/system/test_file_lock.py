"""Locks on files: one holder at a time, and released with its process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.system.file_lock import FileLock, FolderLock

HOLD = """
import signal, sys
from pathlib import Path
from shared.system.file_lock import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_it_has_one_holder_at_a_time_also_within_a_process(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_acquire()
    assert first.try_acquire()  # held already
    assert not second.try_acquire()
    assert (first.held, second.held) == (True, False)
    first.release()
    first.release()
    assert second.try_acquire()
    assert (first.held, second.held) == (False, True)
    second.release()


def test_the_content_of_the_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("a name")
    with FileLock(path):
        assert path.read_text() == "a name"
    assert path.read_text() == "a name"


def test_the_context_waits_and_releases_also_after_an_error(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    entered = threading.Event()

    def enter() -> None:
        with FileLock(tmp_path / "lock"):
            entered.set()

    thread = threading.Thread(target=enter)

    def fail() -> None:
        with lock:
            thread.start()
            assert not entered.wait(0.05)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not lock.held
    thread.join(30)
    assert entered.is_set()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        lock = FileLock(path)
        assert not lock.try_acquire()
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        assert lock.try_acquire()
        lock.release()
    finally:
        process.kill()
        process.communicate()


def test_a_path_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "none" / "lock").try_acquire()


def test_a_folder_can_be_a_lock(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        assert not FolderLock(tmp_path).try_acquire()
    assert FolderLock(tmp_path).try_acquire()


def test_neither_a_link_nor_a_missing_folder_can_be_a_lock(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("link", "missing"):
        with pytest.raises(OSError, match=name):
            FolderLock(tmp_path / name).try_acquire()
    assert not (tmp_path / "missing").exists()
