"""The ingest folder: whose it is, and what is deleted from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.ingest.supervisor.folder import (
    DRIFT_PAGES_KEPT,
    KEPT_AFTER_REMOVAL_S,
    FolderUnusable,
    claim_folder,
)
from services.ingest.supervisor.folder import tidy as tidy_folder

NOW = 2_000_000_000.0
LONG_AGO = NOW - KEPT_AFTER_REMOVAL_S - 1


def _file(path: Path, written: float = NOW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kept")
    os.utime(path, (written, written))
    return path


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_made_and_keeps_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "ingest"
    with claim_folder(folder) as first:
        assert folder.is_dir()
    with claim_folder(folder) as second:
        assert first == second
    with claim_folder(tmp_path / "other") as third:
        assert third != first


def test_one_service_at_a_time(tmp_path: Path) -> None:
    with (
        claim_folder(tmp_path),
        pytest.raises(FolderUnusable, match="another ingest service"),
        claim_folder(tmp_path),
    ):
        pass


def test_a_killed_service_holds_nothing(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from services.ingest.supervisor.folder import claim_folder\n"
        "with claim_folder(pathlib.Path(sys.argv[1])) as name:\n"
        "    print(name, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        with pytest.raises(FolderUnusable), claim_folder(tmp_path):
            pass
        process.kill()
        process.wait()
    with claim_folder(tmp_path) as mine:
        assert mine == name


def test_a_folder_that_cannot_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable) as error, claim_folder(tmp_path / "file" / "ingest"):
        pass
    assert "MOVIE_SEARCH_DATA_DIR" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_newest_drift_pages_of_each_source_are_kept(tmp_path: Path) -> None:
    for source in ("one", "two"):
        for number in range(DRIFT_PAGES_KEPT + 5):
            _file(tmp_path / source / "drift" / f"run-{number:02}.html", NOW - number)
    assert tidy_folder(tmp_path, {"one"}, now=NOW) == 10
    kept = {f"run-{number:02}.html" for number in range(DRIFT_PAGES_KEPT)}
    for source in ("one", "two"):
        assert {page.name for page in (tmp_path / source / "drift").iterdir()} == kept
    assert tidy_folder(tmp_path, {"one"}, now=NOW) == 0


def test_what_a_configured_source_has_read_is_kept_for_ever(tmp_path: Path) -> None:
    _file(tmp_path / "one" / "visits.sqlite", LONG_AGO)
    _file(tmp_path / "one" / "drift" / "run.html", LONG_AGO)
    assert tidy_folder(tmp_path, {"one"}, now=NOW) == 0


def test_a_source_long_removed_leaves_nothing(tmp_path: Path) -> None:
    for name in ("visits.sqlite", "visits.sqlite-wal", "visits.sqlite-shm", "drift/run.html"):
        _file(tmp_path / "gone" / name, LONG_AGO)
        _file(tmp_path / "lately" / name, LONG_AGO)
    _file(tmp_path / "lately" / "visits.sqlite-wal", NOW - 60)
    assert tidy_folder(tmp_path, {"one"}, now=NOW) == 4
    assert not (tmp_path / "gone").exists()
    assert len(_names(tmp_path / "lately")) == 4


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "ingest"
    elsewhere = tmp_path / "elsewhere"
    _file(elsewhere / "visits.sqlite", LONG_AGO)
    _file(elsewhere / "drift" / "run.html", LONG_AGO)
    _file(folder / "gone" / "notes.txt", LONG_AGO)
    _file(folder / "gone" / "visits.sqlite", LONG_AGO)
    (folder / "linked").symlink_to(elsewhere)
    (folder / "gone" / "drift").symlink_to(elsewhere / "drift")
    before = _names(elsewhere)
    assert tidy_folder(folder, (), now=NOW) == 1
    assert _names(elsewhere) == before
    assert (folder / "gone" / "notes.txt").exists()
