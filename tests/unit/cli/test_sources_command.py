"""``movie-search sources``: the presets it lists, and what the first rows would become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.ingest.sources.preset_options import presets

TOML = """
[sources.mine]
spider = "dataset"
[sources.mine.movies]
path = "movies.csv"
columns = { movie_id = "id", title = "title", year = "year" }
[sources.mine.reviews]
path = "reviews.csv"
columns = { movie_id = "movie", text = "text", rating = "stars" }

[sources.site]
spider = "schema_org"
start_urls = ["https://movies.example/"]
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "movies.csv").write_text("id,title,year,shelf\n1,The Pier,1988,A\n2,Fog,soon,B\n")
    (tmp_path / "reviews.csv").write_text("movie,text,stars\n1,Salt and silence.,8\n1,Grey.,11\n")
    path = tmp_path / "sources.toml"
    path.write_text(TOML)
    return path


def run(*arguments: str | int | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["sources", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_presets_are_listed_with_where_their_files_come_from() -> None:
    lines = run("--presets").splitlines()
    for name, preset in presets().items():
        at = lines.index(f"{name}: {preset.title}")
        assert lines[at + 1 : at + 3] == [f"  files: {preset.files}", f"  terms: {preset.terms}"]
    listed = json.loads(run("--presets", "--json"))
    assert [preset["name"] for preset in listed] == list(presets())


def test_a_trial_shows_what_would_be_stored_what_is_unread_and_what_is_not_used(
    sources: Path,
) -> None:
    text = run("--file", sources, "--try", "mine")
    assert "title: The Pier | year: 1988" in text
    assert "text: Salt and silence." in text
    assert "columns of movies that are not used: shelf" in text
    assert "rows that could not be read: 0; values: 2" in text
    assert {"soon", "11"} <= {line.rpartition(": ")[2] for line in text.splitlines()}
    trial = json.loads(run("--file", sources, "--try", "mine", "--json"))
    assert [movie["title"] for movie in trial["movies"]["records"]] == ["The Pier", "Fog"]
    assert len(trial["unread"]) == 2
    one = json.loads(run("--file", sources, "--try", "mine", "--json", "--rows", 1))
    assert len(one["movies"]["records"]) == 1


@pytest.mark.parametrize(("name", "says"), [("site", "--try fetches nothing"), ("mines", "mine")])
def test_a_source_that_cannot_be_tried_says_why(sources: Path, name: str, says: str) -> None:
    assert says in run("--file", sources, "--try", name, code=1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "file not found" in run("--file", tmp_path / "none.toml", code=2)
