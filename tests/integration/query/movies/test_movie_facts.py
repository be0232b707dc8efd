"""Every fact of the records, from the page to the API: declared once, lost nowhere on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.ingest.pages.items import to_movie, to_review
from services.ingest.pages.schema_org.extraction import extract
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.streams import Entry
from shared.record import MovieRecord, ReviewFacts
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query
from tests.tour import journey

URL = "https://movies.example/harbour"
PAGE = {
    "@context": "https://schema.org",
    "@type": "Movie",
    "name": "The Quiet Harbour",
    "originalTitle": "Il porto quieto",
    "url": URL,
    "sameAs": "https://www.imdb.com/title/tt0000001/",
    "datePublished": "1974-03-01",
    "genre": ["Drama"],
    "director": {"@type": "Person", "name": "Ada Rossi"},
    "actor": [{"@type": "Person", "name": "Cem Bay"}, {"@type": "Person", "name": "Dora Blum"}],
    "countryOfOrigin": [{"@type": "Country", "name": "Italy"}, "France"],
    "inLanguage": ["Italian"],
    "keywords": "harbour, winter",
    "duration": "PT1H42M",
    "image": {"@type": "ImageObject", "contentUrl": "/posters/harbour.jpg"},
    "description": "A fishing village in winter.",
    "aggregateRating": {"ratingValue": 8.1, "bestRating": 10, "ratingCount": 1234},
    "review": [
        {
            "@type": "Review",
            "identifier": "r1",
            "name": "Slow and warm",
            "author": "Ben",
            "datePublished": "2019-03-04",
            "url": "#r1",
            "inLanguage": "en",
            "reviewRating": {"ratingValue": 9, "bestRating": 10},
            "reviewBody": "Warm and slow. The boat sinks.",
            "containsSpoiler": True,
        }
    ],
}
MOVIE = {
    "movie_id": "tt0000001",
    "title": "The Quiet Harbour",
    "year": 1974,
    "genres": ["Drama"],
    "directors": ["Ada Rossi"],
    "description": "A fishing village in winter.",
    "rating": 8.1,
    "url": URL,
    "original_title": "Il porto quieto",
    "people": ["Cem Bay", "Dora Blum"],
    "countries": ["Italy", "France"],
    "languages": ["Italian"],
    "keywords": ["harbour", "winter"],
    "runtime_minutes": 102,
    "votes": 1234,
    "poster_url": "https://movies.example/posters/harbour.jpg",
}
REVIEW = {
    "rating": 9.0,
    "title": "Slow and warm",
    "author": "Ben",
    "published": "2019-03-04",
    "url": f"{URL}#r1",
    "language": "en",
    "spoiler": True,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    yield opened
    opened.dispose()


async def test_every_fact_arrives(engine: Engine, tmp_path: Path) -> None:
    assert set(MOVIE) == {field.name for field in fields(MovieRecord)}
    assert set(REVIEW) == {field.name for field in fields(ReviewFacts)}
    script = f'<script type="application/ld+json">{json.dumps(PAGE)}</script>'
    [page_movie] = extract(script.encode(), URL, "site").movies
    [item] = page_movie.reviews
    sent = [
        MovieMessage(run_id="r1", source="site", movie=to_movie(page_movie.movie)),
        ReviewMessage(run_id="r1", source="site", review=to_review(item, "site")),
    ]
    entries = [Entry(f"{number}-0", message.to_fields()) for number, message in enumerate(sent, 1)]
    await ReviewConsumer(engine, on_stored=lambda _: None).handle(entries)
    encoder = HashEncoder()
    journey.encode(engine, encoder)
    journey.publisher(engine, encoder, tmp_path).publish()
    async with running_query(query_settings(tmp_path), always(encoder)) as query:
        await query.reload()
        detail = (await query.client.get("/movies/tt0000001")).json()
        search = (await query.client.post("/search", json={"query": "warm"})).json()
        listed = (await query.client.get("/movies")).json()
    [review] = detail.pop("reviews")
    assert detail.pop("next_reviews") is None
    for movie in (detail, search["hits"][0]["movie"], listed["movies"][0]):
        assert {name: movie[name] for name in MOVIE} == MOVIE
        assert movie["review_count"] == 1
        assert set(movie) - set(MOVIE) == {"review_count", "cluster", "poster"}
    assert {name: review[name] for name in REVIEW} == REVIEW
    assert review["text"] == "Warm and slow. The boat sinks."
