"""Posters come from our own origin, checked, cached for ever, and named by hits and movies."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ingest.posters.poster_image import to_poster
from shared.snapshot.storage.poster_files import PosterFiles
from shared.snapshot.storage.store import SnapshotStore
from tests.support.crawl.pictures import jpeg
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import (
    RunningQuery,
    always,
    query_settings,
    running_query,
)
from tests.support.query.snapshots import BOXER, COMEDY, SampleMovie, SnapshotBuilder

PICTURE = to_poster(jpeg())
DIGEST = hashlib.sha256(PICTURE).hexdigest()
PATH = f"/posters/{DIGEST}.webp"
SHOWN = SampleMovie("tt1", ("A boxer who paints.",), title="The Painter", poster=PICTURE)


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish([BOXER, SHOWN, COMEDY])
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def test_hits_movies_and_suggestions_name_their_poster(query: RunningQuery) -> None:
    client = query.client
    expected = {"tt1": PATH, BOXER.movie_id: None, COMEDY.movie_id: None}
    found = (await client.post("/search", json={"query": "boxer"})).json()["hits"]
    assert {hit["movie"]["movie_id"]: hit["movie"]["poster"] for hit in found} == expected
    listed = (await client.get("/movies")).json()["movies"]
    assert {movie["movie_id"]: movie["poster"] for movie in listed} == expected
    assert (await client.get("/movies/tt1")).json()["poster"] == PATH
    similar = (await client.get(f"/movies/{BOXER.movie_id}/similar")).json()["hits"]
    assert {hit["movie"]["movie_id"]: hit["movie"]["poster"] for hit in similar} == {
        "tt1": PATH, COMEDY.movie_id: None
    }  # fmt: skip
    for typed, poster in (("the pai", PATH), ("the und", None)):
        [suggested] = (await client.get("/suggest", params={"q": typed})).json()["suggestions"]
        assert suggested["poster"] == poster


async def test_a_poster_is_served_once_and_for_all(query: RunningQuery) -> None:
    answer = await query.client.get(PATH)
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    etag = answer.headers["ETag"]
    again = await query.client.get(PATH, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    other = await query.client.get(PATH, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_head_is_get_without_the_picture(query: RunningQuery) -> None:
    answer = await query.client.head(PATH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "image/webp"
    assert int(answer.headers["Content-Length"]) == len(PICTURE)


@pytest.mark.parametrize(
    "path",
    [
        f"/posters/{'0' * 64}.webp",
        f"/posters/{DIGEST}",
        f"/posters/{DIGEST}.jpg",
        f"/posters/{DIGEST.upper()}.webp",
        f"/posters/{DIGEST[:2]}/{DIGEST}.webp",
        "/posters/..%2fCURRENT.webp",
        "/posters/%2e%2e/CURRENT",
        "/posters/",
        "/posters",
    ],
)
async def test_nothing_else_is_served(query: RunningQuery, path: str) -> None:
    answer = await query.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_a_damaged_picture_is_not_served(query: RunningQuery, tmp_path: Path) -> None:
    path = PosterFiles(tmp_path / "snapshots").path(DIGEST)
    path.write_bytes(PICTURE[:500] + b"damaged" + PICTURE[507:])
    assert (await query.client.get(PATH)).status_code == 404
