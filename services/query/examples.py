"""Examples of answers, for the OpenAPI document; a test holds them to their schemas."""

from __future__ import annotations

from pydantic.config import JsonDict

MOVIE: JsonDict = {
    "movie_id": "tt0075148",
    "title": "Rocky",
    "year": 1976,
    "genres": ["Drama", "Sport"],
    "directors": ["John G. Avildsen"],
    "description": "A small-time boxer gets one shot at the champion.",
    "rating": 8.1,
    "review_count": 5,
    "url": "https://films.example/tt0075148",
}
HIT: JsonDict = {
    "rank": 1,
    "score": 0.8312,
    "movie": MOVIE,
    "evidence": [
        {
            "review_id": "demo:rocky-1",
            "text": "You leave wanting to run up the nearest flight of stairs.",
            "score": 0.7124,
            "rating": 9.0,
            "url": "https://films.example/tt0075148#review-1",
        }
    ],
}
SNAPSHOT_ID = "00000042-9f1c03ab"
MOVIE_DETAIL: JsonDict = {
    **MOVIE,
    "reviews": [
        {
            "review_id": "demo:rocky-1",
            "text": "You leave wanting to run up the nearest flight of stairs.",
            "rating": 9.0,
            "title": "Still has it",
            "author": "A. Viewer",
            "published": "2019-03-04",
            "url": "https://films.example/tt0075148#review-1",
        }
    ],
}
SEARCH_RESPONSE: JsonDict = {
    "snapshot_id": SNAPSHOT_ID,
    "matched": 500,
    "took_ms": {"encode": 2.1, "search": 0.6, "total": 3.2},
    "hits": [HIT],
}
MOVIE_PAGE: JsonDict = {"movies": [MOVIE], "next_cursor": "dHQwMDc1MTQ4"}
SNAPSHOT: JsonDict = {
    "snapshot_id": SNAPSHOT_ID,
    "created_at": "2025-06-01T12:00:00Z",
    "movies": 500,
    "reviews": 2500,
    "passages": 21465,
    "encoder": {
        "encoder_id": "1f0c9a4be1d2a687",
        "model": "all-MiniLM-L6-v2",
        "dim": 384,
        "passage_precision": "bf16",
        "query_precision": "bf16",
    },
    "degraded": None,
}
