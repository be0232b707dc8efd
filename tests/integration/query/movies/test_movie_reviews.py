"""The reviews of a movie, page by page: a popular one has thousands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.query.api.movies import FIRST_REVIEWS
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, SampleMovie, SnapshotBuilder

COUNT = 3 * FIRST_REVIEWS + 7
POPULAR = SampleMovie(
    "tt0000009",
    tuple(f"Viewer {n} liked the part with the boat." for n in range(COUNT)),
    ratings=tuple(float(n % 11) for n in range(COUNT)),
    spoilers=frozenset((1, 2)),
    title="The Popular Boat",
)


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder(dim=64)
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)
    builder.publish((POPULAR, BOXER))
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def get(running: RunningQuery, path: str, **parameters: Any) -> dict[str, Any]:
    answer = await running.client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def all_pages(
    running: RunningQuery, cursor: str | None = None, **parameters: Any
) -> list[Any]:
    reviews: list[Any] = []
    while True:
        if cursor is not None:
            parameters["cursor"] = cursor
        page = await get(running, f"/movies/{POPULAR.movie_id}/reviews", **parameters)
        reviews += page["reviews"]
        cursor = page["next_cursor"]
        if cursor is None:
            return reviews


async def test_all_reviews_are_found_each_once(query: RunningQuery) -> None:
    reviews = await all_pages(query, limit=100)
    ids = [review["review_id"] for review in reviews]
    assert len(ids) == len(set(ids)) == COUNT
    assert {review["text"] for review in reviews} == set(POPULAR.reviews)
    assert ids == [review["review_id"] for review in await all_pages(query, limit=33)]


async def test_a_movie_comes_with_its_first_reviews(query: RunningQuery) -> None:
    movie = await get(query, f"/movies/{POPULAR.movie_id}")
    assert movie["review_count"] == COUNT
    assert len(movie["reviews"]) == FIRST_REVIEWS
    rest = await all_pages(query, movie["next_reviews"])
    together = [review["review_id"] for review in [*movie["reviews"], *rest]]
    assert len(together) == len(set(together)) == COUNT
    other = await get(query, f"/movies/{BOXER.movie_id}")
    assert other["next_reviews"] is None
    assert len(other["reviews"]) == other["review_count"]


async def test_reviews_by_rating(query: RunningQuery) -> None:
    panned = await all_pages(query, max_rating=3, limit=100)
    expected = {
        text
        for text, rating in zip(POPULAR.reviews, POPULAR.ratings, strict=True)
        if rating is not None and rating <= 3
    }
    assert {review["text"] for review in panned} == expected
    middling = await all_pages(query, min_rating=4, max_rating=5, limit=100)
    assert {review["rating"] for review in middling} == {4.0, 5.0}


async def test_spoilers_are_hidden_unless_they_are_asked_for(query: RunningQuery) -> None:
    reviews = await all_pages(query, limit=100)
    assert sum(review["hidden"] for review in reviews) == 2
    shown = await all_pages(query, limit=100, spoilers="show")
    assert not any(review["hidden"] for review in shown)


async def test_a_cursor_stays_valid_when_its_review_is_gone(query: RunningQuery) -> None:
    first = await get(query, f"/movies/{POPULAR.movie_id}/reviews", limit=10)
    seen = [review["review_id"] for review in first["reviews"]]
    catalogue = query.service.generation().snapshot.catalogue
    movie = catalogue.movie(POPULAR.movie_id)
    assert movie is not None
    row = movie.row
    # A cursor names a place in the order of ids, whatever is there.
    between = seen[-1] + "!"
    after = [review.review_id for review in catalogue.reviews_after(row, between, COUNT)]
    assert after[0] > seen[-1]
    assert set(after) == {r["review_id"] for r in await all_pages(query, limit=100)} - set(seen)
    assert catalogue.reviews_after(row, "~", COUNT) == []
    before = catalogue.reviews_after(row, "!", COUNT)
    assert len(before) == COUNT


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/movies/nothing/reviews", 404),
        (f"/movies/{POPULAR.movie_id}/reviews?limit=101", 422),
        (f"/movies/{POPULAR.movie_id}/reviews?cursor=abc", 422),
        (f"/movies/{POPULAR.movie_id}/reviews?min_rating=11", 422),
    ],
)
async def test_bad_requests(query: RunningQuery, path: str, status: int) -> None:
    answer = await query.client.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"] or answer.json()["errors"]
