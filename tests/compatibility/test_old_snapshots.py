"""Snapshots of c8131ff are searched, served and rolled back to, with the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedder.model.conversion import ensure_artefact
from services.query.api.requests import SearchRequest
from shared.encoder import GraphEncoder, artefact_folder
from shared.retrieval.query import RankedMovie
from shared.retrieval.searcher import Searcher
from shared.runs.activation_requests import Activation
from shared.snapshot.activation import activate
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.audit import audit
from shared.snapshot.storage.store import SnapshotStore
from tests.compatibility.comparing import (
    SNAPSHOTS,
    Recorded,
    ask,
    assert_resembles,
    serving,
)
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, query_settings


def hit_as_recorded(hit: RankedMovie) -> Recorded:
    """A hit of the searcher as far as the API says the same of it."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "movie": {"movie_id": hit.movie.movie_id, "year": hit.movie.year, "url": hit.movie.url},
        "evidence": [
            {"review_id": one.passage.review_id, "text": one.passage.text, "score": one.score}
            for one in hit.evidence
        ],
        "parts": hit.parts._asdict(),
    }


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_opens_in_the_reader_and_finds_the_same(
    store: SnapshotStore, recorded: Recorded, name: str
) -> None:
    before = recorded["snapshots"][name]
    snapshot = open_snapshot(store, before["snapshot_id"])
    assert snapshot.manifest.counts.model_dump() == before["counts"]
    assert {checked.fault for checked in audit(store, before["snapshot_id"])} == {None}
    searcher = Searcher(snapshot)
    encoder = HashEncoder()
    for one in before["searches"]:
        query = SearchRequest.model_validate(one["request"]).to_query()
        answer = searcher.search(query.with_vectors(encoder.encode_queries(query.texts())))
        assert answer.matched == one["answer"]["matched"]
        assert len(answer.hits) == len(one["answer"]["hits"])
        for hit, other in zip(answer.hits, one["answer"]["hits"], strict=True):
            assert_resembles(other, hit_as_recorded(hit))
    snapshot.catalogue.close()


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_it_is_searched_by_the_terms_it_was_written_with(
    store: SnapshotStore, recorded: Recorded, name: str
) -> None:
    """The stemmer of c8131ff took "huge" and "hug" for one word, and knew no denial."""
    snapshot = open_snapshot(store, recorded["snapshots"][name]["snapshot_id"])
    assert snapshot.terms("not huge, rated") == ["hug", "rat"]
    snapshot.catalogue.close()


async def assert_served(query: RunningQuery, before: Recorded) -> None:
    """The service answers everything as the earlier one did over this snapshot."""
    assert (await ask(query, "/snapshot"))["snapshot_id"] == before["snapshot_id"]
    for one in before["searches"]:
        # The earlier version interpreted nothing.
        asked = {**one["request"], "interpret": False}
        response = await query.client.post("/search", json=asked)
        assert response.status_code == 200, response.text
        assert_resembles(response.json(), one["answer"])
    assert_resembles(await ask(query, f"/movies/{before['film']['movie_id']}"), before["film"])
    assert_resembles(await ask(query, "/facets"), before["facets"])
    assert_resembles(await ask(query, "/map"), before["map"])


async def test_the_query_service_serves_them_and_rolls_back(
    data: Path, store: SnapshotStore, recorded: Recorded
) -> None:
    older, newer = (recorded["snapshots"][name] for name in SNAPSHOTS)
    async with serving(query_settings(data)) as query:
        await assert_served(query, newer)
        for before in (older, newer):
            activate(store, before["snapshot_id"], encoder_id=recorded["encoder_id"])
            await query.reload()
            await assert_served(query, before)


async def test_the_admin_api_lists_them_with_what_is_wanted_of_them(
    query: RunningQuery, recorded: Recorded
) -> None:
    older, newer = (recorded["snapshots"][name] for name in SNAPSHOTS)
    listed = await ask(query, "/admin/snapshots")
    assert (listed["current"], listed["served"]) == (newer["snapshot_id"],) * 2
    assert [one["snapshot_id"] for one in listed["snapshots"]] == [
        newer["snapshot_id"],
        older["snapshot_id"],
    ]
    assert [one["problem"] for one in listed["snapshots"]] == [None, None]
    for name, state in (("queued activation", "queued"), ("refused activation", "refused")):
        found = await ask(query, f"/admin/snapshots/activations/{recorded['named'][name]}")
        assert Activation.model_validate(found).state == state


def test_an_encoder_artefact_is_used_as_it_is(
    data: Path, store: SnapshotStore, recorded: Recorded
) -> None:
    before = recorded["artefact"]
    folder = artefact_folder(store.root, before["encoder_id"])
    files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    spec = ensure_artefact(
        store.root,
        model=str(data.parent / "tiny-model"),
        passage_tokens=before["passage_tokens"],
    )
    assert spec.encoder_id == before["encoder_id"]  # not converted again, nor all encoded again
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == files
    encoder = GraphEncoder(folder, encoder_id=spec.encoder_id, precision="f32")
    assert encoder.count_tokens(before["texts"]) == before["tokens"]
    for encode, name in (
        (encoder.encode_queries, "queries"),
        (encoder.encode_passages, "passages"),
    ):
        assert encode(before["texts"]).tolist() == [
            pytest.approx(vector, abs=1e-4) for vector in before[name]
        ], name
