"""Examples for the OpenAPI document; a test validates them against their schemas."""

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
    "url": "https://films.example/tt0075148",
    "original_title": "Rocky",
    "people": ["Sylvester Stallone", "Talia Shire"],
    "countries": ["United States"],
    "languages": ["English"],
    "keywords": ["boxing", "underdog"],
    "runtime_minutes": 120,
    "votes": 640000,
    "poster_url": "https://films.example/tt0075148.jpg",
    "review_count": 5,
    "cluster": 3,
    "poster": f"/posters/{'5f' * 32}.webp",
}
HIT: JsonDict = {
    "rank": 1,
    "score": 0.8312,
    "fit": 0.914,
    "movie": MOVIE,
    "evidence": [
        {
            "review_id": "demo:rocky-1",
            "text": "You leave wanting to run up the nearest flight of stairs.",
            "rating": 9.0,
            "url": "https://films.example/tt0075148#review-1",
            "spoiler": False,
            "score": 0.7124,
            "kind": "review",
            "marks": [[22, 25]],
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
            "hidden": False,
            "rating": 9.0,
            "title": "Still has it",
            "author": "A. Viewer",
            "published": "2019-03-04",
            "url": "https://films.example/tt0075148#review-1",
            "language": "en",
            "spoiler": False,
        }
    ],
    "next_reviews": "ZGVtbzpyb2NreS0x",
}
REVIEW_PAGE: JsonDict = {
    "reviews": MOVIE_DETAIL["reviews"],
    "next_cursor": "ZGVtbzpyb2NreS0x",
}
SEARCH_RESPONSE: JsonDict = {
    "snapshot_id": SNAPSHOT_ID,
    "matched": 500,
    "took_ms": {"encode": 2.1, "search": 0.6, "total": 3.2},
    "interpretation": {
        "text": "about a boxer",
        "corrections": [{"from": "boxr", "to": "boxer"}],
        "filters": {
            "year": {"gte": 1970, "lte": 1979},
            "genres": {"any": ["Drama"], "all": [], "none": ["Horror"]},
        },
        "avoid": "gore",
        "like": ["tt0405159"],
        "titles": [],
        "relaxed": ["runtime"],
    },
    "hits": [HIT],
}
SEARCH_REQUESTS: list[JsonDict] = [
    {"query": "relaxing and funny, maybe a period piece"},
    {
        "query": "a slow, sad movie about getting old",
        "avoid": "gore",
        "like": ["tt0050986"],
        "unlike": ["tt0120737"],
        "filters": {
            "year": {"gte": 1950, "lte": 2005},
            "genres": {"any": ["Drama"], "none": ["Horror"]},
            "rating": {"gte": 7.0},
            "people": {"any": ["Sylvester Stallone"]},
            "runtime": {"lte": 130},
        },
        "exclude": ["tt0084602", "tt0089927"],
        "interpret": False,
        "titles": [],
        "k": 5,
        "min_fit": 0.1,
        "evidence": 2,
        "spoilers": "show",
        "explain": True,
    },
]
BATCH_REQUEST: JsonDict = {
    "searches": [
        {"query": "relaxing and funny, maybe a period piece"},
        {"like": ["tt0075148"], "k": 3, "evidence": 0},
    ]
}
BATCH_RESPONSE: JsonDict = {"results": [SEARCH_RESPONSE]}
SIMILAR_RESPONSE: JsonDict = {
    "snapshot_id": SNAPSHOT_ID,
    "matched": 499,
    "took_ms": {"encode": 0.0, "search": 0.6, "total": 1.1},
    "hits": [
        {
            **HIT,
            "reason": {
                "this_movie": {
                    "review_id": "demo:million-dollar-baby-2",
                    "text": "The gym feels like a place where people go to be forgiven.",
                    "rating": 8.0,
                    "url": "https://films.example/tt0405159#review-2",
                    "spoiler": False,
                },
                "other_movie": {
                    "review_id": "demo:rocky-2",
                    "text": "A gym, an old trainer, and somebody who needs one chance.",
                    "rating": 9.0,
                    "url": "https://films.example/tt0075148#review-2",
                    "spoiler": False,
                },
                "score": 0.6421,
            },
        }
    ],
}
SUGGESTIONS: JsonDict = {
    "suggestions": [
        {"movie_id": "tt0211915", "title": "Amélie", "year": 2001, "poster": MOVIE["poster"]}
    ],
    "names": [{"kind": "person", "name": "Amy Adams", "movies": 4}],
}
FACETS: JsonDict = {
    "genres": [{"genre": "Drama", "movies": 231}, {"genre": "Comedy", "movies": 104}],
    "year": {"gte": 1922, "lte": 2022},
    "rating": {"gte": 6.1, "lte": 9.3},
    "movies": 500,
}
MOVIE_MAP: JsonDict = {
    "snapshot_id": SNAPSHOT_ID,
    "movie_ids": ["tt0075148", "tt0405159", "tt0211915"],
    "titles": ["Rocky", "Million Dollar Baby", "Amélie"],
    "years": [1976, 2004, 2001],
    "x": [0.1207, 0.1311, -0.6402],
    "y": [-0.7731, -0.7418, 0.2065],
    "cluster": [3, 3, 0],
    "clusters": [
        {"number": 0, "words": ["charming", "quirky"], "movies": 1, "x": -0.6402, "y": 0.2065},
        {"number": 3, "words": ["boxing", "underdog"], "movies": 2, "x": 0.1259, "y": -0.7575},
    ],
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
