"""Searching over real sockets and real snapshots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from services.query.api.operation_schemas import SnapshotInfo
from services.query.api.schemas import MovieDetail, MoviePage, SearchResponse, SimilarResponse
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import BOXER, MOVIES, SampleMovie, SnapshotBuilder


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(dim=64)


@pytest.fixture
def builder(tmp_path: Path, encoder: HashEncoder) -> SnapshotBuilder:
    return SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)


@pytest.fixture
async def query(
    tmp_path: Path, builder: SnapshotBuilder, encoder: HashEncoder
) -> AsyncIterator[RunningQuery]:
    builder.publish()
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


async def search(running: RunningQuery, text: str, **fields: object) -> SearchResponse:
    response = await running.client.post("/search", json={"query": text, **fields})
    assert response.status_code == 200, response.text
    return SearchResponse.model_validate_json(response.content)


async def test_the_ranking_is_that_of_a_brute_force_search(
    query: RunningQuery, encoder: HashEncoder
) -> None:
    text = "a boxer trains on cold stairs"
    vector = encoder.encode_queries([text])[0]
    served = query.service.generation().snapshot
    oracle = served.index.vectors() @ vector
    order = np.argsort(-oracle)

    page = await search(query, text, k=100, evidence=0, mode="semantic")

    assert [hit.movie.movie_id for hit in page.hits] == [MOVIES[row].movie_id for row in order]
    assert [hit.score for hit in page.hits] == pytest.approx(
        [float(oracle[row]) for row in order], abs=1e-4
    )
    assert [hit.rank for hit in page.hits] == [1, 2, 3, 4]
    assert page.matched == len(MOVIES)
    assert page.snapshot_id == served.snapshot_id
    assert page.hits[0].movie.movie_id == BOXER.movie_id
    assert all(hit.evidence == [] for hit in page.hits)


async def test_a_hit_says_what_the_movie_is_and_why_it_was_found(query: RunningQuery) -> None:
    page = await search(query, "sweat and stairs in Philadelphia", k=1, evidence=2)
    [hit] = page.hits
    assert asdict(hit.movie) == {
        "movie_id": BOXER.movie_id,
        "title": BOXER.title,
        "original_title": None,
        "year": 1976,
        "genres": ("Drama", "Sport"),
        "directors": ("J. Doe",),
        "people": (),
        "countries": (),
        "languages": (),
        "keywords": (),
        "description": BOXER.description,
        "runtime_minutes": None,
        "rating": 8.1,
        "votes": None,
        "review_count": 2,
        "url": BOXER.url,
        "poster_url": None,
        "poster": None,
        "cluster": query.service.generation().snapshot.cluster_of(0),
    }
    best, second = hit.evidence
    assert best.review_id == f"{BOXER.movie_id}-2"
    assert best.text in BOXER.reviews[1]
    assert best.rating == 2.0
    assert best.url == f"{BOXER.url}#review-2"
    assert best.score > second.score
    assert second.review_id == f"{BOXER.movie_id}-1"


async def test_evidence_comes_from_distinct_reviews_first(
    builder: SnapshotBuilder, query: RunningQuery
) -> None:
    repeated = " ".join(f"The robot dances alone in scene number {n}." for n in range(12))
    movie = SampleMovie(
        "tt1", (repeated, "A robot dances once.", "Nothing of the kind at all here.")
    )
    builder.publish([movie, *MOVIES])
    await query.reload()
    page = await search(query, "the robot dances alone", k=1, evidence=2)
    assert {item.review_id for item in page.hits[0].evidence} == {"tt1-1", "tt1-2"}
    page = await search(query, "the robot dances alone", k=1, evidence=5)
    evidence = page.hits[0].evidence
    assert len(evidence) == 5
    assert len({item.text for item in evidence}) == 5
    assert {item.review_id for item in evidence} == {"tt1-1", "tt1-2", "tt1-3"}
    assert [item.score for item in evidence] == sorted(
        (item.score for item in evidence), reverse=True
    )


async def test_pages_of_a_ranking_join_up(query: RunningQuery) -> None:
    whole = await search(query, "a quiet movie", k=4)
    pages = [await search(query, "a quiet movie", k=1, offset=n) for n in range(6)]
    assert [hit for page in pages for hit in page.hits] == whole.hits
    assert {page.matched for page in pages} == {4}


async def test_more_than_the_catalogue_is_what_there_is(query: RunningQuery) -> None:
    assert len((await search(query, "anything", k=100, offset=0)).hits) == 4
    assert (await search(query, "anything", k=100, offset=1000)).hits == []


async def test_a_link_gives_the_same_answer(query: RunningQuery) -> None:
    posted = await search(query, "neon rain", k=3, evidence=2, offset=1)
    response = await query.client.get(
        "/search", params={"q": "neon rain", "k": 3, "evidence": 2, "offset": 1}
    )
    linked = SearchResponse.model_validate_json(response.content)
    assert linked.hits == posted.hits
    assert linked.snapshot_id == posted.snapshot_id == response.headers["X-Snapshot-ID"]
    timing = response.headers["Server-Timing"]
    assert [part.split(";")[0] for part in timing.split(", ")] == ["encode", "search", "total"]
    assert linked.took_ms.total >= linked.took_ms.search > 0


async def test_spelling_variants_of_a_query_are_one_query(query: RunningQuery) -> None:
    plain = await search(query, "neon rain")
    assert (await search(query, "  ｎｅｏｎ\u00a0\u200brain ")).hits == plain.hits


async def test_movies_page_by_page(query: RunningQuery) -> None:
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        parameters = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        response = await query.client.get("/movies", params=parameters)
        page = MoviePage.model_validate_json(response.content)
        seen += [movie.movie_id for movie in page.movies]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(movie.movie_id for movie in MOVIES)


async def test_a_whole_last_page_has_no_next_one(query: RunningQuery) -> None:
    response = await query.client.get("/movies", params={"limit": 4})
    page = MoviePage.model_validate_json(response.content)
    assert len(page.movies) == 4
    assert page.next_cursor is None


async def test_a_movie_with_its_reviews(query: RunningQuery) -> None:
    response = await query.client.get(f"/movies/{BOXER.movie_id}")
    movie = TypeAdapter(MovieDetail).validate_json(response.content)
    assert movie.title == BOXER.title
    assert [review.text for review in movie.reviews] == list(BOXER.reviews)
    assert asdict(movie.reviews[0]) == {
        "review_id": f"{BOXER.movie_id}-1",
        "text": BOXER.reviews[0],
        "hidden": False,
        "rating": 1.0,
        "title": None,
        "author": "A. Viewer",
        "published": "2020-01-31",
        "url": f"{BOXER.url}#review-1",
        "language": "en",
        "spoiler": None,
    }


async def test_a_movie_without_a_title_is_called_by_its_id(query: RunningQuery) -> None:
    movie = (await query.client.get("/movies/nm:1")).json()
    assert movie["title"] == "nm:1"
    assert (movie["year"], movie["description"], movie["url"]) == (None, None, None)


async def test_similar_movies_are_the_nearest_others(query: RunningQuery) -> None:
    snapshot = query.service.generation().snapshot
    vectors = snapshot.index.vectors()
    row = MOVIES.index(BOXER)
    order = [int(n) for n in np.argsort(-(vectors @ vectors[row])) if n != row]

    response = await query.client.get(f"/movies/{BOXER.movie_id}/similar", params={"k": 2})

    page = SimilarResponse.model_validate_json(response.content)
    assert [hit.movie.movie_id for hit in page.hits] == [MOVIES[n].movie_id for n in order[:2]]
    assert page.matched == len(MOVIES) - 1
    assert all(len(hit.evidence) == 1 for hit in page.hits)


async def test_similar_to_a_movie_with_a_twin(
    builder: SnapshotBuilder, query: RunningQuery
) -> None:
    twins = [SampleMovie(f"tt{n}", ("The very same words.",)) for n in range(3)]
    builder.publish(twins)
    await query.reload()
    for twin in twins:
        response = await query.client.get(f"/movies/{twin.movie_id}/similar")
        others = [hit["movie"]["movie_id"] for hit in response.json()["hits"]]
        assert others == [other.movie_id for other in twins if other is not twin]


async def test_the_snapshot_describes_itself(
    query: RunningQuery, encoder: HashEncoder, builder: SnapshotBuilder
) -> None:
    response = await query.client.get("/snapshot")
    info = SnapshotInfo.model_validate_json(response.content)
    manifest = builder.store.manifest(builder.store.current().snapshot_id)
    assert info.snapshot_id == manifest.snapshot_id
    assert info.created_at == manifest.created_at
    assert (info.movies, info.reviews) == (4, 6)
    assert info.encoder.encoder_id == encoder.spec.encoder_id
    assert info.degraded is None


async def test_metrics_count_searches_by_route_not_by_path(query: RunningQuery) -> None:
    await search(query, "anything")
    await query.client.get("/movies/secret-looking-id")
    text = (await query.client.get("/metrics")).text
    assert (
        'movie_search_http_requests_total{method="POST",route="/search",status="200"} 1.0' in text
    )
    assert 'route="/movies/{movie_id}",status="404"' in text
    assert "secret-looking-id" not in text
    assert "movie_search_snapshot_sequence 1.0" in text


async def test_a_snapshot_of_one_movie(
    tmp_path: Path, builder: SnapshotBuilder, query: RunningQuery
) -> None:
    builder.publish([SampleMovie("tt9", ("One movie only.",))])
    await query.reload()
    page = await search(query, "one movie")
    assert [hit.movie.movie_id for hit in page.hits] == ["tt9"]
    response = await query.client.get("/movies/tt9/similar")
    assert response.json()["hits"] == []
    assert response.json()["matched"] == 0


@pytest.mark.parametrize(
    "path", ["/", "/movie/tt1", "/film/tt1", "/docs", "/page/docs.js", "/page/docs.css"]
)
async def test_the_page_is_served_and_cached(query: RunningQuery, path: str) -> None:
    response = await query.client.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    again = await query.client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = await query.client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.text == response.text
    assert "https://" not in plain.text.replace("https?://", "")  # nothing from other sites
    if path in {"/", "/movie/tt1", "/film/tt1", "/docs"}:
        assert " style=" not in plain.text
        assert "<script>" not in plain.text
