"""The settings: documented, refused in one line, and a misspelt one is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.embedder.settings import EmbedderSettings
from services.ingest.settings import IngestSettings
from services.local.settings import LocalSettings
from services.query.settings import QuerySettings
from shared.settings import (
    NAMES,
    PREFIX,
    CommonSettings,
    SettingsInvalid,
    load_settings,
    unknown_settings,
)

TOKEN = "0123456789abcdef0123456789abcdef"
DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
KINDS = (IngestSettings, EmbedderSettings, QuerySettings, LocalSettings)
NO_FIELDS = {
    "URL",
    "SEARCH_KEY",
    "EMBEDDER_CPUS",
    "QUERY_CPUS",
}  # read by the command line and by compose
DOCUMENTED = re.compile(rf"^\| `{PREFIX}(\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def test_every_setting_is_documented_as_it_is() -> None:
    rows = {
        name: (default, meaning) for name, default, meaning in DOCUMENTED.findall(DOCS.read_text())
    }
    fields = {name.upper(): field for kind in KINDS for name, field in kind.model_fields.items()}
    assert set(rows) == {*fields, *NO_FIELDS}
    for name, field in fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        assert rows[name] == (default, field.description), name


def test_the_list_of_names_is_that_of_the_fields() -> None:
    fields = {name.upper() for kind in KINDS for name in kind.model_fields}
    assert set(NAMES) == fields | NO_FIELDS
    assert len(NAMES) == len(set(NAMES))


def test_each_service_reads_its_own_settings_only() -> None:
    own = [set(kind.model_fields) - set(CommonSettings.model_fields) for kind in KINDS[:3]]
    assert not own[0] & own[1]
    assert not own[0] & own[2]
    assert not own[1] & own[2]


def test_derived_places(tmp_path: Path) -> None:
    settings = EmbedderSettings(data_dir=tmp_path)
    assert settings.snapshot_dir == tmp_path / "snapshots"
    assert settings.database == f"sqlite:///{tmp_path}/movies.sqlite"
    assert EmbedderSettings(snapshot_url="file:///srv/a%20b").snapshot_dir == Path("/srv/a b")
    assert EmbedderSettings().data_dir == Path.cwd() / "data"
    assert QuerySettings(lease_dir=Path("~/leases")).leases == Path.home() / "leases"


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        (QuerySettings, "PORT", "many", "MOVIE_SEARCH_PORT"),
        (QuerySettings, "PORT", "70000", "less than or equal to 65535"),
        (QuerySettings, "REDIS_URL", "http://x", "must begin with redis://"),
        (EmbedderSettings, "SNAPSHOT_URL", "s3://bucket", "must begin with file:///"),
        (EmbedderSettings, "VECTOR_STORE", "abacus", "MOVIE_SEARCH_VECTOR_STORE"),
        (IngestSettings, "STREAM_LOW", "20000", "STREAM_LOW must be less than STREAM_HIGH"),
        (LocalSettings, "EMBEDDERS", "0", "MOVIE_SEARCH_EMBEDDERS"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, kind: type[CommonSettings], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(kind)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_misspelt_setting_is_named_with_the_one_that_may_be_meant() -> None:
    environment = ["PATH", "MOVIE_SEARCH_PORT", "MOVIE_SEARCH_PROT", "MOVIE_SEARCH_XYZZY"]
    assert unknown_settings(environment) == {
        "MOVIE_SEARCH_PROT": "MOVIE_SEARCH_PROT is not a setting, did you mean MOVIE_SEARCH_PORT?",
        "MOVIE_SEARCH_XYZZY": "MOVIE_SEARCH_XYZZY is not a setting: see docs/settings.md",
    }


@pytest.mark.parametrize("service", ["ingest", "embedder", "query"])
def test_a_service_names_a_misspelt_setting_as_it_starts(service: str, tmp_path: Path) -> None:
    """The services end at once, because the port or the Redis URL cannot be used."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={
            "PATH": "/usr/bin:/bin",
            f"{PREFIX}DATA_DIR": str(tmp_path),
            f"{PREFIX}HOST": "203.0.113.1",  # an address of nobody's machine
            f"{PREFIX}DEMO_SITE_PROT": "1",
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"did you mean {PREFIX}DEMO_SITE_PORT?" in done.stderr


def test_a_secret_is_never_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}ADMIN_TOKEN", "hunter2")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(QuerySettings).read_admin_token()
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(load_settings(QuerySettings))


@pytest.mark.parametrize("token", ["", "changeme", "a" * 40, "short-but-random-1234"])
def test_a_weak_admin_token_is_refused(token: str) -> None:
    with pytest.raises(SettingsInvalid, match="too short or too simple"):
        QuerySettings(admin_token=SecretStr(token)).read_admin_token()


def test_the_admin_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert QuerySettings(admin_token_file=path).read_admin_token() == TOKEN.encode()
    assert QuerySettings(admin_token=SecretStr(TOKEN)).read_admin_token() == TOKEN.encode()
    assert QuerySettings().read_admin_token() is None
    with pytest.raises(SettingsInvalid, match="cannot read"):
        QuerySettings(admin_token_file=tmp_path / "absent").read_admin_token()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - an address of a setting
        ("::1", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("desk.example", "http://desk.example:8000"),
    ],
)
def test_this_machine_reaches_the_service_whatever_it_listens_on(host: str, url: str) -> None:
    assert LocalSettings(host=host).local_url == url
