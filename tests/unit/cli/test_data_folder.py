"""The admin token of a system on one machine, whatever happens at its first start."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.data_folder import TOKEN_FILE, ensure_admin_token, locked_data_folder
from shared.settings import MIN_TOKEN_BYTES

ENSURE = (
    "import sys; from pathlib import Path; "
    "from services.local.data_folder import ensure_admin_token; "
    "ensure_admin_token(Path(sys.argv[1]))"
)


def test_the_token_is_made_once_for_its_owner(tmp_path: Path) -> None:
    path = ensure_admin_token(tmp_path)
    token = path.read_text()
    assert len(token) >= MIN_TOKEN_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_admin_token(tmp_path).read_text() == token
    assert [each.name for each in tmp_path.iterdir()] == [TOKEN_FILE]


@pytest.mark.parametrize("left", [b"", b"\n"])
def test_a_file_without_a_token_heals(tmp_path: Path, left: bytes) -> None:
    (tmp_path / TOKEN_FILE).write_bytes(left)
    (tmp_path / f".{TOKEN_FILE}.new").write_bytes(b"half a tok")
    assert len(ensure_admin_token(tmp_path).read_text()) >= MIN_TOKEN_BYTES
    assert [each.name for each in tmp_path.iterdir()] == [TOKEN_FILE]


def test_a_full_disk_leaves_no_token_and_the_next_start_makes_it(tmp_path: Path) -> None:
    """No file may grow, as on a full disk."""
    full = subprocess.run(
        ["prlimit", "--fsize=0", sys.executable, "-c", ENSURE, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert full.returncode != 0
    assert "CannotStart: cannot write the admin token" in full.stderr
    assert list(tmp_path.iterdir()) == []
    assert len(ensure_admin_token(tmp_path).read_text()) >= MIN_TOKEN_BYTES


def test_a_new_data_folder_is_for_its_owner(tmp_path: Path) -> None:
    with locked_data_folder(tmp_path / "data"):
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
