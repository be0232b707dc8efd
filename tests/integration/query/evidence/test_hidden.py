"""Whichever reviews are marked as spoilers: hidden ones are never quoted, and shown ones may be."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from shared.retrieval.query import Mode
from shared.retrieval.searcher import Searcher, SearchQuery
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

REVIEWS = (
    "The sea is calm. The robot dances beside it.",
    "A robot and the sea, and rain.",
    "The robot dances. It is the sea that sings.",
)
MARKED = [
    frozenset(chosen)
    for size in range(len(REVIEWS) + 1)
    for chosen in combinations(range(1, len(REVIEWS) + 1), size)
]


@pytest.mark.parametrize("marked", MARKED, ids=str)
def test_a_marked_review_is_quoted_only_where_spoilers_are_shown(
    tmp_path: Path, marked: frozenset[int]
) -> None:
    encoder = HashEncoder()
    store = SnapshotStore(tmp_path / "snapshots")
    movies = [
        SampleMovie(movie_id, REVIEWS, ratings=(8.0, 8.0, 8.0), spoilers=spoilers)
        for movie_id, spoilers in (("tt1", marked), ("tt2", frozenset[int]()))
    ]
    manifest = SnapshotBuilder(store, encoder).publish(movies)
    snapshot = open_snapshot(store, manifest.snapshot_id)
    searcher = Searcher(snapshot)
    hidden = {f"tt1-{number}" for number in marked}
    everything = {f"tt1-{number}" for number in range(1, len(REVIEWS) + 1)}
    modes: tuple[Mode, ...] = ("hybrid", "semantic", "lexical")
    for mode in modes:
        for count in range(1, 6):
            query = SearchQuery(text="the robot and the sea", mode=mode, evidence=count)
            query = query.with_vectors(encoder.encode_queries(query.texts()))
            [hit] = [hit for hit in searcher.search(query).hits if hit.movie.movie_id == "tt1"]
            quoted = {each.passage.review_id for each in hit.evidence}
            assert not quoted & hidden
            assert len(hit.evidence) >= min(count, len(everything - hidden))
    one, other = (snapshot.catalogue.movie(movie_id) for movie_id in ("tt1", "tt2"))
    assert one is not None
    assert other is not None
    pair = searcher.shared_evidence(one, other)
    assert (pair is None) == (hidden == everything)
    assert pair is None or pair[0].review_id not in hidden
    shown = searcher.similar("tt2", k=1, evidence=5, spoilers="show").hits[0].evidence
    assert {each.passage.review_id for each in shown} == everything
    snapshot.catalogue.close()
