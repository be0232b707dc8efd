"""The secrets of ``make up``: strong, generated once, readable by containers only."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from services.query.settings import QuerySettings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that the script creates in a checkout."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "make_secrets.sh", tmp_path / "deploy")
    make(tmp_path)
    return tmp_path / "secrets"


def make(checkout: Path) -> None:
    subprocess.run(
        [str(checkout / "deploy" / "make_secrets.sh")], check=True, capture_output=True, umask=0o077
    )


def test_they_are_strong_and_differ(secrets: Path) -> None:
    assert sorted(path.name for path in secrets.iterdir()) == ["admin_token", "redis_password"]
    token = QuerySettings(admin_token_file=secrets / "admin_token").read_admin_token()
    assert token is not None
    assert len(token) == 64
    assert token != (secrets / "redis_password").read_bytes()


def test_containers_can_read_them_and_other_users_cannot(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for path in secrets.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_existing_secrets_are_kept(secrets: Path) -> None:
    before = (secrets / "admin_token").read_text()
    (secrets / "redis_password").unlink()
    make(secrets.parent)
    assert (secrets / "admin_token").read_text() == before
    assert (secrets / "redis_password").stat().st_size == 64


@pytest.mark.parametrize("name", [".gitignore", ".dockerignore"])
def test_they_are_never_committed_or_sent_to_a_builder(name: str) -> None:
    lines = (ROOT / name).read_text().split()
    if name == ".gitignore":
        assert "secrets/" in lines
    else:
        assert "*" in lines
        assert not [line for line in lines if line.startswith("!") and "secrets" in line]
