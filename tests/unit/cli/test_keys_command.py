"""``movie-search keys``: what it prints, and what it says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.query.access.key_file import KeyFile


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("MOVIE_SEARCH_SEARCH_KEYS_FILE", str(path))
    return path


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def test_a_key_is_made_listed_and_removed(path: Path) -> None:
    made = keys("add", "site", "--rate", "600/minute")
    assert made.exit_code == 0
    text = made.stdout.strip()  # alone, so that a script can keep it
    found = KeyFile(path).key_of(text.encode())
    assert found is not None
    assert found.name == "site"
    assert "600/minute" in keys("list").stdout
    listed = keys("list", "--json").stdout
    assert json.loads(listed) == {"keys": [{"name": "site", "rate": "600/minute"}]}
    assert keys("remove", "site").exit_code == 0
    assert keys("list").stdout == "no keys\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "a b"), 2, "letters, digits"),
        (("add", "site", "--rate", "9"), 2, "NUMBER/second"),
        (("add", "first"), 1, "keys remove first"),
        (("remove", "none"), 1, "no key named none"),
    ],
)
def test_a_mistake_is_one_line(
    path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    keys("add", "first")
    result = keys(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_the_file_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOVIE_SEARCH_SEARCH_KEYS_FILE", raising=False)
    result = keys("list")
    assert result.exit_code == 2
    assert "--file" in result.stderr


def test_a_missing_file_is_named(path: Path) -> None:
    result = keys("list")
    assert result.exit_code == 1
    assert str(path) in result.stderr
