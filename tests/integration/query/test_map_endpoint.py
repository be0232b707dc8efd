"""``GET /map``: the points of the snapshot being served."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from shared.snapshot.files.atlas import ATLAS, read_atlas
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import MOVIES, SampleMovie, SnapshotBuilder

MANY = [
    SampleMovie(
        f"tt{number:07d}", (f"{mood} and {mood} once more, number {number}.",), title=f"F{number}"
    )
    for number in range(24)
    for mood in [("rain", "songs", "robots")[number % 3]]
]


def map_of_four(*, x: float = 0, cluster: int = 0) -> bytes:
    """A map of four movies in one cluster; the last one may be wrong."""
    return orjson.dumps(
        {
            "x": [0, 0, 0, x],
            "y": [0, 0, 0, 0],
            "cluster": [0, 0, 0, cluster],
            "clusters": [{"number": 0, "words": [], "movies": 4, "x": 0, "y": 0}],
            "moved": 0,
        }
    )


@dataclass
class Served:
    query: RunningQuery
    builder: SnapshotBuilder


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    encoder = HashEncoder()
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)
    builder.publish(MANY)
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield Served(running, builder)


async def test_every_movie_is_a_point_of_a_cluster(served: Served) -> None:
    response = await served.query.client.get("/map")
    movie_map = response.json()
    assert response.headers["X-Snapshot-ID"] == movie_map["snapshot_id"]
    assert movie_map["movie_ids"] == [movie.movie_id for movie in MANY]
    assert movie_map["titles"] == [movie.title for movie in MANY]
    assert movie_map["years"] == [None] * 24
    assert len(set(zip(movie_map["x"], movie_map["y"], strict=True))) == 24
    assert all(-1 <= value <= 1 for value in (*movie_map["x"], *movie_map["y"]))
    assert [one["number"] for one in movie_map["clusters"]] == sorted(set(movie_map["cluster"]))
    for one in movie_map["clusters"]:
        assert one["movies"] == movie_map["cluster"].count(one["number"])


async def test_who_has_the_map_is_not_sent_it_again(served: Served) -> None:
    client = served.query.client
    first = await client.get("/map")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/map", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    served.builder.publish(MANY[:23])
    await served.query.reload()
    newer = await client.get("/map", headers={"If-None-Match": first.headers["ETag"]})
    assert newer.status_code == 200
    assert newer.headers["ETag"] != first.headers["ETag"]
    assert newer.json()["x"] == first.json()["x"][:23]


async def test_it_is_compressed_for_those_who_take_that(served: Served) -> None:
    query = served.query
    head = b"GET /map HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    plain = await query.raw(head + b"\r\n")
    zipped = await query.raw(head + b"Accept-Encoding: gzip\r\n\r\n")
    assert b"content-encoding" not in plain.partition(b"\r\n\r\n")[0].lower()
    start, _, body = zipped.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in start.lower()
    assert b"vary: accept-encoding" in start.lower()
    assert gzip.decompress(body) == plain.partition(b"\r\n\r\n")[2]
    assert len(body) < len(plain) / 2


async def test_a_snapshot_without_a_map_is_served_and_says_so(served: Served) -> None:
    served.builder.publish(MOVIES, mapped=False)
    await served.query.reload()
    response = await served.query.client.get("/map")
    assert (response.status_code, response.json()["code"]) == (404, "no-map")
    assert (await served.query.client.get("/search?q=neon")).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"x": [0], "y": [0], "cluster": [0], "clusters": [], "moved": 0}',
        map_of_four(x=2),
        map_of_four(cluster=1),
    ],
)
def test_an_invalid_map_of_these_movies_is_not_opened(tmp_path: Path, content: bytes) -> None:
    store = SnapshotStore(tmp_path)
    manifest = SnapshotBuilder(store, HashEncoder()).publish(MOVIES)
    path = store.folder(manifest.snapshot_id) / ATLAS
    path.write_bytes(content)
    with pytest.raises(SnapshotCorrupt, match=ATLAS):
        open_snapshot(store, manifest.snapshot_id)
    # Even when its checksum is right.
    with pytest.raises(SnapshotCorrupt, match=ATLAS):
        read_atlas(path, rows=4)
    path.write_bytes(map_of_four())
    assert read_atlas(path, rows=4).positions.tolist() == [[0, 0]] * 4
