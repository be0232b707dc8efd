"""What is understood of a typed text, from the request to the hits, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.query.api.schemas import SearchResponse
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

MOVIES = (
    SampleMovie(
        "tt1", ("A boxer trains in the rain. A lonely fight.",), "Southpaw Street", 1991,
        ("Drama",), ("Mira Kolasin",), rating=7.5, people=("Otto Brandvold",), votes=900,
        countries=("South Korea",), languages=("Korean",), runtime_minutes=85,
    ),
    SampleMovie(
        "tt2", ("A boxer falls in love. Rain and roses, a kind joke.",), "Gloves and Roses", 1996,
        ("Romance", "Comedy"), ("Mira Kolasin",), rating=6.0, votes=500,
        countries=("France",), languages=("French",), runtime_minutes=130,
    ),
    SampleMovie(
        "tt3", ("A ghost in the rain, with gore and screams.",), "The Pale Corridor", 1999,
        ("Horror",), ("Jon Varga",), rating=8.0, people=("Otto Brandvold",), votes=100,
        countries=("South Korea",), languages=("Korean",), runtime_minutes=100,
    ),
    SampleMovie(
        "tt4", ("A boxer wins at last. Rain on the ring.",), "Last Round Anthem", 2004,
        ("Drama",), ("Jon Varga",), rating=5.0, votes=50, countries=("France",),
        languages=("French",), runtime_minutes=95,
    ),
    SampleMovie("nm:1", ("A boxer, and nothing but rain.",)),
    SampleMovie("tt6", ("A boxer of long ago, silent rain.",), "Silent Bells", 1926, ("Drama",)),
)  # fmt: skip

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def query(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningQuery]:
    folder = tmp_path_factory.mktemp("query")
    encoder = HashEncoder(dim=128)
    SnapshotBuilder(SnapshotStore(folder / "snapshots"), encoder).publish(MOVIES)
    async with running_query(query_settings(folder), always(encoder)) as running:
        await running.reload()
        yield running


async def ask(running: RunningQuery, /, **fields: Any) -> dict[str, Any]:
    response = await running.client.post("/search", json=fields)
    assert response.status_code == 200, response.text
    SearchResponse.model_validate_json(response.content)
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["movie"]["movie_id"] for hit in answer["hits"]]


async def test_a_decade_is_kept_and_what_is_unknown_comes_last(query: RunningQuery) -> None:
    answer = await ask(query, query="90s movie about a boxer in the rain")
    understood = answer["interpretation"]
    assert understood["filters"] == {"year": {"gte": 1990, "lte": 1999}}
    assert "boxer in the rain" in understood["text"]
    assert "90s" not in understood["text"]
    assert understood["relaxed"] == []
    assert set(ids(answer)[:3]) == {"tt1", "tt2", "tt3"}
    assert ids(answer)[3:] == ["nm:1"]
    assert answer["matched"] == 4
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4]
    assert answer["hits"][3]["score"] == 0.0


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
async def test_pages_join_up_where_the_unknown_begin(query: RunningQuery, mode: str) -> None:
    typed = {"query": "90s movie about a boxer in the rain", "mode": mode}
    whole = await ask(query, **typed)
    pages = [await ask(query, **typed, k=1, offset=offset) for offset in range(6)]
    assert [hit for page in pages for hit in page["hits"]] == whole["hits"]
    assert {page["matched"] for page in pages} == {whole["matched"]}
    assert ids(whole)[-1] == "nm:1"


@pytest.mark.parametrize(
    ("text", "filters", "first"),
    [
        (
            "drama, rain",
            {"genres": {"any": ["Drama"], "all": [], "none": []}},
            {"tt1", "tt4", "tt6"},
        ),
        (
            "rain, no romance",
            {"genres": {"any": [], "all": [], "none": ["Romance"]}},
            {"tt1", "tt3", "tt4", "tt6"},
        ),
        ("korean, rain", None, {"tt1", "tt3"}),
        ("rain, under 90 minutes", {"runtime": {"gte": None, "lte": 89}}, {"tt1"}),
        (
            "rain, directed by Mira Kolasin",
            {"directors": {"any": ["Mira Kolasin"]}},
            {"tt1", "tt2"},
        ),
        ("rain with Otto Brandvold", {"people": {"any": ["Otto Brandvold"]}}, {"tt1", "tt3"}),
        ("before 1930, rain", {"year": {"gte": None, "lte": 1929}}, {"tt6"}),
    ],
)  # fmt: skip
async def test_constraints_are_kept(
    query: RunningQuery, text: str, filters: dict[str, Any] | None, first: set[str]
) -> None:
    answer = await ask(query, query=text)
    if filters is not None:
        assert answer["interpretation"]["filters"] == filters
    assert set(ids(answer)[: len(first)]) == first
    known = {movie.movie_id for movie in MOVIES} - {"nm:1", "tt6"}
    assert not known & set(ids(answer)[len(first) :])


def assert_same_hits(explicit: list[dict[str, Any]], typed: list[dict[str, Any]]) -> None:
    """What is typed may be misunderstood, so its fit is a little less than that of a filter."""
    for sure, read in zip(explicit, typed, strict=True):
        assert read["fit"] <= sure["fit"] == pytest.approx(read["fit"], abs=0.01)
        assert {**sure, "fit": None} == {**read, "fit": None}


async def test_explicit_fields_give_the_same_first_hits(query: RunningQuery) -> None:
    typed = await ask(query, query="90s movie about a boxer in the rain, without gore", k=3)
    understood = typed["interpretation"]
    assert understood["avoid"]
    explicit = {name: understood[name] for name in ("filters", "avoid", "like") if understood[name]}
    again = await ask(query, query=understood["text"], interpret=False, k=3, **explicit)
    assert_same_hits(again["hits"], typed["hits"])
    assert "interpretation" not in again


async def test_constraints_alone_are_answered_by_how_movies_stand(query: RunningQuery) -> None:
    answer = await ask(query, query="90s movies")
    assert answer["interpretation"]["text"] == ""
    assert ids(answer) == ["tt1", "tt3", "tt2", "nm:1"]
    assert all(hit["evidence"] for hit in answer["hits"])
    explicit = await ask(query, filters=answer["interpretation"]["filters"], interpret=False)
    assert_same_hits(explicit["hits"], answer["hits"][:3])


async def test_a_typed_avoid_lowers_what_has_it(query: RunningQuery) -> None:
    plain = await ask(query, query="ghost in the rain", interpret=False)
    avoiding = await ask(query, query="rain without gore", explain=True)
    assert avoiding["interpretation"]["avoid"] == "gore"
    lost = {hit["movie"]["movie_id"]: hit["parts"]["avoided"] for hit in avoiding["hits"]}
    assert lost["tt3"] == max(lost.values()) > 0
    assert ids(plain)[0] == "tt3"
    assert ids(avoiding)[0] != "tt3"


async def test_a_title_is_first_and_named(query: RunningQuery) -> None:
    for text in ("the pale corridor", "Pale Corridor"):
        answer = await ask(query, query=text)
        assert answer["interpretation"]["titles"] == ["tt3"]
        assert ids(answer)[0] == "tt3"
    # A filter that the request sets is stronger than a title.
    answer = await ask(query, query="the pale corridor", filters={"year": {"gte": 2000}})
    assert "tt3" not in ids(answer)
    answer = await ask(query, query="the pale corridor", exclude=["tt3"])
    assert "tt3" not in ids(answer)


async def test_movies_like_one_leave_it_out(query: RunningQuery) -> None:
    answer = await ask(query, query="something like Southpaw Street")
    assert answer["interpretation"]["like"] == ["tt1"]
    assert "tt1" not in ids(answer)
    liked = await ask(query, like=["tt1"], interpret=False)
    assert answer["hits"] == liked["hits"]
    both = await ask(query, query="like Southpaw Street but with gore and screams")
    assert both["interpretation"]["like"] == ["tt1"]
    assert "tt1" not in ids(both)
    assert ids(both)[0] == "tt3"


async def test_what_leaves_nothing_is_relaxed_and_said(query: RunningQuery) -> None:
    known = ["nm:1", "tt6"]
    answer = await ask(query, query="90s drama under 70 minutes, rain", exclude=known)
    understood = answer["interpretation"]
    assert understood["relaxed"] == ["runtime"]
    assert "runtime" not in understood["filters"]
    assert ids(answer) == ["tt1"]


async def test_words_serve_where_no_movie_is_known_to_fit(query: RunningQuery) -> None:
    answer = await ask(query, query="1950s movies")
    assert answer["interpretation"]["text"] == "1950s movies"
    assert answer["interpretation"]["filters"] == {"year": {"gte": 1950, "lte": 1959}}
    assert ids(answer) == ["nm:1"]  # whose year is not known
    answer = await ask(query, query="1950s movies", exclude=["nm:1"])
    assert answer["interpretation"]["relaxed"] == ["year"]
    assert answer["matched"] == len(MOVIES) - 1


async def test_a_corrected_word_is_searched_and_said(query: RunningQuery) -> None:
    answer = await ask(query, query="lonely boxr in the rain")
    assert answer["interpretation"]["corrections"] == [{"from": "boxr", "to": "boxer"}]
    assert answer["interpretation"]["text"] == "lonely boxer in the rain"
    correct = await ask(query, query="lonely boxer in the rain", interpret=False)
    assert answer["hits"] == correct["hits"]
    as_typed = await ask(query, query="lonely boxr in the rain", interpret=False)
    assert "interpretation" not in as_typed


async def test_parts_that_the_request_sets_win(query: RunningQuery) -> None:
    typed = "90s movie about a boxer, without gore"
    answer = await ask(query, query=typed, filters={"year": {"gte": 2000}}, avoid="roses")
    assert "year" not in answer["interpretation"]["filters"]
    assert answer["interpretation"]["avoid"] is None
    assert ids(answer) == ["tt4"]


async def test_what_the_request_sets_itself_is_not_said_to_be_understood(
    query: RunningQuery,
) -> None:
    typed = await ask(query, query="relaxing and funny")
    assert typed["interpretation"]["filters"]["genres"]["any"] == ["Comedy"]
    stated = await ask(query, query="relaxing and funny", filters={"genres": {"any": ["Comedy"]}})
    assert "interpretation" not in stated


async def test_without_interpretation_the_text_is_searched_as_it_is(query: RunningQuery) -> None:
    answer = await ask(query, query="90s movie about a boxer, no romance", interpret=False)
    assert "interpretation" not in answer
    assert answer["matched"] == len(MOVIES)
    plain = await ask(query, query="lonely fight in the rain")
    assert "interpretation" not in plain
    assert (
        plain["hits"]
        == (await ask(query, query="lonely fight in the rain", interpret=False))["hits"]
    )


async def test_excluded_movies_have_no_other_effect(query: RunningQuery) -> None:
    whole = await ask(query, query="lonely fight in the rain", mode="semantic")
    ids_left_out = [ids(whole)[1], "no-such-movie"]
    rest = await ask(query, query="lonely fight in the rain", mode="semantic", exclude=ids_left_out)
    assert ids(rest) == [one for one in ids(whole) if one not in ids_left_out]
    scores = {hit["movie"]["movie_id"]: hit["score"] for hit in whole["hits"]}
    assert all(hit["score"] == scores[hit["movie"]["movie_id"]] for hit in rest["hits"])
    many = await query.client.post("/search", json={"query": "a", "exclude": ["x"] * 1001})
    assert many.status_code == 422


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"directors": {"any": ["mira kolasin"]}}, {"tt1", "tt2"}),
        ({"people": {"any": ["Jon Varga"]}}, {"tt3", "tt4"}),
        ({"people": {"any": ["Otto Brandvold"]}}, {"tt1", "tt3"}),
        ({"countries": {"any": ["France", "South Korea"]}}, {"tt1", "tt2", "tt3", "tt4"}),
        ({"languages": {"any": ["french"]}}, {"tt2", "tt4"}),
        ({"runtime": {"lte": 95}}, {"tt1", "tt4"}),
        ({"votes": {"gte": 500}}, {"tt1", "tt2"}),
        ({"genres": {"all": ["comedy", "romance"]}}, {"tt2"}),
        ({"genres": {"all": ["Comedy", "Horror"]}}, set()),
        ({"runtime": {"gte": 90}, "countries": {"any": ["France"]}}, {"tt2", "tt4"}),
    ],
)
async def test_explicit_filters_leave_out_what_is_unknown(
    query: RunningQuery, filters: dict[str, Any], expected: set[str]
) -> None:
    answer = await ask(query, query="rain", filters=filters, interpret=False)
    assert set(ids(answer)) == expected
    assert set(ids(await ask(query, filters=filters))) == expected


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filters": {"runtime": {"gte": 100, "lte": 90}}}, "filters.runtime"),
        ({"filters": {"people": {"any": [""]}}}, "filters.people.any.0"),
        ({"filters": {"votes": {"gte": -1}}}, "filters.votes.gte"),
        ({"exclude": ["a b"]}, "exclude.0"),
        ({"interpret": 1}, "interpret"),
    ],
)
async def test_new_fields_are_validated(
    query: RunningQuery, fields: dict[str, Any], field: str
) -> None:
    response = await query.client.post("/search", json={"query": "a", **fields})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_a_link_is_understood_as_well(query: RunningQuery) -> None:
    text = "90s movie about a boxer in the rain"
    posted = await ask(query, query=text, exclude=["tt1", "tt2"])
    response = await query.client.get("/search", params={"q": text, "exclude": ["tt1", "tt2"]})
    linked = response.json()
    assert linked["interpretation"] == posted["interpretation"]
    assert linked["hits"] == posted["hits"]
    response = await query.client.get("/search", params={"q": text, "interpret": "false"})
    assert response.json()["hits"] == (await ask(query, query=text, interpret=False))["hits"]


async def test_every_search_of_a_batch_is_understood(query: RunningQuery) -> None:
    searches: list[dict[str, Any]] = [
        {"query": "90s movies"},
        {"query": "the pale corridor"},
        {"query": "90s movies", "interpret": False},
        {"filters": {"runtime": {"lte": 90}}},
    ]
    response = await query.client.post("/search/batch", json={"searches": searches})
    for search, result in zip(searches, response.json()["results"], strict=True):
        alone = await ask(query, **search)
        assert {**result, "took_ms": None} == {**alone, "took_ms": None}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kolas", {"kind": "person", "name": "Mira Kolasin", "movies": 2}),
        ("brandvolt", {"kind": "person", "name": "Otto Brandvold", "movies": 2}),
        ("romantic mov", None),
        ("romance", {"kind": "genre", "name": "Romance", "movies": 1}),
        ("scary movi", None),
        ("horor", {"kind": "genre", "name": "Horror", "movies": 1}),
    ],
)
async def test_people_and_genres_are_suggested(
    query: RunningQuery, text: str, name: dict[str, Any] | None
) -> None:
    answer = (await query.client.get("/suggest", params={"q": text})).json()
    assert answer["names"] == ([name] if name else [])
    if name is not None:
        kind = {"person": "people", "genre": "genres"}[name["kind"]]
        found = await ask(query, filters={kind: {"any": [name["name"]]}})
        assert found["matched"] == name["movies"]
        none = await query.client.get("/suggest", params={"q": text, "names": 0})
        assert none.json() == {"suggestions": answer["suggestions"], "names": []}


async def test_a_title_can_be_searched_for_as_words(query: RunningQuery) -> None:
    typed = await ask(query, query="the pale corridor")
    assert typed["interpretation"]["titles"] == ids(typed)[:1] == ["tt3"]
    sent_back = await ask(query, query="the pale corridor", titles=["tt3"], interpret=False)
    assert ids(sent_back) == ids(typed)
    words = await ask(query, query="a boxer and roses", titles=["tt3"])
    assert ids(words)[0] == "tt3"
    assert ids(await ask(query, query="a boxer and roses", titles=[]))[0] != "tt3"
    none = await ask(query, query="rain and roses", titles=[], interpret=False)
    assert none["hits"] == (await ask(query, query="rain and roses", interpret=False))["hits"]
    as_words = await ask(query, query="the pale corridor", titles=[])
    assert "tt3" not in (as_words.get("interpretation") or {"titles": []})["titles"]
    assert as_words["hits"][0]["score"] != typed["hits"][0]["score"]


async def test_an_unknown_title_is_named(query: RunningQuery) -> None:
    response = await query.client.post("/search", json={"query": "rain", "titles": ["tt3", "tt9"]})
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert errors == [{"field": "titles.1", "message": "Unknown movie id"}]


@pytest.mark.parametrize("text", ["pale coridor", "PALECORRIDOR", "corridor", "gloves & roses"])
async def test_suggestions_forgive(query: RunningQuery, text: str) -> None:
    suggestions = (await query.client.get("/suggest", params={"q": text})).json()["suggestions"]
    assert suggestions[0]["movie_id"] == ("tt2" if "gloves" in text else "tt3")
