"""Many movies found at once: by id, by a former id, or by title and year."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.query.api.lookup.movie_lookup import MAX_WANTED
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

MOVIES = (
    SampleMovie("tt1", ("Rain.",), title="Amélie", year=2001),
    SampleMovie("tt2", ("Snow.",), title="The Harbour", year=1954),
    SampleMovie("tt3", ("Wind.",), title="The Harbour", year=2011),
    SampleMovie("tt4", ("Sun.",), title="The Harbour: Night", year=1960),
    SampleMovie("tt5", ("Fog.",), title="Unknown Year"),
)


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder(dim=64)
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish(MOVIES)
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def found(query: RunningQuery, *movies: dict[str, Any]) -> list[str | None]:
    answer = await query.client.post("/movies/lookup", json={"movies": movies})
    assert answer.status_code == 200, answer.text
    return [movie and movie["movie_id"] for movie in answer.json()["movies"]]


async def test_movies_are_found_in_the_order_of_the_request(query: RunningQuery) -> None:
    wanted = ({"id": "tt5"}, {"id": "none"}, {"title": "amelie"}, {"id": "tt1"})
    assert await found(query, *wanted) == ["tt5", None, "tt1", "tt1"]


@pytest.mark.parametrize(
    ("movie", "expected"),
    [
        ({"title": "the harbour", "year": 1954}, "tt2"),
        ({"title": "Harbour", "year": 2012}, "tt3"),  # sources differ by a year
        ({"title": "The Harbour", "year": 1980}, None),
        ({"title": "The Harbour"}, None),  # there are two
        ({"title": "The Harbour: Night"}, "tt4"),
        ({"title": "Night", "year": 1960}, None),  # a part of a title is not the title
        ({"title": "Unknown Year", "year": 1999}, "tt5"),
        ({"id": "none", "title": "Amélie", "year": 2001}, "tt1"),
        ({"id": "tt1", "title": "The Harbour", "year": 1954}, "tt1"),
        ({"title": "!?"}, None),
    ],
)
async def test_a_title_is_found_with_its_year(
    query: RunningQuery, movie: dict[str, Any], expected: str | None
) -> None:
    assert await found(query, movie) == [expected]


async def test_a_list_has_a_bound_and_names_movies(query: RunningQuery) -> None:
    long_titles = [{"title": "x" * 500, "year": 2001}] * MAX_WANTED
    assert await found(query, *long_titles) == [None] * MAX_WANTED
    refused: list[list[dict[str, str]]] = [[], [{}], [{"id": "tt1"}] * (MAX_WANTED + 1)]
    for movies in refused:
        answer = await query.client.post("/movies/lookup", json={"movies": movies})
        assert answer.status_code == 422, movies[:1]
