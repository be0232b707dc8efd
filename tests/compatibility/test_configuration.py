"""Sources, settings and secrets of c8131ff load as before."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.embedder.settings import EmbedderSettings
from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import DatasetSource, load_sources
from services.ingest.visits.visits import fingerprint_of
from services.query.settings import QuerySettings
from shared.settings import load_settings
from tests.compatibility.comparing import (
    TOKEN,
    Recorded,
    assert_resembles,
    serving,
)
from tests.compatibility.loading import (
    FOLDER,
    read_environment,
)
from tests.support.query.query_service import query_settings


def test_every_source_loads_as_before(recorded: Recorded) -> None:
    sources = load_sources(IngestSettings(sources=FOLDER / "sources.toml"))
    assert set(sources) == set(recorded["sources"]) == {"demo", "my_site", "imdb", "my_films"}
    for name, before in recorded["sources"].items():
        fields = sources[name].model_dump(mode="json")
        if isinstance(sources[name], DatasetSource):
            for key in ("movies", "reviews"):
                assert fields[key] == str(FOLDER / before["fields"][key])
                fields[key] = before["fields"][key]
        else:  # pages are read again because more is read of them, not because of the source
            fingerprint = fingerprint_of(sources[name])
            assert json.loads(fingerprint)[1] == json.loads(before["fingerprint"])[1]
        assert_resembles(fields, before["fields"])


def test_every_setting_loads_as_before(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in read_environment().items():
        monkeypatch.setenv(name, value)
    services = [load_settings(kind) for kind in (IngestSettings, EmbedderSettings, QuerySettings)]
    fields: dict[str, Any] = {}
    for settings in services:
        fields |= settings.model_dump(mode="json")
    assert_resembles(fields, recorded["settings"]["fields"])
    for name, value in recorded["settings"]["derived"].items():
        settings = next(settings for settings in services if hasattr(settings, name))
        assert str(getattr(settings, name)) == value, name


def test_the_secrets_are_read_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read_environment()
    for name in ("ADMIN_TOKEN_FILE", "REDIS_PASSWORD_FILE"):
        (tmp_path / name).write_text(f"{name.lower()}-of-the-earlier-version/1\n")
        environment[f"MOVIE_SEARCH_{name}"] = str(tmp_path / name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(QuerySettings)
    assert settings.read_admin_token() == b"admin_token_file-of-the-earlier-version/1"
    assert settings.read_redis_url() == (
        "rediss://searcher:redis_password_file-of-the-earlier-version%2F1@redis.example:6380/2"
    )
    monkeypatch.delenv("MOVIE_SEARCH_ADMIN_TOKEN_FILE")
    assert load_settings(QuerySettings).read_admin_token() == TOKEN.encode()


async def test_the_command_asks_where_the_environment_says(data: Path, recorded: Recorded) -> None:
    assert "MOVIE_SEARCH_URL" in read_environment()
    async with serving(query_settings(data)) as query:
        environment = {"MOVIE_SEARCH_URL": f"http://{query.host}:{query.port}"}
        answer = await asyncio.to_thread(
            CliRunner().invoke, app, ["search", "the sea", "--json"], env=environment
        )
    assert answer.exit_code == 0, answer.output
    assert recorded["snapshots"]["newer"]["snapshot_id"] in answer.output
