from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import PREFIX, Settings, SettingsInvalid, load_settings

TOKEN = "0123456789abcdef0123456789abcdef"
DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


def test_every_setting_is_documented() -> None:
    text = DOCS.read_text()
    for name, field in Settings.model_fields.items():
        assert f"`{PREFIX}{name.upper()}`" in text, f"docs/settings.md lacks {name}"
        assert field.description, f"{name} has no description"
        assert field.description in text, f"docs/settings.md describes {name} otherwise"


def test_docs_name_no_setting_that_is_gone() -> None:
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}URL"}
    documented = {
        word.strip("`")
        for line in DOCS.read_text().splitlines()
        for word in line.split("|")[1:2]
        for word in word.split()
        if word.startswith(f"`{PREFIX}")
    }
    assert documented <= names


def test_derived_places(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.snapshot_dir == tmp_path / "snapshots"
    assert settings.database == f"sqlite:///{tmp_path}/movies.sqlite"
    assert Settings(snapshot_url="file:///srv/a%20b").snapshot_dir == Path("/srv/a b")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "many", "MOVIE_SEARCH_PORT"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("REDIS_URL", "http://x", "must begin with redis://"),
        ("SNAPSHOT_URL", "s3://bucket", "must begin with file:///"),
        ("VECTOR_STORE", "abacus", "MOVIE_SEARCH_VECTOR_STORE"),
        ("STREAM_LOW", "20000", "STREAM_LOW must be less than STREAM_HIGH"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_secret_is_never_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}ADMIN_TOKEN", "hunter2")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings().read_admin_token()
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize("token", ["", "changeme", "a" * 40, "short-but-random-1234"])
def test_a_weak_admin_token_is_refused(token: str) -> None:
    with pytest.raises(SettingsInvalid, match="too short or too simple"):
        Settings(admin_token=token).read_admin_token()  # type: ignore[arg-type]


def test_the_admin_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert Settings(admin_token_file=path).read_admin_token() == TOKEN.encode()
    assert Settings(admin_token=TOKEN).read_admin_token() == TOKEN.encode()  # type: ignore[arg-type]
    assert Settings().read_admin_token() is None
    with pytest.raises(SettingsInvalid, match="cannot read"):
        Settings(admin_token_file=tmp_path / "absent").read_admin_token()
