"""``sources.toml``: what it may say, and what it is told when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.sources import (
    DatasetSource,
    SchemaOrgSource,
    SourceInvalid,
    find_source,
    load_sources,
)
from shared.settings import Settings


def _load(folder: Path, text: str) -> dict[str, SchemaOrgSource | DatasetSource]:
    file = folder / "sources.toml"
    file.write_text(text)
    return load_sources(Settings(sources=file))


def test_demo_is_always_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sources = load_sources(Settings(demo_site_port=8123))
    demo = sources["demo"]
    assert isinstance(demo, SchemaOrgSource)
    assert demo.start_urls == ("http://127.0.0.1:8123/sitemap.xml",)
    assert demo.allow_private
    elsewhere = load_sources(Settings(), demo_url="http://127.0.0.1:9")["demo"]
    assert isinstance(elsewhere, SchemaOrgSource)
    assert elsewhere.hosts == {"127.0.0.1:9"}


def test_a_file_in_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sources.toml").write_text(
        '[sources.a]\nspider="dataset"\nmovies="m.csv"\nreviews="r.csv"'
    )
    assert set(load_sources(Settings())) == {"a", "demo"}


def test_the_formats_of_the_documentation(tmp_path: Path) -> None:
    sources = _load(
        tmp_path,
        """
        [sources.demo]
        spider = "schema_org"
        reviews_per_movie = 3
        [sources.imdb500]
        spider = "dataset"
        movies = "../data/movies.parquet"
        reviews = "/elsewhere/reviews.jsonl"
        reviews_per_movie = 5
        [sources.my_site]
        spider = "schema_org"
        start_urls = ["https://films.example/sitemap.xml", "https://b.example:8443/"]
        reviews_per_movie = 0
        allow_private = false
        every = "24h"
        """,
    )
    demo, files, site = sources["demo"], sources["imdb500"], sources["my_site"]
    assert isinstance(demo, SchemaOrgSource)
    assert (demo.reviews_per_movie, demo.allow_private) == (3, True)
    assert isinstance(files, DatasetSource)
    assert files.movies == tmp_path / "../data/movies.parquet"
    assert files.reviews == Path("/elsewhere/reviews.jsonl")
    assert isinstance(site, SchemaOrgSource)
    assert site.hosts == {"films.example", "b.example:8443"}
    assert site.every_s == 86_400
    assert site.delay_s == 1.0


_SITE = '[sources.s]\nspider = "schema_org"\nstart_urls = ["https://a.example/"]\n'


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[sources.s", "not TOML"),
        ("[source.s]\n", "source: unknown"),
        ("sources = 3\n", "sources: each must be a table"),
        ("[sources]\ns = 3\n", "sources: each must be a table"),
        ("[sources.s]\n", "sources.s.spider"),
        ('[sources.s]\nspider = "selenium"\n', "sources.s.spider"),
        (_SITE + "delay = 3\n", "sources.s.delay: unknown key"),
        (_SITE + "every_s = 3\n", "sources.s.every_s: unknown key"),
        (_SITE + 'every = "daily"\n', "sources.s.every: "),
        (_SITE + "reviews_per_movie = -1\n", "sources.s.reviews_per_movie: "),
        (_SITE + "delay_s = 0\n", "sources.s.delay_s: "),
        ('[sources.s]\nspider = "schema_org"\n', "sources.s.start_urls: "),
        (_SITE.replace("https", "file"), "sources.s.start_urls.0: "),
        (_SITE.replace("a.example", "u:p@a.example"), "sources.s.start_urls: "),
        (_SITE.replace("sources.s", 'sources."S 1"'), "sources.S 1.name: "),
        ('[sources.s]\nspider="dataset"\nmovies="m.xls"\nreviews="r.csv"', "sources.s.movies: "),
        ('[sources.s]\nspider="dataset"\nmovies="m.csv"\n', "sources.s.reviews: "),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(SourceInvalid) as fault:
        _load(tmp_path, text)
    message = str(fault.value)
    assert message.startswith(f"{tmp_path / 'sources.toml'}: ")
    assert field in message
    assert "\n" not in message


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"nowhere\.toml: cannot be read"):
        load_sources(Settings(sources=tmp_path / "nowhere.toml"))


def test_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="'x' is not configured; there are demo"):
        find_source(_load(tmp_path, ""), "x")
