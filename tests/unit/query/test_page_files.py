"""The files of the page: reading, caching, compression, and a missing build."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.requests import Request

from services.query.page.page_files import DIST, IMMUTABLE, PageFile, read_page

MAX_SCRIPT_BYTES = 90_000


def request(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": named})


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>" + "<p>built</p>" * 100)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "notes.md").write_text("not a file of a page")
    (folder / "assets" / "index-abc.js").write_text("let x = 1;\n" * 100)
    (folder / "assets" / "letters-abc.woff2").write_bytes(b"wOF2" * 1000)
    return folder


def test_the_build_is_served_and_its_assets_are_immutable(dist: Path) -> None:
    files = read_page(dist=dist)
    assert b"built" in files.index.content
    assert files.index.cache_control == "no-cache"
    assert set(files.assets) == {"index-abc.js", "letters-abc.woff2"}
    assert {file.cache_control for file in files.assets.values()} == {IMMUTABLE}
    assert files.assets["index-abc.js"].media_type == "text/javascript; charset=utf-8"
    assert files.assets["letters-abc.woff2"].media_type == "font/woff2"
    assert {"/icon.svg", "/page/docs.js", "/page/docs.css"} == set(files.fixed)
    assert b"openapi.json" in files.docs.content


def test_without_a_build_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    files = read_page(dist=tmp_path / "missing")
    assert b"make setup" in files.index.content
    assert files.assets == {}
    assert b"openapi.json" in files.docs.content


def test_a_response_is_compressed_for_clients_that_accept_it(dist: Path) -> None:
    script = read_page(dist=dist).assets["index-abc.js"]
    zipped = script.answer(request(), gzipped=True)
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(bytes(zipped.body)) == script.content
    plain = script.answer(request(), gzipped=False)
    assert "Content-Encoding" not in plain.headers
    assert plain.body == script.content
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    font = read_page(dist=dist).assets["letters-abc.woff2"]
    assert font.zipped is None  # the format is compressed already


def test_a_client_with_the_current_file_gets_304(dist: Path) -> None:
    index = read_page(dist=dist).index
    again = index.answer(request(if_none_match=index.etag), gzipped=True)
    assert (again.status_code, again.body) == (304, b"")
    assert again.headers["Cache-Control"] == "no-cache"
    assert index.answer(request(if_none_match='"another"'), gzipped=True).status_code == 200


@pytest.fixture(scope="module")
def built() -> dict[str, PageFile]:
    return read_page().assets


def test_the_page_is_built(built: dict[str, PageFile]) -> None:
    assert built, f"{DIST} is missing: run `make setup`"


def test_the_first_script_is_within_its_budget(built: dict[str, PageFile]) -> None:
    """The scripts that `/` loads at once: the entry and its static imports."""
    index = read_page().index.content.decode()
    pending = [name for name in built if name.endswith(".js") and f"/assets/{name}" in index]
    assert pending
    loaded: dict[str, int] = {}
    while pending:
        name = pending.pop()
        if name in loaded:
            continue
        file = built[name]
        assert file.zipped is not None
        loaded[name] = len(file.zipped)
        text = file.content.decode()
        pending += [other for other in built if f'from"./{other}"' in text]
    assert sum(loaded.values()) <= MAX_SCRIPT_BYTES, loaded
