"""Which pages a run leaves out, because reading them takes too long or ended its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.ingest.visits import page_reading
from services.ingest.visits.page_reading import MOST_DEATHS, PageReading, PageTooSlow
from services.ingest.visits.visits_file import finished_pages

PAGE = "https://movies.example/m"
ROOT = Path(__file__).parents[4]


def _die_while_reading(folder: Path, run_id: str, url: str) -> None:
    """Read a page in a process that ends meanwhile."""
    child = os.fork()
    if child == 0:
        PageReading(folder, run_id).read(url, lambda: os._exit(9))
    os.waitpid(child, 0)


def test_a_page_is_read_and_forgotten(tmp_path: Path) -> None:
    reading = PageReading(tmp_path, "run")
    for _ in range(3):
        assert reading.read(PAGE, lambda: 7) == 7
    with pytest.raises(KeyError):
        reading.read(PAGE, lambda: os.environ["MISSING"])
    assert (tmp_path / page_reading.FILE).read_bytes() == b""


SLOW = """
import re, sys
from pathlib import Path
from services.ingest.visits import page_reading
page_reading.PAGE_CPU_S = 0.1
try:
    page_reading.PageReading(Path(sys.argv[1]), "run").read(
        sys.argv[2], lambda: re.match(r"(a|aa)+$", "a" * 80 + "b")
    )
except page_reading.PageTooSlow as error:
    print(error)
"""


def test_a_page_that_takes_too_long_is_left_out(tmp_path: Path) -> None:
    """In a process of its own, because the bound works by signals, one of which ends it."""
    command = [sys.executable, "-c", SLOW, str(tmp_path), PAGE]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "it takes more than 0.1 s of CPU time\n"
    assert (tmp_path / page_reading.FILE).read_bytes() == b""


def test_a_page_that_ends_the_process_is_left_out_in_the_end(tmp_path: Path) -> None:
    for death in range(MOST_DEATHS):
        assert PageReading(tmp_path, "run").read(PAGE, lambda: True) or death
        assert finished_pages(tmp_path, "run") == 0
        _die_while_reading(tmp_path, "run", PAGE)
    reading = PageReading(tmp_path, "run")
    with pytest.raises(PageTooSlow, match="ended"):
        reading.read(PAGE, lambda: True)
    assert reading.read(f"{PAGE}2", lambda: True)
    assert finished_pages(tmp_path, "run") == 1


def test_another_run_reads_it_again(tmp_path: Path) -> None:
    for _ in range(MOST_DEATHS):
        _die_while_reading(tmp_path, "run", PAGE)
    assert PageReading(tmp_path, "next").read(PAGE, lambda: True)
    assert finished_pages(tmp_path, "next") == 0


def test_nothing_is_remembered_without_a_folder_and_on_a_disk_that_fails(tmp_path: Path) -> None:
    assert PageReading(None, "run").read(PAGE, lambda: True)
    (tmp_path / "file").touch()
    assert PageReading(tmp_path / "file", "run").read(PAGE, lambda: True)


@pytest.mark.parametrize("content", [b"\xff\n", b"[]\n", b'["run"]\n', b'["run", 1]\n', b"{"])
def test_a_damaged_file_names_no_page(tmp_path: Path, content: bytes) -> None:
    (tmp_path / page_reading.FILE).write_bytes(content)
    assert PageReading(tmp_path, "run").read(PAGE, lambda: True)
    assert (tmp_path / page_reading.FILE).read_bytes() == b""
