"""The evidence of hits, with the real encoder: it agrees, and gives no story away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.encoder import GraphEncoder
from shared.snapshot.storage.store import SnapshotStore
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]

LAKE = SampleMovie(
    "tt1",
    (
        "Not for relaxing: it is hardly a relaxing film, and nothing about it is relaxing.",
        "A relaxing summer beside the water, calm and kind.",
        "The most boring and pretentious relaxing movie I know, a waste of time.",
        "The relaxing summer ends when the ferryman drowns the sister.",
    ),
    title="The Lake",
    ratings=(5.0, 9.0, 7.5, 8.0),
    spoilers=frozenset((4,)),
)
NIGHT = SampleMovie(
    "tt2",
    (
        "Scary from the first shadow on the stairs to the last.",
        "Scary and gory, with blood on every wall of the house.",
        "It rains, and the lamp goes out.",
    ),
    title="Night House",
    ratings=(8.0, 9.0, 7.0),
)
PANNED = SampleMovie(
    "tt3",
    (
        "A dull, boring circus film and a waste of time.",
        "The worst circus ever filmed, tedious and lame.",
    ),
    title="Circus",
    ratings=(2.0, 1.0),
)
UNSAID = SampleMovie(
    "tt4",
    ("The photography is lovely.", "My father took me to see it."),
    title="Bells",
    description="A lighthouse keeper teaches a deaf orphan to ring bells. It is winter.",
    ratings=(8.0, 8.0),
)
MEADOW = SampleMovie(
    "tt5",
    (
        "A boring, pretentious summer beside the water; avoid this waste of time.",
        "Beside the water a family has a calm and kind summer.",
    ),
    title="The Meadow",
    ratings=(2.0, 8.0),
)


@pytest.fixture
async def query(tmp_path: Path, encoder_store: Path) -> AsyncIterator[RunningQuery]:
    [artefact] = (encoder_store / "encoders").iterdir()
    encoder = GraphEncoder(artefact)
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)
    builder.publish([LAKE, NIGHT, PANNED, UNSAID, MEADOW])
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def evidence(query: RunningQuery, movie: SampleMovie, text: str, **fields: Any) -> list[Any]:
    body = {"query": text, "k": 5, "evidence": 5, **fields}
    response = await query.client.post("/search", json=body)
    assert response.status_code == 200, response.text
    hits = {hit["movie"]["movie_id"]: hit for hit in response.json()["hits"]}
    passages: list[Any] = hits[movie.movie_id]["evidence"]
    return passages


async def test_it_denies_nothing_pans_nothing_and_spoils_nothing(query: RunningQuery) -> None:
    for count in (1, 5):
        passages = await evidence(query, LAKE, "relaxing", evidence=count)
        assert [passage["text"] for passage in passages] == [LAKE.reviews[1]]
    [passage] = passages
    assert passage["kind"] == "review"
    assert passage["spoiler"] is None
    assert passage["marks"] == [[2, 10]]


async def test_a_marked_spoiler_is_shown_to_those_who_want_it(query: RunningQuery) -> None:
    shown = await evidence(query, LAKE, "relaxing", spoilers="show")
    assert {passage["text"] for passage in shown} == {LAKE.reviews[1], LAKE.reviews[3]}
    assert {passage["spoiler"] for passage in shown} == {None, True}
    link: dict[str, str | int] = {"q": "relaxing", "spoilers": "show", "evidence": 5}
    hits = (await query.client.get("/search", params=link)).json()["hits"]
    [same] = [hit["evidence"] for hit in hits if hit["movie"]["movie_id"] == LAKE.movie_id]
    assert same == shown


async def test_what_is_avoided_is_not_quoted(query: RunningQuery) -> None:
    passages = await evidence(query, NIGHT, "scary but not gory")
    assert NIGHT.reviews[0] in [passage["text"] for passage in passages]
    assert NIGHT.reviews[1] not in [passage["text"] for passage in passages]
    passages = await evidence(query, NIGHT, "scary")
    assert NIGHT.reviews[1] in [passage["text"] for passage in passages]


async def test_no_evidence_is_better_than_an_insult(query: RunningQuery) -> None:
    assert await evidence(query, PANNED, "a circus") == []


async def test_the_description_is_quoted_where_no_viewer_says_it(query: RunningQuery) -> None:
    [first, *_] = await evidence(query, UNSAID, "a deaf orphan and a lighthouse")
    assert first["kind"] == "description"
    assert first["review_id"] is None
    assert first["text"] == "A lighthouse keeper teaches a deaf orphan to ring bells."
    assert [first["text"][start:end] for start, end in first["marks"]] == [
        "lighthouse",
        "deaf orphan",
    ]
    passages = await evidence(query, UNSAID, "lovely photography")
    assert {passage["kind"] for passage in passages} == {"review"}


async def test_similar_movies_are_not_insulted(query: RunningQuery) -> None:
    path = f"/movies/{LAKE.movie_id}/similar"
    response = await query.client.get(path, params={"k": 5, "evidence": 2})
    hits = {hit["movie"]["movie_id"]: hit for hit in response.json()["hits"]}
    reason = hits[MEADOW.movie_id]["reason"]
    assert reason["other_movie"]["text"] == MEADOW.reviews[1]
    assert reason["this_movie"]["text"] == LAKE.reviews[1]
    assert hits[PANNED.movie_id]["reason"] is None
    assert hits[PANNED.movie_id]["evidence"] == []


async def test_marked_reviews_are_hidden_by_default(query: RunningQuery) -> None:
    path = f"/movies/{LAKE.movie_id}"
    reviews = (await query.client.get(path)).json()["reviews"]
    assert [review["hidden"] for review in reviews] == [False, False, False, True]
    assert [review["spoiler"] for review in reviews] == [None, None, None, True]
    reviews = (await query.client.get(path, params={"spoilers": "show"})).json()["reviews"]
    assert not any(review["hidden"] for review in reviews)
    response = await query.client.get(path, params={"spoilers": "maybe"})
    assert response.status_code == 422
