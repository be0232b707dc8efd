"""The file of search keys: its text, its changes, and its faults."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from services.query.access.key_file import (
    CHECKED_EVERY_S,
    KeyFile,
    KeyFileInvalid,
    KeyNameTaken,
    add_key,
    read_keys,
    remove_key,
)
from services.query.access.rates import Rate


def test_a_key_is_stored_as_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    text = add_key(path, "site", Rate.parse("5/minute"))
    assert text.startswith("msk_")
    assert text not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [key] = read_keys(path)
    assert (key.name, key.limit) == ("site", Rate(5, 60))
    assert KeyFile(path).key_of(text.encode()) == key
    assert KeyFile(path).key_of(text.encode() + b"x") is None


def test_a_name_is_used_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    add_key(path, "site")
    with pytest.raises(KeyNameTaken):
        add_key(path, "site")
    assert remove_key(path, "site")
    assert not remove_key(path, "site")
    add_key(path, "site")
    assert [key.name for key in read_keys(path)] == ["site"]


def test_a_running_service_follows_the_file(tmp_path: Path) -> None:
    now_s = 0.0
    path = tmp_path / "keys.json"
    first = add_key(path, "a").encode()
    keys = KeyFile(path, clock=lambda: now_s)
    assert keys.key_of(first) is not None
    second = add_key(path, "b").encode()
    remove_key(path, "a")
    now_s += CHECKED_EVERY_S
    assert keys.key_of(first) is None
    assert keys.key_of(second) is not None
    path.write_text("{")  # a fault does not open the service, and does not close it
    now_s += CHECKED_EVERY_S
    assert keys.key_of(first) is None
    assert keys.key_of(second) is not None
    path.unlink()
    now_s += CHECKED_EVERY_S
    assert keys.key_of(second) is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Invalid JSON"),
        ("[]", "an object"),
        (json.dumps({"keys": [{"name": "a"}]}), "keys.0.sha256"),
        (json.dumps({"keys": [{"name": "a", "sha256": "0" * 64, "rate": "9"}]}), "keys.0.rate"),
        (json.dumps({"keys": [{"name": "a", "sha256": c * 64} for c in "01"]}), "same name"),
        (json.dumps({"key": []}), "key"),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(KeyFileInvalid, match=reason) as fault:
        read_keys(path)
    assert "\n" not in str(fault.value)
    assert str(path) in str(fault.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="No such file"):
        KeyFile(tmp_path / "none.json").key_of(b"x")
