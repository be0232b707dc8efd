"""Every field of a search, batches, suggestions, facets and reasons, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.query.api.schemas import (
    BatchResponse,
    Facets,
    SearchResponse,
    SimilarResponse,
    Suggestions,
)
from services.query.middleware import BODY_BYTES
from shared.retrieval.ranking.scoring import SCORE_DECIMALS
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

SECRET = "zxqsecretzxq"
MOVIES = (
    SampleMovie(
        "tt1", ("Rain, neon, a sad robot.",), "Amélie's Robot", 1982, ("Drama", "War"), rating=8
    ),
    SampleMovie(
        "tt2", ("Rain on a town. A kind joke.",), "The Small Town", 1990, ("Comedy",), rating=7
    ),
    SampleMovie(
        "tt3", ("A war, and gore everywhere. Rain of blood.",), "Red", 1994, ("War",), rating=6.5
    ),
    SampleMovie(
        "tt4", ("Gore, a joke, and more gore.",), "Red Two", 2005, ("Horror", "Comedy"), rating=5
    ),
    SampleMovie("tt5", ("A quiet robot waits in the rain.",), "Amélie", 2001, ("Drama",)),
    SampleMovie("nm:1", ("A robot in the rain, alone.",)),
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def query(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningQuery]:
    folder = tmp_path_factory.mktemp("query")
    encoder = HashEncoder(dim=128)
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish(MOVIES)
    async with running_query(query_settings(folder), always(encoder)) as running:
        await running.reload()
        yield running


async def search(running: RunningQuery, /, **fields: Any) -> SearchResponse:
    response = await running.client.post("/search", json=fields)
    assert response.status_code == 200, response.text
    return SearchResponse.model_validate_json(response.content)


def ids(page: SearchResponse) -> list[str]:
    return [hit.movie.movie_id for hit in page.hits]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"tt1", "tt2", "tt3", "tt4", "tt5", "nm:1"}),
        ({"year": {"gte": 1990}}, {"tt2", "tt3", "tt4", "tt5"}),
        ({"year": {"gte": 1990, "lte": 1994}}, {"tt2", "tt3"}),
        ({"year": {"lte": None}}, {"tt1", "tt2", "tt3", "tt4", "tt5", "nm:1"}),
        ({"genres": {"any": ["war"]}}, {"tt1", "tt3"}),
        ({"genres": {"any": ["War", "Comedy"], "none": ["Horror"]}}, {"tt1", "tt2", "tt3"}),
        ({"genres": {"none": ["Drama"]}}, {"tt2", "tt3", "tt4", "nm:1"}),
        ({"genres": {"any": ["Noir"]}}, set()),
        ({"rating": {"gte": 6.5}}, {"tt1", "tt2", "tt3"}),
        ({"rating": {"gte": 6, "lte": 7}, "year": {"gte": 1991}}, {"tt3"}),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
async def test_filters(
    query: RunningQuery, mode: str, filters: dict[str, Any], expected: set[str]
) -> None:
    page = await search(query, query="rain", mode=mode, filters=filters)
    assert set(ids(page)) == expected
    assert page.matched == len(expected)


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
async def test_pages_join_up_in_every_mode(query: RunningQuery, mode: str) -> None:
    whole = await search(query, query="a robot in the rain", mode=mode, k=100)
    pages = [
        await search(query, query="a robot in the rain", mode=mode, k=2, offset=offset)
        for offset in range(0, 8, 2)
    ]
    assert [hit for page in pages for hit in page.hits] == whole.hits
    assert {page.matched for page in pages} == {whole.matched}


async def test_modes_differ_in_what_they_match(query: RunningQuery) -> None:
    lexical = await search(query, query="gore", mode="lexical")
    assert ids(lexical) == ["tt4", "tt3"]
    assert lexical.matched == 2
    assert all(len(hit.evidence) == 1 for hit in lexical.hits)
    assert lexical.took_ms.encode > 0
    bare = await search(query, query="gore", mode="lexical", evidence=0)
    assert ids(bare) == ids(lexical)
    assert (await search(query, query="gore", mode="semantic")).matched == len(MOVIES)


async def test_a_liked_movie_is_a_query_and_is_not_found(query: RunningQuery) -> None:
    page = await search(query, like=["tt5"], k=2)
    assert ids(page)[0] in {"nm:1", "tt1"}
    page = await search(query, query="rain", like=["tt5", "tt1", "tt5"], unlike=["tt4"])
    assert set(ids(page)) == {"tt2", "tt3", "nm:1"}
    assert page.matched == 3


async def test_liking_moves_the_ranking(query: RunningQuery) -> None:
    plain = ids(await search(query, query="rain", mode="semantic"))
    moved = ids(await search(query, query="rain", like=["tt4"], mode="semantic"))
    assert moved.index("tt3") < [one for one in plain if one != "tt4"].index("tt3")


async def test_what_is_avoided_goes_down(query: RunningQuery) -> None:
    plain = await search(query, query="more jokes")
    avoiding = await search(query, query="more jokes", avoid="gore", explain=True)
    assert ids(plain)[0] == "tt4"
    scores = {hit.movie.movie_id: hit.score for hit in plain.hits}
    lowered = {hit.movie.movie_id: hit.score for hit in avoiding.hits}
    assert lowered["tt4"] - lowered["tt2"] < scores["tt4"] - scores["tt2"]
    parts = {hit.movie.movie_id: hit.parts for hit in avoiding.hits}
    assert parts["tt4"] is not None
    assert (parts["tt4"].avoided or 0) > 0


async def test_parts_are_there_when_asked_for_and_only_then(query: RunningQuery) -> None:
    response = await query.client.post("/search", json={"query": "robot"})
    assert all("parts" not in hit for hit in response.json()["hits"])
    response = await query.client.post("/search", json={"query": "robot", "explain": True})
    hits = response.json()["hits"]
    assert all(set(hit["parts"]) == {"semantic", "passages", "lexical", "avoided"} for hit in hits)
    first = hits[0]["parts"]
    assert first["avoided"] is None
    assert first["lexical"] > 0
    semantic = await search(query, query="robot", mode="semantic", explain=True)
    for hit in semantic.hits:
        assert hit.parts is not None
        assert hit.parts.semantic == pytest.approx(hit.score, abs=10**-SCORE_DECIMALS)
        assert hit.parts.lexical is None


async def test_typing_a_title_finds_it_first(query: RunningQuery) -> None:
    for text, movie_id in (("amelie", "tt5"), ("small town", "tt2"), ("RED", "tt3")):
        page = await search(query, query=text)
        assert ids(page)[0] == movie_id
    filtered = await search(query, query="red", filters={"year": {"gte": 2000}})
    assert "tt3" not in ids(filtered)


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "query"),
    "no filters": ({"filters": {}}, "query"),
    "only exclude": ({"exclude": ["tt1"]}, "query"),
    "only unlike": ({"unlike": ["tt1"]}, "query"),
    "lexical without query": ({"like": ["tt1"], "mode": "lexical"}, "query"),
    "in both": ({"query": "a", "like": ["tt1", "tt2"], "unlike": ["tt2"]}, "unlike"),
    "unknown like": ({"query": "a", "like": ["tt1", SECRET]}, "like.1"),
    "unknown unlike": ({"query": "a", "unlike": [SECRET]}, "unlike.0"),
    "bad id": ({"query": "a", "like": [f"{SECRET} !"]}, "like.0"),
    "11 liked": ({"query": "a", "like": [f"tt{n}" for n in range(11)]}, "like"),
    "like as text": ({"query": "a", "like": SECRET}, "like"),
    "empty avoid": ({"query": "a", "avoid": ""}, "avoid"),
    "blank avoid": ({"query": "a", "avoid": "\u200b"}, "avoid"),
    "control in avoid": ({"query": "a", "avoid": "a\0b"}, "avoid"),
    "long avoid": ({"query": "a", "avoid": SECRET * 60}, "avoid"),
    "year order": ({"query": "a", "filters": {"year": {"gte": 2000, "lte": 1999}}}, "filters.year"),
    "rating order": (
        {"query": "a", "filters": {"rating": {"gte": 7.1, "lte": 7}}},
        "filters.rating",
    ),
    "year text": ({"query": "a", "filters": {"year": {"gte": SECRET}}}, "filters.year.gte"),
    "year float": ({"query": "a", "filters": {"year": {"gte": 1999.5}}}, "filters.year.gte"),
    "rating 11": ({"query": "a", "filters": {"rating": {"lte": 11}}}, "filters.rating.lte"),
    "21 genres": ({"query": "a", "filters": {"genres": {"any": ["x"] * 21}}}, "filters.genres.any"),
    "empty genre": ({"query": "a", "filters": {"genres": {"none": [""]}}}, "filters.genres.none.0"),
    "unknown filter": ({"query": "a", "filters": {SECRET: 1}}, "filters"),
    "unknown in year": ({"query": "a", "filters": {"year": {SECRET: 1}}}, "filters.year"),
    "diversity": ({"query": "a", "diversity": 1.1}, "diversity"),
    "explain": ({"query": "a", "explain": 1}, "explain"),
    "mode": ({"query": "a", "mode": SECRET}, "mode"),
}


@pytest.mark.parametrize(("search", "field"), INVALID.values(), ids=INVALID)
async def test_what_does_not_validate_is_422_and_says_where(
    query: RunningQuery, search: dict[str, Any], field: str
) -> None:
    for path, body, expected in (
        ("/search", search, field),
        ("/search/batch", {"searches": [{"query": "a"}, search]}, f"searches.1.{field}"),
    ):
        response = await query.client.post(path, json=body)
        assert response.status_code == 422, response.text
        assert [error["field"] for error in response.json()["errors"]] == [expected]
        assert SECRET not in response.text


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        (
            "/search",
            {"query": "a", "filter": {}},
            "filter",
            "Unknown field. Did you mean 'filters'?",
        ),
        (
            "/search/batch",
            {"searches": [{"query": "a", "filters": {"years": {}}}]},
            "searches.0.filters.years",
            "Unknown field. Did you mean 'year'?",
        ),
        (
            "/search?q=a&offsets=1",
            None,
            "offsets",
            "Unknown query parameter. Did you mean 'offset'?",
        ),
        (
            "/search?query=a&q=a",
            None,
            "",
            (
                "Unknown query parameter. "
                "Known names: q, k, offset, mode, evidence, spoilers, interpret, exclude, min_fit"
            ),
        ),
        ("/movies?limits=1", None, "limits", "Unknown query parameter. Did you mean 'limit'?"),
        (
            "/movies/tt1/similar?K=1",
            None,
            "K",
            "Unknown query parameter. Did you mean 'k'?",
        ),
    ],
)
async def test_an_unknown_name_is_pointed_out(
    query: RunningQuery, path: str, body: Any, field: str, message: str
) -> None:
    method = "GET" if body is None else "POST"
    response = await query.client.request(method, path, json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "message": message}]


async def test_a_batch_is_its_searches(query: RunningQuery) -> None:
    searches: list[dict[str, Any]] = [
        {"query": "a robot in the rain", "k": 3, "evidence": 2},
        {"query": "a joke", "avoid": "gore", "explain": True},
        {"like": ["tt5"], "unlike": ["tt4"], "evidence": 0},
        {"query": "gore", "mode": "lexical"},
        {"query": "rain", "filters": {"genres": {"any": ["Drama"]}}, "diversity": 0.5},
        {"query": "a robot in the rain", "k": 2, "offset": 2, "mode": "semantic"},
    ]
    response = await query.client.post("/search/batch", json={"searches": searches})
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    assert len(results) == len(searches)
    for search, result in zip(searches, results, strict=True):
        alone = (await query.client.post("/search", json=search)).json()
        assert {**result, "took_ms": None} == {**alone, "took_ms": None}
    assert {result["snapshot_id"] for result in results} == {response.headers["X-Snapshot-ID"]}
    BatchResponse.model_validate_json(response.content)
    assert response.headers["Server-Timing"].startswith("encode;dur=")


async def test_batches_are_bounded(query: RunningQuery) -> None:
    async def status(count: int) -> int:
        body = {"searches": [{"query": "rain", "k": 1}] * count}
        return (await query.client.post("/search/batch", json=body)).status_code

    assert [await status(count) for count in (0, 1, 64, 65)] == [422, 200, 200, 422]


async def test_a_batch_may_be_large_and_a_search_may_exclude_many(query: RunningQuery) -> None:
    body = json.dumps({"searches": [{"query": "é" * 500}] * 60}).encode()
    most = BODY_BYTES["/search/batch"]
    headers = {"Content-Type": "application/json"}
    assert BODY_BYTES["/search"] < len(body) < most

    async def status(path: str, content: bytes) -> int:
        return (await query.client.post(path, content=content, headers=headers)).status_code

    assert await status("/search/batch", body) == 200
    assert await status("/search/batch", body + b" " * (most - len(body))) == 200
    assert await status("/search/batch", body + b" " * (most - len(body) + 1)) == 413
    assert await status("/search", body) == 413
    longest = [f"{n:064}" for n in range(1000)]
    assert await status("/search", json.dumps({"query": "a", "exclude": longest}).encode()) == 200


async def test_batches_and_searches_share_the_queue(query: RunningQuery) -> None:
    body = {"searches": [{"query": f"rain {n}", "k": 1} for n in range(64)]}
    answers = await asyncio.gather(
        *(query.client.post("/search/batch", json=body) for _ in range(4)),
        query.client.post("/search", json={"query": "rain"}),
    )
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert 200 in {answer.status_code for answer in answers[:4]}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["code"] == "overloaded"
            assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amel", ["tt5", "tt1"]),
        ("AMÉL", ["tt5", "tt1"]),
        ("small", ["tt2"]),
        ("the sm", ["tt2"]),
        ("town", ["tt2"]),
        ("red", ["tt3", "tt4"]),
        ("zzz", []),
    ],
)
async def test_suggestions_ignore_accents_and_articles(
    query: RunningQuery, text: str, expected: list[str]
) -> None:
    response = await query.client.get("/suggest", params={"q": text})
    suggestions = Suggestions.model_validate_json(response.content).suggestions
    assert sorted(one.movie_id for one in suggestions) == sorted(expected)
    titles = {movie.movie_id: (movie.title, movie.year) for movie in MOVIES}
    assert all((one.title, one.year) == titles[one.movie_id] for one in suggestions)


async def test_suggestions_are_bounded(query: RunningQuery) -> None:
    async def ask(**parameters: Any) -> Any:
        return (await query.client.get("/suggest", params=parameters)).json()

    assert len((await ask(q="red", limit=1))["suggestions"]) == 1
    for parameters in ({}, {"q": ""}, {"q": "a", "limit": 21}, {"q": "a", "limit": 0}):
        assert (await ask(**parameters))["status"] == 422


async def test_facets_say_what_there_is(query: RunningQuery) -> None:
    response = await query.client.get("/facets")
    facets = Facets.model_validate_json(response.content)
    assert response.headers["X-Snapshot-ID"]
    assert [(one.genre, one.movies) for one in facets.genres] == [
        ("Comedy", 2), ("Drama", 2), ("War", 2), ("Horror", 1),
    ]  # fmt: skip
    assert response.json()["year"] == {"gte": 1982, "lte": 2005}
    assert response.json()["rating"] == {"gte": 5.0, "lte": 8.0}
    assert facets.movies == len(MOVIES)
    for one in facets.genres:
        filters = {"genres": {"any": [one.genre]}}
        assert (await search(query, query="rain", filters=filters)).matched == one.movies


async def test_facets_of_nothing_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bare")
    encoder = HashEncoder()
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish(
        [SampleMovie("a", ("Rain.",))]
    )
    async with running_query(query_settings(folder), always(encoder)) as query:
        await query.reload()
        facets = (await query.client.get("/facets")).json()
    assert facets == {"genres": [], "year": None, "rating": None, "movies": 1}


async def test_similar_movies_have_a_shared_reason(query: RunningQuery) -> None:
    response = await query.client.get("/movies/tt5/similar", params={"evidence": 0})
    page = SimilarResponse.model_validate_json(response.content)
    assert page.matched == len(MOVIES) - 1
    reviews = {movie.movie_id: " ".join(movie.reviews) for movie in MOVIES}
    for hit in page.hits:
        assert hit.reason is not None
        assert hit.reason.this_movie.text in reviews["tt5"]
        assert hit.reason.other_movie.text in reviews[hit.movie.movie_id]
        assert hit.reason.other_movie.review_id == f"{hit.movie.movie_id}-1"
        assert -1 <= hit.reason.score <= 1
        assert hit.evidence == []
    nearest = max(page.hits, key=lambda hit: hit.reason.score if hit.reason else -1)
    assert nearest.movie.movie_id in {"nm:1", "tt1"}
