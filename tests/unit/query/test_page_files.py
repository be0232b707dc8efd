"""The page's files: what is read, how it is kept, and what there is without a build."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.requests import Request

from services.query.page.page_files import DIST, FOR_EVER, PageFile, read_page

MOST_SCRIPT_BYTES = 90_000


def request(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": named})


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>" + "<p>built</p>" * 100)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "notes.txt").write_text("not a file of a page")
    (folder / "assets" / "index-abc.js").write_text("let x = 1;\n" * 100)
    (folder / "assets" / "letters-abc.woff2").write_bytes(b"wOF2" * 1000)
    return folder


def test_what_was_built_is_served_and_its_assets_are_kept_for_ever(dist: Path) -> None:
    files = read_page(dist=dist)
    assert b"built" in files.index.content
    assert files.index.cache_control == "no-cache"
    assert set(files.assets) == {"index-abc.js", "letters-abc.woff2"}
    assert {file.cache_control for file in files.assets.values()} == {FOR_EVER}
    assert files.assets["index-abc.js"].media_type == "text/javascript; charset=utf-8"
    assert files.assets["letters-abc.woff2"].media_type == "font/woff2"
    assert {"/icon.svg", "/page/docs.js", "/page/docs.css"} == set(files.fixed)
    assert b"openapi.json" in files.docs.content


def test_without_a_build_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    files = read_page(dist=tmp_path / "missing")
    assert b"make setup" in files.index.content
    assert files.assets == {}
    assert b"openapi.json" in files.docs.content


def test_an_answer_is_compressed_for_who_takes_it(dist: Path) -> None:
    script = read_page(dist=dist).assets["index-abc.js"]
    zipped = script.answer(request(accept_encoding="br, gzip"))
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(bytes(zipped.body)) == script.content
    plain = script.answer(request(accept_encoding="identity"))
    assert "Content-Encoding" not in plain.headers
    assert plain.body == script.content
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    font = read_page(dist=dist).assets["letters-abc.woff2"]
    assert font.zipped is None  # it is compressed already


def test_who_has_it_gets_it_not_again(dist: Path) -> None:
    index = read_page(dist=dist).index
    again = index.answer(request(if_none_match=index.etag))
    assert (again.status_code, again.body) == (304, b"")
    assert again.headers["Cache-Control"] == "no-cache"
    assert index.answer(request(if_none_match='"another"')).status_code == 200


@pytest.fixture(scope="module")
def built() -> dict[str, PageFile]:
    return read_page().assets


def test_the_page_is_built(built: dict[str, PageFile]) -> None:
    assert built, f"{DIST} is missing: run `make setup`"


def test_the_first_script_is_within_its_budget(built: dict[str, PageFile]) -> None:
    """What `/` loads at once: the entry, and what it imports without being asked."""
    index = read_page().index.content.decode()
    wanted = [name for name in built if name.endswith(".js") and f"/assets/{name}" in index]
    assert wanted
    loaded: dict[str, int] = {}
    while wanted:
        name = wanted.pop()
        if name in loaded:
            continue
        file = built[name]
        assert file.zipped is not None
        loaded[name] = len(file.zipped)
        text = file.content.decode()
        wanted += [other for other in built if f'from"./{other}"' in text]
    assert sum(loaded.values()) <= MOST_SCRIPT_BYTES, loaded
