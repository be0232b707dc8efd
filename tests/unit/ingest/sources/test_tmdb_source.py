"""The tables of TMDB in ``sources.toml``, and the files that they name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.ingest.settings import IngestSettings
from services.ingest.sources.sources import SourceInvalid, TmdbSource, load_sources
from services.ingest.spiders.tmdb_files import MovieRef, TmdbFileInvalid, read_ids, read_token


def _load(folder: Path, text: str) -> TmdbSource:
    file = folder / "sources.toml"
    file.write_text(f'[sources.t]\nspider = "tmdb"\nkey_file = "token"\n{text}')
    source = load_sources(IngestSettings(sources=file))["t"]
    assert isinstance(source, TmdbSource)
    return source


def test_paths_are_relative_to_the_file_and_the_host_is_the_interfaces(tmp_path: Path) -> None:
    source = _load(tmp_path, 'ids_from = "movies.parquet"')
    assert source.key_file == tmp_path / "token"
    assert source.ids_from == tmp_path / "movies.parquet"
    assert source.hosts == {"api.themoviedb.org"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "which movies shall be read"),
        ('imdb_ids = ["nm0000001"]', "imdb_ids"),
        ("tmdb_ids = [0]", "tmdb_ids"),
        ('ids_from = "ids.csv"', "must end with one of .parquet .txt"),
        ('tmdb_ids = [1]\napi_url = "http://tmdb.example/3"', "must begin with https"),
        ('tmdb_ids = [1]\napi_url = "https://me:secret@tmdb.example/3"', "no user or password"),
        ('tmdb_ids = [1]\nlanguage = "English"', "language"),
        ('tmdb_ids = [1]\nkeyfile = "token"', "did you mean key_file?"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SourceInvalid, match=reason.replace("?", r"\?")):
        _load(tmp_path, text)


def test_ids_in_a_text(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("# ours\ntt0000278\n\ntmdb:279\n280\nmy_site:5\n", encoding="utf-8")
    assert list(read_ids(path)) == [
        MovieRef(imdb_id="tt0000278"), MovieRef(tmdb_id=279), MovieRef(tmdb_id=280)
    ]  # fmt: skip


def test_a_bare_number_is_tmdbs_only_where_the_column_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ids.parquet"
    pq.write_table(pa.table({"movie_id": ["278", "tmdb:279"]}), path)
    assert list(read_ids(path)) == [MovieRef(tmdb_id=279)]
    pq.write_table(pa.table({"tmdb_id": [278, None, 279]}), path)
    assert list(read_ids(path)) == [MovieRef(tmdb_id=278), MovieRef(tmdb_id=279)]


@pytest.mark.parametrize("content", [b"no parquet", b""])
def test_a_damaged_file_of_ids_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ids.parquet"
    path.write_bytes(content)
    with pytest.raises(TmdbFileInvalid, match="cannot be read"):
        list(read_ids(path))
    pq.write_table(pa.table({"film": ["tt0000278"]}), path)
    with pytest.raises(TmdbFileInvalid, match="none of the columns"):
        list(read_ids(path))


def test_a_refused_key_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for content in ("0123456789abcdef" * 2, "a secret of\nthree words", "x" * 5000):
        path.write_text(content)
        with pytest.raises(TmdbFileInvalid) as refused:
            read_token(path)
        assert not any(word in str(refused.value) for word in content.split() if len(word) > 6)
    path.write_text(" good-token \n")
    assert read_token(path) == "good-token"
