"""Movies without reviews: found by what is known of them, and before others only by that."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from services.cli.export import export_snapshot
from shared.retrieval.searcher import Searcher, SearchQuery
from shared.snapshot.reader import check_vectors, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.snapshot.storage.verify import SnapshotCorrupt
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import (
    BOXER,
    COMEDY,
    NAMELESS,
    SPACE,
    SampleMovie,
    SnapshotBuilder,
)

LIGHTHOUSE = SampleMovie(
    "tt0000001",
    (),
    title="The Last Lighthouse",
    year=1962,
    genres=("Drama",),
    people=("Ada Rossi",),
    description="A keeper hides a stranded smuggler from the coast guard.",
)
ORCHARD = SampleMovie("tt0000002", (), title="Orchard Road", year=1997, genres=("Comedy",))
MOVIES = (LIGHTHOUSE, BOXER, SPACE, ORCHARD, COMEDY, NAMELESS)
REVIEWED = {movie.movie_id for movie in MOVIES if movie.reviews}


class SignedEncoder(HashEncoder):
    """Random directions, so that half of all cosines are negative."""

    def encode_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = [self._direction(text) for text in texts]
        return np.array(rows, np.float32).reshape(-1, self.spec.dim)

    encode_queries = encode_passages

    def _direction(self, text: str) -> npt.NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        drawn = np.random.default_rng(seed).normal(size=self.spec.dim)
        direction: npt.NDArray[np.float64] = drawn / np.linalg.norm(drawn)
        return direction


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder(dim=64)
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish(MOVIES)
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def ids(running: RunningQuery, **fields: object) -> list[str]:
    answer = await running.client.post("/search", json=fields)
    assert answer.status_code == 200, answer.text
    return [hit["movie"]["movie_id"] for hit in answer.json()["hits"]]


@pytest.mark.parametrize(
    "text",
    [
        "The Last Lighthouse", "last lighthose", "lastlighthouse", "ada rossi", "by Ada Rossi",
        "a keeper hides a smuggler", "a drama from 1962", "60s dramas",
    ],
)  # fmt: skip
async def test_it_is_found_by_what_is_known_of_it(query: RunningQuery, text: str) -> None:
    assert (await ids(query, query=text))[0] == LIGHTHOUSE.movie_id


async def test_the_api_shows_it(query: RunningQuery) -> None:
    movie: dict[str, Any] = (await query.client.get(f"/movies/{LIGHTHOUSE.movie_id}")).json()
    assert (movie["title"], movie["review_count"], movie["reviews"]) == (LIGHTHOUSE.title, 0, [])
    assert (movie["rating"], movie["cluster"]) == (None, None)
    suggested = (await query.client.get("/suggest", params={"q": "last ligh"})).json()
    assert LIGHTHOUSE.movie_id in str(suggested)
    drawn = (await query.client.get("/map")).json()
    assert set(drawn["movie_ids"]) == REVIEWED
    assert sum(cluster["movies"] for cluster in drawn["clusters"]) == len(REVIEWED)
    similar = await query.client.get(f"/movies/{LIGHTHOUSE.movie_id}/similar")
    assert (similar.status_code, similar.json()["hits"]) == (200, [])


async def test_each_part_of_its_score_is_what_it_is(query: RunningQuery) -> None:
    body = {"query": "smuggler and neon", "explain": True, "evidence": 0, "interpret": False}
    answer = (await query.client.post("/search", json=body)).json()
    parts = {hit["movie"]["movie_id"]: hit["parts"] for hit in answer["hits"]}
    assert parts[LIGHTHOUSE.movie_id]["lexical"] > 0
    for movie_id, part in parts.items():
        is_known = movie_id in REVIEWED
        assert (part["semantic"] is not None, part["passages"] is not None) == (is_known,) * 2


async def test_a_filter_finds_it_in_every_mode_that_knows_words(query: RunningQuery) -> None:
    only = {"year": {"lte": 1970}}
    assert await ids(query, query="anything", filters=only) == [LIGHTHOUSE.movie_id]
    assert await ids(query, query="anything", filters=only, mode="semantic") == []
    assert await ids(query, query="smuggler", filters=only, mode="lexical") == [LIGHTHOUSE.movie_id]


def test_a_zero_cosine_is_not_better_than_a_negative_one(tmp_path: Path) -> None:
    encoder = SignedEncoder(dim=64)
    store = SnapshotStore(tmp_path)
    movies = [
        SampleMovie(f"tt{n:04}", () if n % 3 else (f"Review of {n}.",), title=f"Name{n}")
        for n in range(300)
    ]
    manifest = SnapshotBuilder(store, encoder).publish(movies)
    snapshot = open_snapshot(store, manifest.snapshot_id)
    check_vectors(snapshot)
    searcher = Searcher(snapshot)
    [vector] = encoder.encode_queries(["quite unrelated"])
    asked = SearchQuery(k=300, evidence=0, text="quite unrelated", vector=vector)

    def found(**changes: Any) -> list[int]:
        query = SearchQuery(**{
            **{name: getattr(asked, name) for name in ("k", "evidence", "text", "vector")},
            **changes,
        })  # fmt: skip
        return [hit.movie.row for hit in searcher.search(query).hits]

    reviewed = np.flatnonzero(snapshot.reviewed)
    cosines = snapshot.index.vectors()[reviewed] @ vector
    assert (cosines < 0).sum() > 20
    expected = reviewed[np.argsort(-cosines)].tolist()
    assert found(mode="semantic") == expected
    assert searcher.search(SearchQuery(mode="semantic", text="x", vector=vector)).matched == 100
    for diversity in (0.0, 0.7):
        ranking = found(diversity=diversity)
        assert set(ranking[:100]) == set(expected)
        assert sorted(ranking) == list(range(300))
    pages = [row for offset in range(0, 300, 50) for row in found(k=50, offset=offset)]
    assert pages == found()
    assert found(unlike=("tt0001",)) == [row for row in found() if row != 1]
    assert found(text="name7 name9", interpretation=None)[:2] != expected[:2]
    similar = searcher.similar("tt0000", k=300, evidence=0)
    assert {hit.movie.row for hit in similar.hits} == set(expected) - {0}


def test_export_keeps_every_embedding_a_unit_vector(tmp_path: Path) -> None:
    SnapshotBuilder(SnapshotStore(tmp_path / "store"), HashEncoder(dim=64)).publish(MOVIES)
    export_snapshot(tmp_path / "store", tmp_path / "out")
    vectors = np.load(tmp_path / "out" / "movie_embeddings.npy")
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(REVIEWED)))


def test_only_a_movie_without_reviews_may_have_no_vector(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    manifest = SnapshotBuilder(store, HashEncoder(dim=64)).publish(MOVIES)
    snapshot = open_snapshot(store, manifest.snapshot_id)
    ranges = snapshot.passage_ranges
    ranges[0, 1], ranges[1, 1] = ranges[1, 1], ranges[0, 1]
    with pytest.raises(SnapshotCorrupt, match="not of unit length"):
        check_vectors(snapshot)
