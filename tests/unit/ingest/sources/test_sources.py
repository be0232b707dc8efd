"""``sources.toml``: what it may say, and what it is told when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import (
    DatasetSource,
    ImdbSource,
    SchemaOrgSource,
    Source,
    SourceInvalid,
    WebSource,
    find_source,
    load_sources,
)


def _load(folder: Path, text: str) -> dict[str, Source]:
    file = folder / "sources.toml"
    file.write_text(text)
    return load_sources(IngestSettings(sources=file))


def test_demo_is_always_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sources = load_sources(IngestSettings(demo_site_port=8123))
    demo = sources["demo"]
    assert isinstance(demo, SchemaOrgSource)
    assert demo.start_urls == ("http://127.0.0.1:8123/sitemap.xml",)
    assert demo.allow_private
    elsewhere = load_sources(IngestSettings(), demo_url="http://127.0.0.1:9")["demo"]
    assert isinstance(elsewhere, SchemaOrgSource)
    assert elsewhere.hosts == {"127.0.0.1:9"}


def test_a_file_in_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sources.toml").write_text(
        '[sources.a]\nspider="dataset"\nmovies="m.csv"\nreviews="r.csv"'
    )
    assert set(load_sources(IngestSettings())) == {"a", "demo"}


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


def test_defaults_of_a_site(tmp_path: Path) -> None:
    site = _load(tmp_path, _SITE)["s"]
    assert isinstance(site, WebSource)
    assert (site.delay_s, site.max_pages, site.max_depth) == (1.0, 50_000, 500)
    assert site.max_bytes == 2 * 2**30
    assert (site.time_limit_s, site.every_s, site.reviews_per_movie) == (None, None, 0)
    assert not site.allow_private


def test_imdb(tmp_path: Path) -> None:
    sources = _load(
        tmp_path,
        """
        [sources.imdb]
        spider = "imdb"
        top = 250
        min_votes = 25000
        reviews_per_movie = 5
        time_limit = "90m"
        [sources.mirror]
        spider = "imdb"
        base_url = "http://Mirror.example:8080/imdb/"
        max_depth = 3
        max_bytes = 1000
        """,
    )
    imdb, mirror = sources["imdb"], sources["mirror"]
    assert isinstance(imdb, ImdbSource)
    assert isinstance(imdb, WebSource)
    assert (imdb.top, imdb.min_votes, imdb.reviews_per_movie) == (250, 25_000, 5)
    assert imdb.time_limit_s == 90 * 60
    assert imdb.hosts == {"www.imdb.com"}
    assert isinstance(mirror, ImdbSource)
    assert mirror.base_url == "http://Mirror.example:8080/imdb"
    assert mirror.hosts == {"mirror.example:8080"}
    assert (mirror.top, mirror.min_votes) == (500, 10_000)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json", ".tsv.gz", "", "-*.csv"])
def test_the_formats_of_datasets(tmp_path: Path, suffix: str) -> None:
    text = f'[sources.d]\nspider = "dataset"\nmovies = "m{suffix}"\nreviews = "r{suffix}"\n'
    files = _load(tmp_path, text)["d"]
    assert isinstance(files, DatasetSource)
    assert files.reviews == tmp_path / f"r{suffix}"  # which does not exist: the crawl says so


def test_columns_of_a_dataset(tmp_path: Path) -> None:
    files = _load(tmp_path, _FILES + 'columns = { text = "body", movie_id = "film" }\n')["s"]
    assert isinstance(files, DatasetSource)
    assert files.columns == {"text": "body", "movie_id": "film"}


_SITE = '[sources.s]\nspider = "schema_org"\nstart_urls = ["https://a.example/"]\n'
_IMDB = '[sources.s]\nspider = "imdb"\n'
_FILES = '[sources.s]\nspider = "dataset"\nmovies = "m.csv"\nreviews = "r.csv"\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        # Not TOML, or not tables of sources.
        ("[sources.s", 1, "not TOML"),
        (_SITE + "delay_s = = 3\n", 4, "sources.s: not TOML"),
        (_SITE + "delay_s = 3\ndelay_s = 4\n", 5, "sources.s: not TOML: Cannot overwrite"),
        (_SITE + _SITE, 4, "sources.s: not TOML: Cannot declare ('sources', 's') twice"),
        (_SITE + "delay_s = [\n1,\n", 5, "sources.s: not TOML"),
        ("# fine\n[sources.\udce4]\n", 2, "not UTF-8"),
        (
            "\n\n[source.s]\n",
            3,
            "source: unknown key; define each source as a table [sources.NAME]",
        ),
        (_SITE + "[sourcess.s]\n", 4, "sourcess: unknown"),
        ("\nsources = 3\n", 2, "sources: define each source as a table"),
        ("[sources]\ns = { spider = 1 }\n", 2, "sources.s.spider: "),
        ("[sources]\n\ns = 3\n", 3, "sources: define each source as a table"),
        ("[[sources.s]]\n", 1, "sources: define each source as a table"),
        # Which spider.
        ("\n[sources.s]\n", 2, "sources.s.spider: "),
        ('[sources.s]\n\nspider = "selenium"\n', 3, "sources.s.spider: "),
        # Unknown keys.
        (_SITE + "delay = 3\n", 4, "sources.s.delay: unknown key; did you mean delay_s?"),
        (_SITE + '"delay" = 3\n', 4, "sources.s.delay: unknown key"),
        (_SITE + "every_s = 3\n", 4, "sources.s.every_s: unknown key; did you mean every?"),
        (_SITE + 'name = "t"\n', 4, "sources.s.name: unknown key"),
        (_SITE + "top = 3\n", 4, "sources.s.top: unknown key"),
        (_IMDB + 'start_urls = ["https://a.example/"]\n', 3, "sources.s.start_urls: unknown key"),
        (_FILES + "delay_s = 1\n", 5, "sources.s.delay_s: unknown key"),
        (_SITE + "a.b = 3\n", 4, "sources.s.a: unknown key"),
        (_SITE + "[sources.s.limits]\nmax_pages = 3\n", 4, "sources.s.limits: unknown key"),
        # Wrong types and values.
        (_SITE + 'every = "daily"\n', 4, "sources.s.every: must be a duration such as"),
        (_SITE + "every = 86400\n", 4, "sources.s.every: must be a duration such as"),
        (_SITE + 'time_limit = "0h"\n', 4, "sources.s.time_limit: must be a duration such as"),
        (_SITE + "reviews_per_movie = -1\n", 4, "sources.s.reviews_per_movie: "),
        (_SITE + 'reviews_per_movie = "5"\n', 4, "sources.s.reviews_per_movie: "),
        (_SITE + "reviews_per_movie = true\n", 4, "sources.s.reviews_per_movie: "),
        (_SITE + 'allow_private = "false"\n', 4, "sources.s.allow_private: "),
        (_SITE + "delay_s = 0\n", 4, "sources.s.delay_s: "),
        (_SITE + "delay_s = nan\n", 4, "sources.s.delay_s: "),
        (_SITE + "max_pages = 0\n", 4, "sources.s.max_pages: "),
        (_SITE + "max_depth = 0\n", 4, "sources.s.max_depth: "),
        (_SITE + "max_bytes = 1.5\n", 4, "sources.s.max_bytes: "),
        (_IMDB + "top = 0\n", 3, "sources.s.top: "),
        (_IMDB + "\n\nmin_votes = -1\n", 5, "sources.s.min_votes: "),
        (_IMDB + 'base_url = "ftp://a.example"\n', 3, "sources.s.base_url: "),
        (_IMDB + 'base_url = "https://a.example/?x=1"\n', 3, "sources.s.base_url: "),
        (_IMDB + 'base_url = "https://u:p@a.example"\n', 3, "sources.s.base_url: "),
        (_SITE.replace("https", "file"), 3, "sources.s.start_urls.0: "),
        (
            _SITE.replace('"https://a.example/"', '\n"https://a.example/",\n# b\n"a.example"'),
            6,
            "sources.s.start_urls.1: ",
        ),
        (_SITE.replace('"https://a.example/"', ""), 3, "sources.s.start_urls: "),
        (_SITE.replace('["https://a.example/"]', '"https://a.example/"'), 3, "sources.s.start_u"),
        (_SITE.replace("a.example", "u:p@a.example"), 3, "sources.s.start_urls: "),
        (_SITE.replace("sources.s", 'sources."S 1"'), 1, "sources.S 1.name: "),
        # Missing keys: the header's line, wherever the next table begins.
        ('\n[sources.s]\nspider = "schema_org"\n[sources.demo]\n', 2, "sources.s.start_urls: "),
        ('[sources.s]\nspider="dataset"\n', 1, "sources.s: needs movies or reviews"),
        # Datasets.
        (_FILES + 'columns = { text = "b", txt = "c" }\n', 5, "sources.s.columns.txt: unknown"),
        (_FILES + '[sources.s.columns]\ntext = "b"\ntxt = "c"\n', 7, "sources.s.columns.txt: "),
        (_FILES + 'columns.text = "b"\ncolumns.rating = 3\n', 6, "sources.s.columns.rating: "),
        (_FILES + 'columns = { text = "" }\n', 5, "sources.s.columns.text: "),
        (_FILES + 'columns = "text"\n', 5, "sources.s.columns: "),
        # Of several mistakes, the first in the file.
        (_SITE + "max_pages = 0\ndelay = 1\nmax_depth = 0\n", 4, "sources.s.max_pages: "),
        # The bundled source, of which only a part is in the file.
        ("[sources.demo]\nmax_pages = 0\n", 2, "sources.demo.max_pages: "),
        ('[sources.demo]\nspider = "imdb"\nstart_urls = []\n', 3, "sources.demo.start_urls: "),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    file = tmp_path / "sources.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SourceInvalid) as fault:
        load_sources(IngestSettings(sources=file))
    message = str(fault.value)
    assert message.startswith(f"{file}:{line}: ")
    assert says in message
    assert "\n" not in message


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_bytes(b"\xef\xbb\xbf" + _SITE.replace("\n", "\r\n").encode())
    assert "s" in load_sources(IngestSettings(sources=file))


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"nowhere\.toml: cannot be read"):
        load_sources(IngestSettings(sources=tmp_path / "nowhere.toml"))


def test_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="'x' is not configured; configured: demo"):
        find_source(_load(tmp_path, ""), "x")
