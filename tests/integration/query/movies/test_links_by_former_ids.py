"""Links to movies by the ids that they had before still lead to them, after the upgrade."""

from __future__ import annotations

from pathlib import Path

from services.embedder.database.engine import open_engine
from services.embedder.database.former_ids import name_movies
from tests.support.embedder.arrivals import arrive, movie, review
from tests.support.embedder.earlier_database import (
    EarlierMovie,
    EarlierReview,
    build_earlier_database,
)
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query
from tests.tour import journey

MOVIES = [
    EarlierMovie("42", ["shop"], "shop", {"title": "Amber Route"}),
    EarlierMovie("7", ["club", "shop"], "shop", {"title": "The Lamp Room"}),
    EarlierMovie("tt9980002", ["club"], "club", {"title": "Cobalt"}),
]
REVIEWS = [
    EarlierReview("shop:1", "42", "shop", "Slow and warm."),
    EarlierReview("shop:3", "7", "shop", "A dark room."),
    EarlierReview("club:3", "7", "club", "A loud race."),
    EarlierReview("club:4", "tt9980002", "club", "Blue and cold."),
]


async def test_former_ids_lead_to_their_movies(tmp_path: Path) -> None:
    url, encoder = f"sqlite:///{tmp_path / 'movies.sqlite'}", HashEncoder()
    build_earlier_database(url, MOVIES, REVIEWS)
    engine = open_engine(url)
    name_movies(engine)
    journey.encode(engine, encoder)
    publisher = journey.publisher(engine, encoder, tmp_path)
    assert publisher.publish() is not None
    await arrive(
        engine, movie("shop:43", source="shop"), review("shop:9", "shop:43", source="shop")
    )
    journey.encode(engine, encoder)
    manifest = publisher.publish()  # a changed copy of the first one
    assert manifest is not None
    assert manifest.counts.movies == 5
    async with running_query(query_settings(tmp_path), always(encoder)) as query:
        await query.reload()
        ask = query.client.get
        for former, now in (("42", "shop:42"), ("tt9980002", "tt9980002")):
            found = await ask(f"/movies/{former}")
            assert (found.status_code, found.json()["movie_id"]) == (200, now)
        similar = await ask("/movies/42/similar")
        assert similar.status_code == 200
        assert "shop:42" not in {hit["movie"]["movie_id"] for hit in similar.json()["hits"]}
        liked = await query.client.post("/search", json={"like": ["42"], "k": 2})
        assert liked.status_code == 200
        without = await query.client.post(
            "/search", json={"query": "warm", "exclude": ["42", "7"], "k": 9}
        )
        found_ids = {hit["movie"]["movie_id"] for hit in without.json()["hits"]}
        assert found_ids
        assert "shop:42" not in found_ids
        parted = await ask("/movies/7")
        assert parted.status_code == 404
        assert "club:7, shop:7" in parted.json()["detail"]
        assert (await ask("/movies/43")).status_code == 404
    engine.dispose()
