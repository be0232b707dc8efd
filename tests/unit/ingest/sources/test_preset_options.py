"""Presets in sources.toml: what a source says itself takes their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.settings import IngestSettings
from services.ingest.sources.preset_options import presets
from services.ingest.sources.sources import DatasetSource, SourceInvalid, load_sources


def _load(tmp_path: Path, text: str) -> DatasetSource:
    file = tmp_path / "sources.toml"
    file.write_text(f'[sources.s]\nspider = "dataset"\n{text}')
    source = load_sources(IngestSettings(sources=file))["s"]
    assert isinstance(source, DatasetSource)
    return source


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_loads_and_says_where_its_files_are(tmp_path: Path, name: str) -> None:
    source = _load(tmp_path, f'preset = "{name}"\nfolder = "down"\n')
    tables = [*([source.movie_table] if source.movie_table else []), *source.review_tables]
    assert tables
    assert all(path.is_relative_to(tmp_path / "down") for table in tables for path in table.path)
    assert "http" in presets()[name].files
    assert presets()[name].terms


def test_single_options_take_the_place_of_the_presets(tmp_path: Path) -> None:
    source = _load(
        tmp_path,
        'preset = "tag-genome"\nrating_scale = 7\nmovies = "m.jsonl"\n'
        '[sources.s.reviews]\npath = "r.jsonl"\ncolumns = { text = "body" }\n',
    )
    assert source.movie_table is not None
    assert source.movie_table.path == (tmp_path / "m.jsonl",)
    assert source.movie_table.rating_scale == 7
    assert source.movie_table.columns["directors"] == ("directedBy",)
    [reviews] = source.review_tables
    assert (reviews.join, reviews.columns) == ("item_id", {"text": ("body",)})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('preset = "movielense"\n', "toml:3: sources.s.preset: unknown preset; did you mean"),
        ('[sources.s.movies]\npath = "m"\nquotes = 1\n', "sources.s.movies.quotes: unknown key"),
        ('[sources.s.movies]\npath = "m"\ncolumns = { text = "t" }\n', "text is none of"),
        ('[sources.s.reviews]\npath = "m"\nfind = { text = "(" }\n', "not a regular expression"),
        ("movies = 3\n", "sources.s.movies: must be a path, or a table"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceInvalid) as fault:
        _load(tmp_path, text)
    assert says in str(fault.value)
